"""What people take out of a playground, and put in: a cell, judgements, a baseline."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.models import JSON
from mixpeek_lab.widgets.playground.answers import Answers
from mixpeek_lab.widgets.playground.deepening import Deepening
from mixpeek_lab.widgets.playground.source import definition_of, retriever_cell
from mixpeek_lab.widgets.playground.support import Support

if TYPE_CHECKING:
    import pandas as pd


class Handing(Deepening):
    """The part of a playground that hands things over."""

    _answers: Answers
    _support: Support

    @property
    @abstractmethod
    def config(self) -> dict[str, JSON]:
        """The state as a mapping."""

    @abstractmethod
    def _show_again(self) -> None:
        """Send the view what it should show."""

    @property
    def cell(self) -> str:
        """The `%%retriever` cell of the current settings.

        InvalidInputError for a playground that was given no definition.
        """
        if self._support.body is None:
            raise InvalidInputError(
                "cell: this playground knows a search, but not the retriever's definition. "
                "`config` has its settings."
            )
        name = self.about["retriever"]
        return retriever_cell(name, definition_of(self._support.body, self.config))

    def insert_cell(self) -> None:
        """Put `cell` below the cell that calls this."""
        from IPython.core.getipython import get_ipython

        shell: Any = get_ipython()
        if shell is None:
            raise InvalidInputError("insert_cell: there is no notebook here; print `cell`.")
        shell.set_next_input(self.cell)

    @property
    def qrels(self) -> dict[str, dict[str, int]]:
        """The judgements: query id → document → grade from 0 to 3. `queries` has their texts.

        Set them to a BEIR folder, a file of judgements, `(qrels, queries)`, or a mapping over
        queries that are known here; `{}` forgets all.
        """
        return {key: dict(judged) for key, judged in self._answers.judging.qrels.items()}

    @qrels.setter
    def qrels(self, qrels: Any) -> None:
        given, queries = qrels if isinstance(qrels, tuple) else (qrels, None)
        self._answers.judging.replace(given, queries)
        self._answers.measuring.forget()
        self._show_again()

    @property
    def queries(self) -> dict[str, str]:
        """The judged queries: id → text. With `qrels`, what `lab.evaluate` takes."""
        return {key: self._answers.judging.queries[key] for key in self._answers.judging.qrels}

    def save_qrels(self, path: str | Path, layout: str = "beir") -> Path:
        """Write the judgements: a BEIR folder, or a file in TREC's layout; its path."""
        return self._answers.judging.save(path, layout)

    def pin(self) -> None:
        """Make the settings as they stand the `baseline` that later ones are compared with."""
        legs = self.config["legs"]
        self.baseline = {
            "strategy": self.strategy, "k": self.k, "filters": self.filters,
            "weights": {leg["name"]: leg["weight"] for leg in legs},
            "top_k": {leg["name"]: leg["top_k"] for leg in legs if leg.get("top_k")},
        }  # fmt: skip

    def sweep(
        self, x: str = "k", y: str | None = None, measure: str = "nDCG@10", seed: int = 0
    ) -> pd.DataFrame:
        """The measure over a grid of two settings, `k` or a leg's name: one row a cell, `x`, `y`,
        `train` and `held_out` (half of the judged queries each), the best on `train` first.

        Searches for judged queries that have no candidates yet. InvalidInputError where nothing
        is judged.
        """
        import pandas as pd

        gathered = {"done": 0, "total": 1}
        while gathered["done"] < gathered["total"]:
            gathered = self._answers.measuring.gather([self._answers.scope])
        found = self._answers.sweep(x, y, measure, seed)
        while not found.is_done:
            found.step()
        cells = zip(found.cells, found.told()["cells"], strict=True)
        rows = [{x: cx, found.plan.y: cy, "train": each["train"], "held_out": each["held"]}
                for (cx, cy), each in cells]  # fmt: skip
        frame = pd.DataFrame(rows)
        return frame.sort_values("train", ascending=False, kind="stable", ignore_index=True)
