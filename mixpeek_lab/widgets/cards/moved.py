"""Versions that went to another platform, or came from there."""

from __future__ import annotations

from collections.abc import Sequence

from mixpeek_lab.widgets.cards.view import FactsCard
from mixpeek_lab.workbench.hosted import Pulled, Pushed


def pushed_card(pushed: Pushed, notes: Sequence[str] = ()) -> FactsCard:
    """What a push did."""
    what = "was there already" if pushed.was_there else "is there"
    facts = [
        ("id there", pushed.extractor_id),
        ("version there", pushed.remote_version),
        ("state", pushed.state),
        ("feature_uri", pushed.feature_uri or ""),
        *(("note", note) for note in (*notes, *pushed.notes)),
    ]
    title = f"{pushed.name} {pushed.version} {what}: {pushed.place}"
    return FactsCard(title, [fact for fact in facts if fact[1]])


def pulled_card(pulled: Pulled) -> FactsCard:
    """What a pull did."""
    commit = pulled.commit
    what = "was here already, and" if pulled.was_here else "came, and"
    return FactsCard(
        f"{commit.name} {commit.version} {what} is the working state now",
        [("from", pulled.place), ("code", commit.digest[:12]), ("message", commit.message)],
    )
