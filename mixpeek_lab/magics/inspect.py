"""`%inspect` and `%%inspect`: SQL over documents, runs and failures."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument

from mixpeek_lab.errors import InvalidInputError, NotFoundError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.lines import demand_variable, leading_or_last, read_options, unquoted
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from mixpeek_lab.widgets.cards import TablePage

T = TypeVar("T")


@magics_class
class InspectMagics(Magics):
    """`%inspect`."""

    @explained()
    @argument("--page", type=int, default=1, metavar="N", help="which page to show (default: 1)")
    @argument("--size", type=int, default=20, metavar="ROWS", help="rows a page (default: 20)")
    @argument("--df", metavar="NAME", help="put all rows into this variable, as a DataFrame")
    @argument("--arrow", metavar="NAME", help="put all rows into this variable, as an Arrow table")
    @argument("sql", nargs="*", help="one SQL statement; a single word is a table to show")
    @no_var_expand
    @line_cell_magic
    @tells_errors
    def inspect(self, line: str, cell: str | None = None) -> TablePage:
        """Query what the lab made with DuckDB's SQL.

        %inspect docs_my_extractor             the table's first page
        %inspect SELECT kind, count(*) FROM failures GROUP BY ALL
                                               what a query finds
        %inspect --page 2 --size 50 runs       the next rows
        %%inspect --df hits                    the statement is on the lines below
        """
        from mixpeek_lab.widgets.cards import TablePage

        flags, statement = leading_or_last(line)
        options = read_options(self.inspect, flags)
        query = (cell if cell is not None else statement).strip()
        if not query:
            raise InvalidInputError("%inspect needs a table's name or an SQL statement.")
        if options.page < 1 or options.size < 1:
            raise InvalidInputError("--page and --size count from 1.")
        demand_variable(options.df, "--df")
        demand_variable(options.arrow, "--arrow")
        result = answered(query, current_lab().sql)
        if options.df:
            self.shell.user_ns[options.df] = result.to_pandas()
        if options.arrow:
            self.shell.user_ns[options.arrow] = result.table
        return TablePage(result.table, options.page, options.size)


def answered(query: str, ask: Callable[[str], T]) -> T:
    """What `ask` says to a statement, or to a table's name. NotFoundError where there is none."""
    text, tables = unquoted(query), list(current_lab().tables())
    is_table = text in tables or is_name(text)
    try:
        return ask(f'FROM "{text}"' if is_table else text)
    except InvalidInputError:
        if is_table and text.lower() not in map(str.lower, tables):
            raise NotFoundError("table", text, tables) from None
        raise


def is_name(query: str) -> bool:
    """Whether it is a table's name rather than a statement."""
    return query.replace("_", "").replace("-", "").isalnum()
