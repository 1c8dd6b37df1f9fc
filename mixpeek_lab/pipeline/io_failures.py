"""The failed items of the SDK's helpers, counted for each step and helper of a run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mixpeek_lab.pipeline.failures import describe_failure
from mixpeek_lab.sdk.io_calls import IOCall


@dataclass(frozen=True, slots=True)
class FailedItems:
    """What became of the items that a step gave to a helper."""

    helper: str
    step: str
    items: int
    failed: int
    first: str
    """Kind and message of the first error; empty where no item failed."""

    def including(self, other: FailedItems) -> FailedItems:
        """Both counts as one, of the same step and helper."""
        return FailedItems(
            self.helper,
            self.step,
            self.items + other.items,
            self.failed + other.failed,
            self.first or other.first,
        )

    def __str__(self) -> str:
        return (
            f"{self.helper}: {self.failed:,} of {self.items:,} items failed in {self.step}, "
            f"first {self.first.rstrip('.')}."
        )


def add_failed_items(found: Iterable[FailedItems]) -> tuple[FailedItems, ...]:
    """One count for each step and helper."""
    totals: dict[tuple[str, str], FailedItems] = {}
    for each in found:
        key = each.step, each.helper
        totals[key] = totals[key].including(each) if key in totals else each
    return tuple(totals.values())


def count_calls(calls: Iterable[IOCall], step: str) -> tuple[FailedItems, ...]:
    """The counts of a step's calls."""
    return add_failed_items(
        FailedItems(call.helper, step, call.items, len(call.errors), _first(call, step))
        for call in calls
    )


def _first(call: IOCall, step: str) -> str:
    for error in call.errors.values():
        failure = describe_failure(error, "", "", step)  # which redacts secrets
        return f"{failure.kind}: {failure.message}"
    return ""
