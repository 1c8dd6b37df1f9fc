"""`%inspect` and `%%inspect`: SQL over documents, runs and failures."""

from __future__ import annotations

from typing import Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.session import current_lab
from mixpeek_lab.widgets.cards import TablePage


@magics_class
class InspectMagics(Magics):
    """`%inspect`."""

    @magic_arguments()
    @argument("--page", type=int, default=1, help="which page to show, from 1")
    @argument("--size", type=int, default=20, help="rows a page")
    @argument("--df", metavar="NAME", help="put all rows into this variable, as a DataFrame")
    @argument("--arrow", metavar="NAME", help="put all rows into this variable, as an Arrow table")
    @argument("sql", nargs="*", help="one SQL statement; a single word is a table to show")
    @no_var_expand
    @line_cell_magic
    @tells_errors
    def inspect(self, line: str, cell: str | None = None) -> Any:
        """Query what the lab made with DuckDB's SQL.

        %inspect docs_my_extractor                     the table's first page
        %inspect SELECT kind, count(*) FROM failures GROUP BY ALL
        %%inspect --df hits --size 50                  (the statement on the lines below)

        Tables: each collection, documents, runs, failures, buckets, objects, blobs, collections,
        extractors, retrievers.
        """
        flags, statement = _split(line)
        options = parse_argstring(self.inspect, flags)
        query = (cell if cell is not None else statement).strip()
        if not query:
            raise InvalidInputError("%inspect needs a table's name or an SQL statement.")
        lab = current_lab()
        result = lab.sql(f'FROM "{query}"' if query.replace("_", "").isalnum() else query)
        if options.df:
            self.shell.user_ns[options.df] = result.to_pandas()
        if options.arrow:
            self.shell.user_ns[options.arrow] = result.table
        return TablePage(result.table, options.page, options.size)


def _split(line: str) -> tuple[str, str]:
    """The options at the start of the line, and the SQL after them, untouched."""
    words = line.split()
    flags: list[str] = []
    rest = line.strip()
    while words and words[0].startswith("--") and words[0] != "--":
        taken = words[:1] if "=" in words[0] else words[:2]
        flags += taken
        for word in taken:
            rest = rest[rest.index(word) + len(word) :].lstrip()
        words = words[len(taken) :]
    return " ".join(flags), rest
