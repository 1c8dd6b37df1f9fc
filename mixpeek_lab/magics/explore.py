"""`%explore` and `%%explore`: look through a table or a query's rows, however many."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, parse_argstring

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.inspect import answered
from mixpeek_lab.magics.lines import demand_variable, leading_or_last
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from mixpeek_lab.widgets.explorer import Explorer

LONGEST_TITLE = 60
SLOW_SECONDS = 2.0
"""After this time somebody who waits for the rows is told what goes on."""
SLOW = "The query's rows are still being read. Interrupt the kernel to stop that."


@magics_class
class ExploreMagics(Magics):
    """`%explore`."""

    @explained()
    @argument("--name", metavar="NAME", help="put the explorer into this variable")
    @argument("sql", nargs="*", help="one SQL statement; a single word is a table to show")
    @no_var_expand
    @line_cell_magic
    @tells_errors
    def explore(self, line: str, cell: str | None = None) -> Explorer:
        """Look through a table or a query's rows: sort, filter, search, summaries, selection.

        %explore docs_my_extractor             a whole table
        ex = %explore SELECT * FROM documents WHERE year > 1999
                                               what a query finds
        %%explore --name ex                    the statement is on the lines below

        Afterwards: ex.frame(), ex.sql, ex.selected, ex.selection_sql. Tables: as for %inspect.
        """
        from mixpeek_lab.widgets.explorer import Explorer

        flags, statement = leading_or_last(line)
        options = parse_argstring(self.explore, flags)
        query = (cell if cell is not None else statement).strip()
        if not query:
            raise InvalidInputError("%explore needs a table's name or an SQL statement.")
        demand_variable(options.name, "--name")
        with _telling_of_waits():
            pages = answered(query, current_lab().pages)
        code = f"%explore {line}".strip() if cell is None else f"%%explore {line}\n{cell.strip()}"
        explorer = Explorer(pages, title=_title(query), code=code)
        if options.name:
            self.shell.user_ns[options.name] = explorer
        return explorer


@contextmanager
def _telling_of_waits() -> Iterator[None]:
    timer = threading.Timer(SLOW_SECONDS, print, [SLOW], {"flush": True})
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _title(query: str) -> str:
    line = " ".join(query.split())
    return line if len(line) <= LONGEST_TITLE else line[: LONGEST_TITLE - 1].rstrip() + "…"
