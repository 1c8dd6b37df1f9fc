"""The contracts of the inference types: what a realtime service must answer, checked on its answer.

embedding   {text | texts}       → {embedding: [float]}, and a service's other ways to give vectors
rerank      {pairs: [[q, d]]}    → {scores: [float]}
classify    {text}               → {labels: [{label, confidence}]}
generate    {prompt[, document]} → {text}, or {keep, reason} where llm_filter asks
general     anything             → a JSON object
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from mixpeek_lab.errors import ExtractorRunError
from mixpeek_lab.loader.answers import (
    Breach,
    as_json,
    kind_of,
    listed,
    many,
    number_in,
    plain_value,
    shown,
)
from mixpeek_lab.models import JSON, Feature, Manifest
from mixpeek_lab.secrets import redact

FILE = "realtime.py"
ROUNDING = 1e-6
"""How far beside 0 and 1 a confidence may lie: a softmax in float32 sums to 1.0000001."""

SAMPLE_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "Revenue increased 22% year over year.",
)


@dataclass(frozen=True, slots=True)
class Contract:
    """What one inference type takes and gives, in words, and requests to try a service with."""

    takes: str
    gives: str
    instead: str
    """A line of code that returns what is right."""
    samples: tuple[Mapping[str, JSON], ...] = ()


CONTRACTS: Mapping[str, Contract] = {
    "embedding": Contract(
        "{text: str}",
        "{embedding: [float]}, or a key named after the feature",
        'return {"embedding": model.encode([inputs["text"]])[0].tolist()}',
        tuple({"text": text} for text in SAMPLE_TEXTS),
    ),
    "rerank": Contract(
        "{pairs: [[query, document]]}",
        "{scores: [float]}, one finite number for each pair, in their order",
        'return {"scores": [float(s) for s in model.predict(inputs["pairs"])]}',
        (
            {"pairs": [["How much did revenue grow?", text] for text in SAMPLE_TEXTS]},
            {"pairs": [["a quick animal", SAMPLE_TEXTS[0]]]},
        ),
    ),
    "classify": Contract(
        "{text: str}",
        "{labels: [{label: str, confidence: float}]}, each confidence between 0 and 1",
        'return {"labels": [{"label": "news", "confidence": 0.9}]}',
        tuple({"text": text} for text in SAMPLE_TEXTS),
    ),
    "generate": Contract(
        "{prompt: str}",
        "{text: str}",
        'return {"text": answer}',
        tuple({"prompt": f"Say in one word what this is about: {t}"} for t in SAMPLE_TEXTS),
    ),
    "general": Contract("anything", "a JSON object", 'return {"answer": …}'),
}
"""Inference type → its contract."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label that a classifier gave."""

    label: str
    confidence: float
    """Between 0 and 1."""


@dataclass(frozen=True, slots=True)
class Generated:
    """What a generating service answered: a text, or a verdict on a document."""

    text: str | None
    keep: bool | None = None
    reason: str | None = None


def samples(manifest: Manifest) -> tuple[Mapping[str, JSON], ...]:
    """Requests to try the extractor's service with, as the platform would send them.

    None for `general`, and where no inference_type is declared: nobody knows what it takes.
    """
    kind = manifest.inference_type or "general"
    found = CONTRACTS[kind].samples
    if kind != "embedding":
        return found
    names = [feature.feature_name for feature in manifest.vectors]
    return tuple({**sample, "vector_index": name} for name in names for sample in found) or found


def check_answer(
    manifest: Manifest,
    inputs: Mapping[str, JSON],
    answer: Mapping[str, Any],
    feature: str | None = None,
) -> dict[str, JSON]:
    """The answer to `inputs` as JSON, if it keeps the contract of the extractor's inference_type.

    `feature`: the one that was asked for, else any that is declared. Arrays become lists.
    Where no inference_type is declared, the answer must be a JSON object, and no more.
    ExtractorRunError says what came back, what the contract is, and what to return.
    """
    name = manifest.name
    if manifest.inference_type == "embedding":
        wanted = feature or inputs.get("vector_index")
        vectors = [f for f in manifest.vectors if wanted in (None, f.feature_name)]
        read_vectors(name, answer, vectors, _count(inputs.get("texts")))
    elif manifest.inference_type == "rerank":
        read_scores(name, answer, _count(inputs.get("pairs")))
    elif manifest.inference_type == "classify":
        read_labels(name, answer, declared_labels(manifest, feature))
    elif manifest.inference_type == "generate":
        read_generated(name, answer, may_judge="document" in inputs)
    return as_json(_breach(name, manifest.inference_type, answer), answer)


