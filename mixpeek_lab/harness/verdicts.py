"""Making verdicts, and many into one."""

from __future__ import annotations

from collections.abc import Iterable

from mixpeek_lab.harness.report import Outcome, Verdict
from mixpeek_lab.models import JSON

_WORST: tuple[Outcome, ...] = ("failed", "warned", "passed", "skipped")


class NoEvidenceError(Exception):
    """What a check would look at is not there, for the reason given. The check is skipped."""


def passed(message: str = "", **measured: JSON) -> Verdict:
    """All is well."""
    return Verdict("passed", message, measured=measured)


def failed(message: str, where: str = "", **measured: JSON) -> Verdict:
    """The contract is broken, or results are wrong or lost."""
    return Verdict("failed", message, where, measured)


def warned(message: str, where: str = "", **measured: JSON) -> Verdict:
    """It works here, and is likely to hurt somewhere."""
    return Verdict("warned", message, where, measured)


def skipped(reason: str) -> Verdict:
    """The check was left out."""
    return Verdict("skipped", reason)


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """One verdict of several, as of several features: the worst outcome, and who says so."""
    found = list(verdicts)
    if not found:
        return passed()
    worst = min(found, key=lambda verdict: _WORST.index(verdict.outcome)).outcome
    telling = [v for v in found if v.outcome == worst]
    if worst in ("failed", "warned"):
        telling = [v for v in found if v.outcome in ("failed", "warned")]
    elif worst == "passed":
        telling = found  # what was left out is said
    message = " ".join(dict.fromkeys(v.message for v in telling if v.message))
    where = next((v.where for v in telling if v.where), "")
    measured = {key: value for v in found for key, value in v.measured.items()}
    return Verdict(worst, message, where, measured)
