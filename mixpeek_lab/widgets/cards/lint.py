"""What the checks say of an extractor that there is."""

from __future__ import annotations

from dataclasses import dataclass

from mixpeek_lab.widgets.cards.extractors import ExtractorCard


@dataclass(frozen=True, repr=False)
class LintCard(ExtractorCard):
    """An extractor's card that says so where the checks found nothing."""

    @property
    def state(self) -> str:
        """One phrase: is it usable, and was anything found?"""
        return super().state if self.findings else f"{super().state}, no findings"
