"""Lexical search: BM25 over the terms of one text per document."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.indexes.analyzers import Analyzer, get_analyzer
from mixpeek_lab.indexes.columns import Rows

Mask = npt.NDArray[np.bool_]
Scores = npt.NDArray[np.float32]
Ranking = tuple[Rows, Scores]


@dataclass(frozen=True, slots=True, eq=False)
class Postings:
    """What each term contributes to the score of each text, term after term.

    The contributions of term t are `weights[starts[t]:starts[t + 1]]`, for the texts
    `texts[starts[t]:starts[t + 1]]`, each text once and ascending.
    """

    weights: Scores
    texts: npt.NDArray[np.int32]
    starts: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LexicalIndex:
    """The texts of a snapshot's documents, ready for search. Safe between threads."""

    analyzer: Analyzer
    size: int
    """Documents of the snapshot, those without a text included."""
    rows: Rows
    """(m,): the row of each text, ascending. Rows without a text never match."""
    vocabulary: dict[str, int] = field(repr=False)
    """Term to its number."""
    postings: Postings = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    def search(self, text: str, k: int, allowed: Mask | None = None) -> Ranking:
        """The `k` best rows for the query `text`, and their BM25 scores, all above 0.

        Best first, equal scores by ascending row. Only rows that `allowed` (one bool per document)
        admits come back; it does not change their scores.
        Raises InvalidInputError for a negative k or a mask of another length than `size`.
        """
        if k < 0:
            raise InvalidInputError(f"k must not be negative; it is {k}.")
        scores = self._text_scores(text)
        if allowed is not None:
            scores *= self._mask(allowed)
        found = _best(scores, k)
        return self.rows[found], scores[found]

    def query_terms(self, text: str) -> list[str]:
        """The terms of `text`, each once, in order, whether the index knows them or not."""
        return list(dict.fromkeys(self.analyzer.terms(text)))

    def matched_terms(self, text: str) -> list[str]:
        """The terms of `text` that occur in the index, each once, in order."""
        return [term for term in self.query_terms(text) if term in self.vocabulary]

    def highlights(self, query: str, document: str) -> list[tuple[int, int]]:
        """Where the words of `document` that the terms of `query` match start and end."""
        return self.analyzer.spans(document, self.matched_terms(query))

    def _text_scores(self, text: str) -> Scores:
        """(m,): the score of each text. A term that the query repeats counts as often."""
        scores = np.zeros(len(self.rows), np.float32)
        postings, vocabulary = self.postings, self.vocabulary
        numbers = [vocabulary[term] for term in self.analyzer.terms(text) if term in vocabulary]
        if numbers:
            spans = [slice(*postings.starts[number : number + 2].tolist()) for number in numbers]
            # One call for all terms: for short postings the calls take longer than the sums.
            texts = np.concatenate([postings.texts[span] for span in spans])
            np.add.at(scores, texts, np.concatenate([postings.weights[span] for span in spans]))
        return scores

    def _mask(self, allowed: Mask) -> Mask:
        allowed = np.asarray(allowed)
        if allowed.dtype != np.bool_ or allowed.shape != (self.size,):
            raise InvalidInputError(
                f"`allowed` must be one bool for each of {self.size} documents; "
                f"it is {allowed.dtype} {allowed.shape}."
            )
        return allowed if len(self.rows) == self.size else allowed[self.rows]


def build_lexical_index(texts: Sequence[str | None], analyzer: str = "english") -> LexicalIndex:
    """A BM25 index (Lucene's formula, k1 = 1.5, b = 0.75) of one text per document.

    Documents whose text is None never match and do not count in the statistics; an empty text
    counts. Raises InvalidInputError for an unknown analyzer.
    """
    analysis = get_analyzer(analyzer)
    rows = np.asarray([row for row, text in enumerate(texts) if text is not None], np.int64)
    documents, vocabulary = analysis.numbered_terms(text for text in texts if text is not None)
    return LexicalIndex(analysis, len(texts), rows, vocabulary, _postings(documents, vocabulary))


def _postings(documents: list[list[int]], vocabulary: dict[str, int]) -> Postings:
    if not vocabulary:
        return Postings(np.empty(0, np.float32), np.empty(0, np.int32), np.zeros(1, np.int64))
    import bm25s

    model = bm25s.BM25(k1=1.5, b=0.75, method="lucene")
    model.index((documents, vocabulary), create_empty_token=False, show_progress=False)
    return Postings(
        np.asarray(model.scores["data"], np.float32),
        np.asarray(model.scores["indices"], np.int32),
        np.asarray(model.scores["indptr"], np.int64),
    )


def _best(scores: Scores, k: int) -> npt.NDArray[np.int64]:
    """Positions of the k largest scores above 0, best first, equal ones ascending."""
    least = np.float32(0.0)
    if 0 < k < len(scores):
        least = np.partition(scores, len(scores) - k)[len(scores) - k]
    # Whatever ties with the last place is a candidate: the order below decides between them.
    candidates = np.flatnonzero(scores >= least if least > 0.0 else scores > 0.0)
    order = np.argsort(-scores[candidates], kind="stable")[:k]
    return candidates[order]