def declared_labels(manifest: Manifest, feature: str | None = None) -> frozenset[str]:
    """The labels of the classification feature, or of all that the manifest declares."""
    found = (f for f in manifest.features if feature in (None, f.feature_name))
    return frozenset(label for f in found for label in f.labels)


# ---------------------------------------------------------------- one reader for each type


def read_vectors(
    name: str, answer: Mapping[str, Any], features: Sequence[Feature], texts: int | None = None
) -> None:
    """Check an embedding service's vectors: there is one, all finite, each of a declared length.

    `features`: those that were asked for. `texts`: how many texts were sent, where it was a list:
    then there is a vector for each.
    """
    breach = _breach(name, "embedding", answer)
    dims = {f.feature_name: f.embedding_dim for f in features}
    keys = {f"{key}{tail}": dim for key, dim in dims.items() for tail in ("", "_embedding")}
    # A service of several vectors answers with all of them: what is called like the one that was
    # asked for is it, and `embedding` then belongs to another.
    is_named = any(answer.get(key) is not None for key in keys)
    any_dim = frozenset(() if is_named else (dim for dim in dims.values() if dim is not None))
    found = 0
    for key, value in answer.items():
        if value is None or not (key in keys or key in ("embedding", "embeddings", "vector")):
            continue
        dim = keys.get(key)
        allowed = any_dim if dim is None else frozenset((dim,))
        _check_vectors(breach, key, listed(value), allowed, texts)
        found += 1
    if not found:
        asked = " or ".join(repr(key) for key in dims)
        breach(f"there is no vector in it{f' for {asked}' if asked else ''}")


def read_scores(name: str, answer: Mapping[str, Any], pairs: int | None = None) -> list[float]:
    """A reranking service's scores, one for each of the `pairs` that were sent."""
    breach = _breach(name, "rerank", answer)
    scores = listed(_value(breach, answer, "scores"))
    if not isinstance(scores, list):
        breach(f"scores is {kind_of(scores)}, not a list")
    if pairs is not None and len(scores) != pairs:
        breach(f"it has {many(len(scores), 'score')} for {many(pairs, 'pair')}")
    return [number_in(breach, score, f"scores[{i}]") for i, score in enumerate(scores)]


def read_labels(
    name: str, answer: Mapping[str, Any], known: Collection[str] = ()
) -> tuple[Label, ...]:
    """A classifying service's labels, in its order. `known`: the labels declared, if any are."""
    breach = _breach(name, "classify", answer)
    entries = listed(_value(breach, answer, "labels"))
    if not isinstance(entries, list):
        breach(f"labels is {kind_of(entries)}, not a list")
    return tuple(_label(breach, entry, f"labels[{i}]", known) for i, entry in enumerate(entries))


def read_generated(name: str, answer: Mapping[str, Any], *, may_judge: bool = False) -> Generated:
    """A generating service's text. With `may_judge`, `{keep: bool, reason}` is an answer too."""
    breach = _breach(name, "generate", answer, _JUDGING if may_judge else None)
    keep, text = plain_value(answer.get("keep")), answer.get("text")
    if may_judge and keep is not None:
        if not isinstance(keep, bool):
            breach(f"keep is {keep!r:.40}, neither true nor false")
        reason = answer.get("reason")
        if reason is not None and not isinstance(reason, str):
            breach(f"reason is {kind_of(reason)}, not a text")
        return Generated(text if isinstance(text, str) else None, keep, reason)
    if text is None:
        _value(breach, answer, "text")
    if not isinstance(text, str):
        breach(f"text is {kind_of(text)}, not a text")
    return Generated(text)


