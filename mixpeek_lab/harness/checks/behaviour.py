"""Rows in, rows out: nothing lost, and the same answer however the rows are cut and ordered."""

from __future__ import annotations

from collections.abc import Sequence

from mixpeek_lab.harness.agreement import COSINE, Agreement, compare_vectors, differing_columns
from mixpeek_lab.harness.answers import Answer
from mixpeek_lab.harness.evidence import Evidence
from mixpeek_lab.harness.media import MAKERS
from mixpeek_lab.harness.report import Verdict
from mixpeek_lab.harness.verdicts import NoEvidenceError, failed, passed, skipped, together, warned
from mixpeek_lab.models import Failure
from mixpeek_lab.sdk import RowCondition

ONE_ROW = "It takes two sample rows or more."


def drops_no_rows(evidence: Evidence) -> Verdict:
    """As many rows come back as went in; more are chunks, fewer are lost."""
    answer, total = evidence.first, len(evidence.samples.rows)
    gone = [r for r in range(total) if r not in answer.counts and r not in answer.failures]
    if gone:
        steps = " and ".join(answer.stamp.dropped) or "no step"
        return warned(
            f"{len(gone)} of {total} rows give no document, {evidence.samples.name(gone[0])} the "
            f"first: {steps} returned fewer rows than it got. They will not be found; return "
            "every row unless that is meant."
        )
    documents = answer.documents.num_rows
    rows = len(evidence.good_rows)
    if documents > rows:
        return passed(f"{documents} documents of {rows} rows: the rows are cut into chunks.")
    return passed(f"{documents} documents of {rows} rows.")


def is_traceable(evidence: Evidence) -> Verdict:
    """What comes back can be traced to the rows that it was made of."""
    notes = [note for note in evidence.first.stamp.notes if "traced" in note]
    _ = evidence.good_rows
    if notes:
        return warned(" ".join(notes))
    return passed()


def keeps_order(evidence: Evidence) -> Verdict:
    """Each vector belongs to its row: the rows in reverse order get the same ones."""
    if len(evidence.samples.rows) < 2:
        return skipped(ONE_ROW)
    advice = (
        "Vectors are given to the wrong rows, or depend on their neighbours: give them back in "
        "the order of the batch."
    )
    return same_answer(evidence, evidence.backwards, "the reverse order", advice, others=False)


def ignores_the_index(evidence: Evidence) -> Verdict:
    """A frame whose index has gaps, as after taking some of its rows, gives the same."""
    advice = (
        "Where a row condition takes some rows of a frame, its labels are no positions: assign "
        'lists or arrays (batch["x"] = vectors.tolist()), or begin with '
        "batch = batch.reset_index(drop=True)."
    )
    return same_answer(evidence, evidence.with_gaps, "an index with gaps", advice, others=False)


def repeats_itself(evidence: Evidence) -> Verdict:
    """A second call of the same processor gives the same."""
    advice = (
        "The processor changes what it keeps between calls, or is random: fix the seed, call "
        "model.eval(), keep results out of self."
    )
    return _compared(evidence, evidence.first, evidence.again, "the second call", advice)


def ignores_batch_size(evidence: Evidence) -> Verdict:
    """Batches of one row give the same as one batch of all."""
    if len(evidence.samples.rows) < 2:
        return skipped(ONE_ROW)
    advice = (
        "Padding reaches the vectors (give the model its attention mask), or rows are normalised "
        "together (by row: axis=1)."
    )
    what = "batches of one row"
    return same_answer(evidence, evidence.one_by_one, what, advice, evidence.full_batch)


def conditions_fit(evidence: Evidence) -> Verdict:
    """Each step has rows to work on, and each row a step."""
    types = {row.mime_type for row in evidence.samples.rows} | _declared(evidence)
    conditions = {step.name: step.condition for step in evidence.steps}
    if set(conditions.values()) == {RowCondition.ALWAYS}:
        return passed("Every step takes every row.")
    found = [
        warned(
            f"Step {name} takes {condition.name} rows alone, and the rows are "
            f"{', '.join(sorted(types))}: it does nothing. See supported_input_types."
        )
        for name, condition in conditions.items()
        if not any(condition.matches(kind) for kind in types)
    ]
    left = [k for k in sorted(types) if not any(c.matches(k) for c in conditions.values())]
    if left:
        found.append(
            failed(
                f"No step takes rows of type {', '.join(left)}, and the manifest does: they become "
                "documents without vectors. Change a step's condition, or supported_input_types."
            )
        )
    return together(found or [passed()])


