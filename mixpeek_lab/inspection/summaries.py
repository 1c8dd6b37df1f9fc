"""What a column's header tells of its rows, computed by DuckDB: never by the rows themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mixpeek_lab.inspection.columns import Column
from mixpeek_lab.inspection.quoting import quoted

Run = Callable[[str], list[tuple[Any, ...]]]
"""SQL → its rows."""

BINS = 24
TOP_VALUES = 6
COUNTED_ROWS = 100_000
"""Of more rows than this the commonest values are not looked for where nearly all differ."""
SAMPLED_VECTORS = 20_000
"""Norms are taken of this many vectors at most."""


@dataclass(frozen=True)
class Summary:
    """The figures of one column over the rows of a view."""

    rows: int
    nulls: int
    distinct: int | None = None
    """About how many; None for what cannot be counted cheaply."""
    low: str | None = None
    high: str | None = None
    bins: tuple[int, ...] = ()
    """Counts in equal steps from `low` to `high`; values that are not finite are left out."""
    top: tuple[tuple[str, int], ...] = ()
    """The commonest values and how many rows have each."""
    dimensions: tuple[int, ...] = ()
    """Of vectors: each length there is, up to three."""

    def as_json(self) -> dict[str, Any]:
        """As the view takes it."""
        return asdict(self)


def summarise(column: Column, source: str, run: Run) -> Summary:
    """The summary of `column` over `source`: what follows FROM, conditions included."""
    name = quoted(column.name)
    if column.kind == "vector":
        return _of_vectors(column, source, run)
    if column.kind in ("nested", "bytes"):
        ((rows, nulls),) = run(f"SELECT count(*), count(*) - count({name}) FROM {source}")
        return Summary(rows, nulls)
    ((rows, nulls, distinct, low, high),) = run(
        f"SELECT count(*), count(*) - count({name}), approx_count_distinct({name}), "
        f"min({name})::VARCHAR, max({name})::VARCHAR FROM {source}"
    )
    distinct = min(distinct, rows - nulls)
    if column.kind in ("text", "bool") or "INTERVAL" in column.type:
        is_each_its_own = rows - nulls > COUNTED_ROWS and distinct > 0.9 * (rows - nulls)
        if is_each_its_own:
            return Summary(rows, nulls, distinct, low, high)
        top = _top(column, source, run)
        exact = len(top) if len(top) < TOP_VALUES else distinct
        return Summary(rows, nulls, exact, low, high, top=top)
    number = _as_number(column, name)
    bounds, bins = _histogram(number, source, run)
    if column.kind == "number" and bounds:
        low, high = bounds
    return Summary(rows, nulls, distinct, low, high, bins)


def summary_line(column: Column, summary: Summary) -> str:
    """The summary in words: `3 null, ~12 distinct, 0 … 9`."""
    facts = [f"{summary.nulls:,} null"] if summary.nulls else []
    if summary.distinct is not None:
        facts.append(f"~{summary.distinct:,} distinct")
    if summary.dimensions:
        facts.append("dim " + ", ".join(map(str, summary.dimensions)))
    if summary.top and column.kind in ("text", "bool"):
        facts += [f"{value[:40]} ({count:,})" for value, count in summary.top[:3] if count > 1]
    elif summary.low is not None:
        norm = "norm " if column.kind == "vector" else ""
        facts.append(f"{norm}{summary.low} … {summary.high}")
    return ", ".join(facts)


def _as_number(column: Column, name: str) -> str:
    """SQL: the values as finite numbers, null where they are none."""
    if column.kind == "time":
        is_clock = column.type.startswith("TIME") and not column.type.startswith("TIMESTAMP")
        return f"epoch({name})" if not is_clock else f"epoch({name}::TIME)"
    return f"CASE WHEN isfinite({name}::DOUBLE) THEN {name}::DOUBLE END"


def _histogram(
    number: str, source: str, run: Run
) -> tuple[tuple[str, str] | None, tuple[int, ...]]:
    """The bounds as text, and the counts between them in `BINS` steps."""
    finite = f"(SELECT {number} AS x FROM {source}) WHERE x IS NOT NULL"
    ((low, high),) = run(f"SELECT min(x), max(x) FROM {finite}")
    if low is None:
        return None, ()
    width = (high - low) / BINS
    if width <= 0 or width == float("inf"):
        ((count,),) = run(f"SELECT count(*) FROM {finite}")
        return (_short(low), _short(high)), (count,)
    step = f"least({BINS - 1}, floor((x - {low!r}) / {width!r}))::INT"
    found: dict[int, int] = dict(run(f"SELECT {step} AS bin, count(*) FROM {finite} GROUP BY ALL"))
    return (_short(low), _short(high)), tuple(found.get(at, 0) for at in range(BINS))


def _top(column: Column, source: str, run: Run) -> tuple[tuple[str, int], ...]:
    found: Sequence[tuple[str | None, int]] = run(
        f"SELECT {column.text}, count(*) AS n FROM {source} GROUP BY ALL "
        f"ORDER BY n DESC, 1 LIMIT {TOP_VALUES + 1}"
    )
    return tuple((value, count) for value, count in found if value is not None)[:TOP_VALUES]


def _of_vectors(column: Column, source: str, run: Run) -> Summary:
    name = quoted(column.name)
    ((rows, nulls),) = run(f"SELECT count(*), count(*) - count({name}) FROM {source}")
    sample = (
        f"(SELECT {column.norm} AS norm, len({name}) AS dim FROM {source} LIMIT {SAMPLED_VECTORS})"
    )
    bounds, bins = _histogram("CASE WHEN isfinite(norm) THEN norm END", sample, run)
    lengths = run(f"SELECT DISTINCT dim FROM {sample} WHERE dim IS NOT NULL ORDER BY 1 LIMIT 3")
    low, high = bounds or (None, None)
    dimensions = tuple(int(each) for (each,) in lengths)
    return Summary(rows, nulls, None, low, high, bins, dimensions=dimensions)


def _short(number: float) -> str:
    """Six digits, whole numbers as they are."""
    if number == int(number) and abs(number) < 1e15:
        return str(int(number))
    return f"{number:.6g}"
