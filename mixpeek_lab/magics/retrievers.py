"""`%%retriever`, `%retriever`, `%search` and `%playground`."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument

from mixpeek_lab.errors import EngineError, InvalidInputError, NotFoundError, RetrieverError
from mixpeek_lab.magics.collections import delete
from mixpeek_lab.magics.definitions import line_of, read_definition
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.lines import named_text, read_options
from mixpeek_lab.magics.moving import export_retriever, import_retriever
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import (
        Results,
        RetrieverCard,
        RetrieverList,
        StageCard,
        StageList,
    )
    from mixpeek_lab.widgets.playground import Playground, Support
    from mixpeek_lab.workbench import Lab

LOADING = "Loading the model for the queries …"
RETRIEVER_ACTIONS = ("list", "stages", "export", "import", "delete")


@magics_class
class RetrieverMagics(Magics):
    """Retrievers in the notebook."""

    @explained()
    @argument(
        "name", nargs="?", default="list",
        help="in a cell: its name. In a line: one, or " + ", ".join(RETRIEVER_ACTIONS)
        + " (default: list)",
    )  # fmt: skip
    @argument(
        "more", nargs="?", help="stages: one of them. export: the retriever. import: the file"
    )
    @argument("last", nargs="?", help="export: a file to write. import: another name for it")
    @no_var_expand
    @line_cell_magic
    @tells_errors
    def retriever(
        self, line: str, cell: str | None = None
    ) -> RetrieverCard | RetrieverList | StageList | StageCard | None:
        """Define a retriever in YAML or JSON, or show those there are.

        %%retriever search_docs        define one; its lines follow, such as these:
            collection: docs_my_extractor
            searches:
              - feature: my_embedding
              - lexical: true
                weight: 0.5
            fusion: rrf

        %retriever list                all of them
        %retriever search_docs         this one
        %retriever stages              what may come after its searches
        %retriever stages mmr          the parameters of one
        %retriever export NAME [FILE]  as the JSON that Mixpeek takes
        %retriever import FILE [NAME]  define one from such a file
        %retriever delete NAME         take one away
        """
        from mixpeek_lab.widgets.cards import RetrieverList
        from mixpeek_lab.widgets.cards.stages import stages_card

        options = read_options(self.retriever, line)
        if options.more and (cell is not None or options.name not in RETRIEVER_ACTIONS[1:]):
            raise InvalidInputError(f"%retriever NAME: what is {options.more!r} for?")
        if cell is not None:
            return _define(options.name, cell)
        if options.name == "stages":
            return stages_card(options.more)
        if options.name == "export":
            export_retriever(options.more, options.last)
            return None
        if options.name == "import":
            return import_retriever(options.more, options.last)
        if options.name == "delete":
            delete("retriever", options.more or "")
            return None
        if options.name == "list":
            return RetrieverList([(r.name, r.body) for r in current_lab().retrievers()])
        return _card(options.name)

    @explained()
    @argument("name", help="the retriever")
    @argument("--limit", type=int, default=10, metavar="HITS", help="to show (default: 10)")
    @argument("query", nargs="*", help="the words to look for, quoted or not")
    @no_var_expand
    @line_magic
    @tells_errors
    def search(self, line: str) -> Results:
        """Search in this process and show the hits with their ranks per leg.

        %search search_docs revenue growth             ten hits
        %search search_docs revenue growth --limit 3   three of them
        %search search_docs "what grew?"               quoted: IPython takes a last ? for itself
        found = %search search_docs revenue growth     found.result has all of the answer
        """
        from mixpeek_lab.widgets.cards import Results

        name, flags, query = named_text(line)
        options = read_options(self.search, f"{name} {flags}")
        if not query:
            raise InvalidInputError("%search RETRIEVER QUERY: there is no query.")
        return Results(current_lab().search(options.name, query, limit=options.limit))

    @explained()
    @argument("name", help="the retriever")
    @argument("--limit", type=int, default=10, metavar="HITS", help="to show (default: 10)")
    @argument("query", nargs="*", help="a first query")
    @no_var_expand
    @line_magic
    @tells_errors
    def playground(self, line: str) -> Playground:
        """Open the playground: search, see why each hit is there, change weights and fusion.

        %playground search_docs                     with an empty query
        %playground search_docs revenue growth      with a first query
        pg = %playground search_docs                pg.config, pg.results, pg.qrels hold its state
        """
        name, flags, query = named_text(line)
        options = read_options(self.playground, f"{name} {flags}")
        if options.limit < 1:
            raise InvalidInputError(f"--limit: {options.limit} hits cannot be shown; 1 or more.")
        return _open_playground(_card(options.name), query, options.limit)


def _define(name: str, cell: str) -> RetrieverCard:
    from mixpeek_lab.widgets.cards import RetrieverCard

    if name in RETRIEVER_ACTIONS:
        raise InvalidInputError("%%retriever needs a name: `%%retriever search_docs`.")
    try:
        record = current_lab().retriever(name, read_definition(cell))
    except RetrieverError as error:
        line = line_of(cell, str(error))
        raise RetrieverError(f"Line {line}: {error}") if line else error from None
    return RetrieverCard(record.name, record.body, record.notes)


def _card(name: str) -> RetrieverCard:
    from mixpeek_lab.widgets.cards import RetrieverCard

    records = {record.name: record for record in current_lab().retrievers()}
    if name not in records:
        raise NotFoundError("retriever", name, records)
    return RetrieverCard(name, records[name].body)


def _open_playground(card: RetrieverCard, query: str, limit: int) -> Playground:
    from mixpeek_lab.magics.live import note_meanwhile
    from mixpeek_lab.widgets.playground import Playground

    lab = current_lab()
    found = Playground(
        search=search_again(lab, card.name),
        retriever=card.name,
        query=query,
        legs=card.legs,
        fusion=card.fusion,
        limit=limit,
        code=f"%playground {shlex.join([card.name, *query.split()])}",
        support=_support(card),
    )
    # A first query waits for the model anyway: without one, the playground opens meanwhile.
    found.preparing = "" if query else LOADING
    on_ready = None if query else partial(found.set_trait, "preparing", "")
    try:
        with note_meanwhile(f"Making ready what {card.name} needs for its queries …"):
            lab.prepare(card.name, on_ready)
    except BaseException:
        found.close()
        raise
    return found


def search_again(lab: Lab, retriever: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """A playground's search: what the retriever needs is deployed anew where the endpoint was
    stopped and started. EngineError while it is down.
    """

    def search(request: dict[str, Any]) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = lab.execute(retriever, request, explain=True)
        except EngineError:
            if not lab.status().url:
                raise
            lab.prepare(retriever)
            answer = lab.execute(retriever, request, explain=True)
        return answer

    return search


def _support(card: RetrieverCard) -> Support:
    """What the lab answers a playground beside its searches."""
    from mixpeek_lab.widgets.playground import MapSupport, Support

    name, playing = card.name, current_lab().playing
    maps = playing.maps
    return Support(
        body=card.body,
        fields=lambda: playing.fields(name),
        count=lambda filters: playing.count(name, filters),
        like=lambda request: playing.like(name, request),
        ranks=lambda request: playing.ranks(name, request),
        trace=lambda document_id: playing.trace(name, document_id),
        maps=MapSupport(
            offers=lambda: maps.offers(name),
            open=lambda key: maps.open(name, key),
            vector=lambda leg, request: maps.vector(name, leg, request),
            passing=lambda shown, filters: maps.passing(name, shown, filters),
        ),
        documents=lambda ids: playing.documents(name, ids),
    )