def same_answer(
    evidence: Evidence,
    other: Answer,
    what: str,
    advice: str,
    one: Answer | None = None,
    *,
    others: bool = True,
) -> Verdict:
    """Compare another run's answer with the first's (or `one`): the features, then all else.

    `others`: whether columns that are no features count. No evidence where the first run does not
    even agree with itself.
    """
    first = evidence.first if one is None else one
    found = _compared(evidence, first, other, what, advice, others=others)
    if found.outcome == "failed" and not evidence.is_steady:
        raise NoEvidenceError("The same rows never give the same twice: see TST307.")
    return found


def _compared(
    evidence: Evidence, first: Answer, other: Answer, what: str, advice: str, *, others: bool = True
) -> Verdict:
    rows = [row for row in evidence.good_rows if row in first.counts]
    broke = sorted(set(other.failures) - set(first.failures))
    broke = [row for row in broke if row < len(evidence.samples.rows)]  # and not a copy
    if broke:
        return _broke(other.failures[broke[0]], len(broke), what, advice)
    found = [
        _vectors_agree(evidence, name, first, other, rows, what, advice)
        for name in evidence.features
    ]
    return together([*found, _values_agree(evidence, first, other, rows, what, others=others)])


def _declared(evidence: Evidence) -> set[str]:
    """The MIME types of the input types in the manifest, as far as rows of them can be made."""
    declared = evidence.subject.manifest.supported_input_types
    found = {MAKERS[kind][1] for kind in declared if kind in MAKERS}
    return found | ({"text/plain"} if {"text", "string"} & set(declared) else set())


def _broke(failure: Failure, count: int, what: str, advice: str) -> Verdict:
    return failed(
        f"With {what}, {count} row{'s fail' if count > 1 else ' fails'} that came through before: "
        f"{failure.kind}: {failure.message}. {advice}",
        failure.where,
    )


def _vectors_agree(
    evidence: Evidence,
    name: str,
    first: Answer,
    other: Answer,
    rows: Sequence[int],
    what: str,
    advice: str,
) -> Verdict:
    one, two = evidence.vectors(name, first), evidence.vectors(name, other)
    found = compare_vectors(one, two, rows)
    measured = {f"{name}_worst_cosine": round(found.cosine, 9)}
    if found.unequal:
        row = found.unequal[0]
        return failed(
            f"With {what}, {evidence.samples.name(row)} gives {len(two.get(row, ()))} documents "
            f"and not {len(one.get(row, ()))}. {advice}",
            _where(evidence, name),
            **measured,
        )
    if not found.has_directions or not found.has_lengths:
        return failed(
            f"With {what}, {name!r} comes out different: {_worst(evidence, found)}. {advice}",
            _where(evidence, name),
            **measured,
        )
    return passed(f"{name}: worst cosine {found.cosine:.6f}.", **measured)


def _worst(evidence: Evidence, found: Agreement) -> str:
    if not found.has_directions and found.cosine_row is not None:
        row = evidence.samples.name(found.cosine_row)
        return f"the worst cosine is {found.cosine:.4f} (at least {COSINE} is needed), {row}"
    row = "" if found.norm_row is None else f", {evidence.samples.name(found.norm_row)}"
    return f"lengths differ by up to {found.norm:.2%}{row}"


def _values_agree(
    evidence: Evidence,
    first: Answer,
    other: Answer,
    rows: Sequence[int],
    what: str,
    *,
    others: bool,
) -> Verdict:
    features = {f.feature_name for f in evidence.subject.manifest.features}
    found = differing_columns(first, other, evidence.features, rows)
    different = {name: row for name, row in found.items() if others or name in features}
    if not different:
        return passed()
    tell = failed if features & set(different) else warned
    column, row = next(iter(different.items()))
    return tell(
        f"With {what}, the column{'s' if len(different) > 1 else ''} "
        f"{', '.join(map(repr, different))} hold{'' if len(different) > 1 else 's'} other values, "
        f"{evidence.samples.name(row)} the first.",
        evidence.subject.line_of(column),
    )


def _where(evidence: Evidence, feature: str) -> str:
    return evidence.subject.line_of(evidence.column_of(feature))
