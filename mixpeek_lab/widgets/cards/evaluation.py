"""Evaluations, and what changed from one to the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from mixpeek_lab.evaluation import Change, Comparison, Evaluation
from mixpeek_lab.evaluation.comparison import ID_DIGITS
from mixpeek_lab.markup import printable
from mixpeek_lab.widgets.cards.values import shown
from mixpeek_lab.widgets.cards.view import (
    COLOURS,
    MUTED,
    View,
    framed,
    line_html,
    note_lines,
)
from mixpeek_lab.widgets.static import Markup, table_html, table_text

LONGEST_NAME = 40
"""Characters of a name in a text table; HTML breaks long ones."""
LONGEST_LABEL = LONGEST_NAME + ID_DIGITS + 3
"""Characters of a name with the beginning of an id."""
SURE = 0.05
"""A corrected p-value below this is marked."""


@dataclass(frozen=True, repr=False)
class EvaluationCard(View):
    """The means of an evaluation with their intervals."""

    evaluation: Evaluation

    def __str__(self) -> str:
        columns = ["measure", "mean", self._interval_name()]
        rows = [[m, f"{mean:.4f}", _between(span)] for m, mean, span in self._rows()]
        notes = note_lines(self.evaluation.notes)
        return "\n".join([self._title(), table_text(columns, rows), self._unjudged(), *notes])

    def _repr_html_(self) -> str:
        found = self.evaluation
        columns = ["measure", "mean", self._interval_name(), ""]
        rows = [
            [m, f"{mean:.4f}", _between(span), _bar(mean, span)] for m, mean, span in self._rows()
        ]
        notes = "".join(line_html(note, MUTED) for note in (self._unjudged(), *found.notes))
        queries = f"on {found.dataset}, {_queries(found)}"
        return _boxed(found.name, queries, table_html(columns, rows), notes)

    def _rows(self) -> list[tuple[str, float, tuple[float, float]]]:
        mean, spans = self.evaluation.mean, self.evaluation.intervals
        return [(m, mean[m], spans[m]) for m in self.evaluation.measures]

    def _title(self) -> str:
        found = self.evaluation
        name, dataset = shown(found.name, LONGEST_NAME), shown(found.dataset, LONGEST_NAME)
        return f"{printable(name)} on {printable(dataset)}: {_queries(found)}"

    def _interval_name(self) -> str:
        return f"{self.evaluation.confidence * 100:g} % interval"

    def _unjudged(self) -> str:
        found = self.evaluation
        share = f"{found.mean_unjudged * 100:.1f} %"
        return f"unjudged@{found.cut}: {share} of the first hits were judged by nobody"


@dataclass(frozen=True, repr=False)
class EvaluationList(View):
    """The evaluations there are, newest first."""

    evaluations: Sequence[Evaluation]

    def __str__(self) -> str:
        if not self.evaluations:
            return self._nothing()
        rows = [
            [shown(reference, LONGEST_NAME), *self._facts(each, LONGEST_NAME)]
            for reference, each in self._named()
        ]
        return table_text(["evaluation", "dataset", "queries", "measure", "mean"], rows)

    def _repr_html_(self) -> str:
        if not self.evaluations:
            return line_html(self._nothing())
        columns = ["evaluation", "dataset", "queries", "measure", "mean", "id", "when"]
        rows = [
            [_name(reference), _name(dataset), *numbers, each.evaluation_id, each.created_at]
            for reference, each in self._named()
            for dataset, *numbers in [self._facts(each)]
        ]
        return _boxed("Evaluations", "newest first", table_html(columns, rows))

    def _named(self) -> list[tuple[str, Evaluation]]:
        """Each with what `--compare` calls it: the newest of a name by the name alone."""
        seen: dict[str, int] = {}
        found = []
        for each in self.evaluations:
            before = seen[each.name] = seen.get(each.name, -1) + 1
            found.append((f"{each.name}~{before}" if before else each.name, each))
        return found

    def _facts(self, each: Evaluation, longest: int = 10_000) -> list[str]:
        first = each.measures[0]
        count = str(len(each.per_query))
        return [shown(each.dataset, longest), count, first, f"{each.mean[first]:.4f}"]

    def _nothing(self) -> str:
        return "No evaluations yet. `%evaluate RETRIEVER QRELS` makes one."


@dataclass(frozen=True, repr=False)
class ComparisonCard(View):
    """What changed against a baseline, and how surely."""

    comparison: Comparison

    def __str__(self) -> str:
        rows = [
            [_sign(c), shown(c.system, LONGEST_LABEL), c.measure, f"{c.before:.4f}",
             f"{c.after:.4f}", *self._rest(c)]
            for c in self.comparison.changes
        ]  # fmt: skip
        return "\n".join([self._title(), table_text(["", *self._columns()], rows), self._how()])

    def _repr_html_(self) -> str:
        first = self.comparison.measures[0]  # its row names the system, for those below it too
        rows = [
            [_mark(c), _name(c.system if c.measure == first else ""), c.measure,
             f"{c.before:.4f}", f"{c.after:.4f}", *self._rest(c)]
            for c in self.comparison.changes
        ]  # fmt: skip
        base = self.comparison.baseline
        about = f"compared on {base.dataset}, {_queries(base)}"
        table = table_html(["", *self._columns()], rows)
        return _boxed(
            f"Against {self.comparison.labels[0]}", about, table, line_html(self._how(), MUTED)
        )

    def _columns(self) -> list[str]:
        share = f"{self.comparison.confidence * 100:g} %"
        return [
            "system", "measure", "baseline", "system's", "change", f"{share} interval", "p",
            "won", "lost", "tied",
        ]  # fmt: skip

    def _rest(self, c: Change) -> list[str]:
        counts = [str(c.won), str(c.lost), str(c.tied)]
        return [f"{c.difference:+.4f}", _between(c.interval, "+.4f"), _p(c.corrected_p), *counts]

    def _title(self) -> str:
        base = self.comparison.baseline
        name = shown(self.comparison.labels[0], LONGEST_LABEL)
        dataset = shown(base.dataset, LONGEST_NAME)
        return f"Against {printable(name)} on {printable(dataset)}: {_queries(base)}"

    def _how(self) -> str:
        made = {"none": "not corrected", "holm": "Holm's", "bonferroni": "Bonferroni's"}
        correction = made[self.comparison.correction]
        tests = len(self.comparison.changes)
        after = correction if correction == "not corrected" else f"{correction} correction"
        return f"p: paired {self.comparison.test}, {after} over {tests} tests; ▲ ▼ where p < {SURE}"


def _queries(found: Evaluation) -> str:
    count = len(found.per_query)
    return f"{count} {'query' if count == 1 else 'queries'}"


def _between(span: tuple[float, float], form: str = ".4f") -> str:
    return f"{span[0]:{form}} to {span[1]:{form}}"


def _p(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


def _sign(change: Change) -> str:
    if change.corrected_p >= SURE:
        return "·"
    return "▲" if change.difference > 0 else "▼"


def _mark(change: Change) -> Markup:
    sign = _sign(change)
    tones: Mapping[str, str] = {"▲": COLOURS["success"], "▼": COLOURS["error"]}
    said = {"▲": "surely better", "▼": "surely worse"}.get(sign, "no sure change")
    tone = tones.get(sign, "inherit")
    return Markup(f'<span style="color:{tone}" title="{escape(said)}">{sign}</span>')


def _bar(mean: float, span: tuple[float, float]) -> Markup:
    """The mean as a bar from 0 to 1, with the interval as a line over it."""
    low, high, at = (min(max(value, 0.0), 1.0) * 100 for value in (*span, mean))
    colour = "var(--jp-brand-color1,#1976d2)"
    return Markup(
        '<div aria-hidden="true" style="position:relative;width:140px;height:10px;'
        'background:var(--jp-layout-color2,rgba(128,128,128,.2))">'
        f'<div style="width:{at:.1f}%;height:10px;background:{colour};opacity:.6"></div>'
        f'<div style="position:absolute;top:4px;left:{low:.1f}%;width:{max(high - low, 0.5):.1f}%;'
        'height:2px;background:currentColor"></div></div>'
    )


def _boxed(title: str, subtitle: str, table: str, notes: str = "") -> str:
    """The card: names break where they must, numbers never do."""
    kept = f'<div style="white-space:nowrap;overflow-wrap:normal">{table}</div>'
    return f'<div style="overflow-wrap:anywhere">{framed(title, subtitle, kept, notes)}</div>'


def _name(text: str) -> Markup:
    """A cell whose words break."""
    style = "white-space:normal;overflow-wrap:anywhere;max-width:26em"
    if len(text) > LONGEST_NAME:
        style += ";min-width:12em"
    return Markup(f'<div style="{style}">{escape(text)}</div>')
