"""`%%retriever`, `%retriever`, `%search` and `%playground`."""

from __future__ import annotations

import shlex
from typing import Any

from IPython.core.magic import Magics, line_cell_magic, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.session import current_lab
from mixpeek_lab.widgets.cards import Results, RetrieverCard, RetrieverList
from mixpeek_lab.widgets.playground import Playground


@magics_class
class RetrieverMagics(Magics):
    """Retrievers in the notebook."""

    @magic_arguments()
    @argument("name", help="as a cell: the retriever's name. As a line: list, or a name to show")
    @no_var_expand
    @line_cell_magic
    @tells_errors
    def retriever(self, line: str, cell: str | None = None) -> RetrieverCard | RetrieverList:
        """Define a retriever in YAML or JSON, or show those there are.

        %%retriever search_docs
        collection: docs_my_extractor
        searches:
          - feature: my_embedding
          - lexical: true
            weight: 0.5
        fusion: rrf

        %retriever list                all of them
        %retriever search_docs         this one
        """
        options = parse_argstring(self.retriever, line)
        lab = current_lab()
        if cell is not None:
            record = lab.retriever(options.name, _body(cell))
            return RetrieverCard(record.name, record.body)
        if options.name == "list":
            return RetrieverList([(r.name, r.body) for r in lab.retrievers()])
        found = next((r for r in lab.retrievers() if r.name == options.name), None)
        if found is None:
            known = ", ".join(r.name for r in lab.retrievers()) or "none yet"
            raise InvalidInputError(f"No retriever called {options.name!r}. There is: {known}.")
        return RetrieverCard(found.name, found.body)

    @no_var_expand
    @line_magic
    @tells_errors
    def search(self, line: str) -> Results:
        """Search in this process and show the hits with their ranks per leg.

        %search RETRIEVER the words to look for
        """
        name, _, query = line.strip().partition(" ")
        if not query.strip():
            raise InvalidInputError("%search RETRIEVER QUERY: there is no query.")
        return Results(current_lab().search(name, query.strip().strip("\"'")))

    @no_var_expand
    @magic_arguments()
    @argument("name", help="the retriever")
    @argument("query", nargs="*", help="a first query")
    @argument("--limit", type=int, default=10, help="hits to show")
    @line_magic
    @tells_errors
    def playground(self, line: str) -> Playground:
        """Open the playground: search, see why each hit is there, change weights and fusion.

        %playground search_docs
        %playground search_docs revenue growth
        """
        options = parse_argstring(self.playground, line)
        lab = current_lab()
        lab.serve(options.name)
        record = next(r for r in lab.retrievers() if r.name == options.name)

        def search(request: dict[str, Any]) -> dict[str, Any]:
            answer: dict[str, Any] = lab.execute(options.name, request, explain=True)
            return answer

        return Playground(
            search=search,
            retriever=record.name,
            query=" ".join(options.query),
            limit=options.limit,
            code=f"%playground {shlex.join([options.name, *options.query])}",
        )


def _body(cell: str) -> dict[str, Any]:
    import yaml

    try:
        body = yaml.safe_load(cell)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" (line {mark.line + 2}, column {mark.column + 1})" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise InvalidInputError(f"This is neither YAML nor JSON{place}: {problem}.") from error
    if not isinstance(body, dict):
        raise InvalidInputError("A retriever is a mapping: `collection: …`, `searches: …`.")
    return body