def read_verdict(name: str, answer: Mapping[str, Any]) -> tuple[bool, str | None]:
    """Whether a generating service says to keep a document, and why where it says that.

    `{keep, reason}`, or a `{text}` whose first word is yes, keep, true, or no, drop, false.
    """
    found = read_generated(name, answer, may_judge=True)
    if found.keep is not None:
        return found.keep, found.reason
    text = (found.text or "").strip()
    word = _WORD.match(text)
    verdict = _VERDICTS.get(word[0].lower()) if word else None
    if verdict is None:
        _breach(name, "generate", answer, _JUDGING)("the text begins with neither yes nor no")
    return verdict, text or None


_WORD = re.compile(r"[a-z]+", re.IGNORECASE)
_VERDICTS = {
    **dict.fromkeys(("yes", "keep", "true"), True),
    **dict.fromkeys(("no", "drop", "false"), False),
}
_JUDGING = Contract(
    "{prompt: str, document: object}",
    "{text: str} (to llm_filter one that begins with yes or no), or {keep: bool, reason: str}",
    'return {"keep": True, "reason": "it names a revenue"}',
)


# ---------------------------------------------------------------- parts


def _breach(
    name: str, kind: str | None, answer: Mapping[str, Any], contract: Contract | None = None
) -> Breach:
    def raised(problem: str) -> NoReturn:
        told = contract or CONTRACTS[kind or "general"]
        declared = f"Its inference_type is {kind}" if kind else "It declares no inference_type"
        raise ExtractorRunError(
            redact(
                f"{name}: {FILE} answered {shown(answer)}: {problem}. {declared}: it takes "
                f"{told.takes} and gives {told.gives}. Write `{told.instead}` in {FILE}."
            )
        )

    return raised


def _value(breach: Breach, answer: Mapping[str, Any], key: str) -> Any:
    if answer.get(key) is None:
        breach(f"there is no {key!r} in it")
    return answer[key]


def _label(breach: Breach, entry: Any, where: str, known: Collection[str]) -> Label:
    if not isinstance(entry, Mapping):
        breach(f"{where} is {kind_of(entry)}, not an object")
    label = entry.get("label")
    if not isinstance(label, str) or not label:
        breach(f"{where}.label is {label!r:.40}, not a text")
    confidence = number_in(breach, entry.get("confidence"), f"{where}.confidence")
    if not -ROUNDING <= confidence <= 1 + ROUNDING:
        breach(f"{where}.confidence is {confidence:g}, not between 0 and 1")
    if known and label not in known:
        breach(f"{where}.label is {label!r}, and the manifest declares {', '.join(sorted(known))}")
    return Label(label, min(max(confidence, 0.0), 1.0))


def _check_vectors(
    breach: Breach, key: str, value: Any, dims: Collection[int], texts: int | None
) -> None:
    is_several = key == "embeddings" or texts is not None
    if not isinstance(value, list):
        breach(f"{key} is {kind_of(value)}, not a list")
    if not is_several and value and isinstance(value[0], list | tuple):
        breach(f"{key} is a list of {many(len(value), 'vector')}, not one vector")
    vectors = value if is_several else [value]
    if not vectors and texts is None:
        breach(f"{key} is empty")
    if texts is not None and len(vectors) != texts:
        breach(f"{key} has {many(len(vectors), 'vector')} for {many(texts, 'text')}")
    for i, each in enumerate(vectors):
        where = f"{key}[{i}]" if is_several else key
        vector = listed(each)
        if not isinstance(vector, list) or not vector:
            breach(f"{where} is {kind_of(vector)}, not a list of numbers")
        for j, number in enumerate(vector):
            number_in(breach, number, f"{where}[{j}]")
        if dims and len(vector) not in dims:
            declared = " or ".join(map(str, sorted(dims)))
            breach(f"{where} has {many(len(vector), 'number')}, and embedding_dim is {declared}")


def _count(value: Any) -> int | None:
    return len(value) if isinstance(value, list | tuple) else None
