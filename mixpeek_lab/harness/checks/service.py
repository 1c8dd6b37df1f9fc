"""What the realtime service answers to texts, and to the media that the extractor takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mixpeek_lab.catalog import InputRow
from mixpeek_lab.errors import ExtractorError, LabError
from mixpeek_lab.harness.evidence import Evidence
from mixpeek_lab.harness.media import MAKERS
from mixpeek_lab.harness.report import Verdict
from mixpeek_lab.harness.verdicts import failed, passed, skipped, together, warned
from mixpeek_lab.loader.contracts import check_answer, samples
from mixpeek_lab.models import JSON

Request = Mapping[str, JSON]

EACH = 2
"""Sample rows of each type of media that the service is asked with."""
_ON_TEXTS = frozenset({"rerank"})
"""Inference types that are about texts, whatever the batch takes."""


@dataclass(slots=True)
class _Tried:
    """How the service answered to one feature's requests, kind of request by kind."""

    feature: str | None
    answered: int = 0
    kind: str = ""
    """The first kind whose requests were all answered by the contract; empty where none was."""
    problems: dict[str, str] = field(default_factory=dict)
    """Kind of request → what is wrong with the answer."""
    is_wrong: bool = False
    """Whether an answer names the feature, and is not what the contract says."""


def keeps_its_contract(evidence: Evidence) -> Verdict:
    """The realtime service comes up, and its answers are what its inference_type promises.

    An extractor of media is asked with the sample rows' URLs too: for each feature it is enough
    that one kind of request is answered.
    """
    kind = evidence.subject.manifest.inference_type
    try:
        _ = evidence.service
    except LabError as error:
        return failed(str(error))
    asked = samples(evidence.subject.manifest)
    if not asked and evidence.is_realtime_only:
        return _answers(evidence)
    if not asked:
        return skipped(
            "inference_type general promises nothing that can be checked."
            if kind
            else "The manifest declares no inference_type: it says what the service answers."
        )
    by_feature: dict[str | None, list[Request]] = {}
    for inputs in asked:
        name = inputs.get("vector_index")
        by_feature.setdefault(name if isinstance(name, str) else None, []).append(inputs)
    tried = [_try(evidence, name, requests) for name, requests in by_feature.items()]
    return _verdict(evidence, tried)


def _answers(evidence: Evidence) -> Verdict:
    """Whether a service that promises nothing answers the sample texts: it is all there is."""
    texts = list(evidence.samples.texts.values())[:EACH]
    if not texts:
        return skipped("It comes up. There is no sample text to ask it with: see --rows (rows=).")
    for text in texts:
        try:
            evidence.service({"text": text})
        except ExtractorError as error:
            return warned(
                f'It comes up. Asked with {{"text": …}} it fails: {error} Where it takes something '
                "else, say which with inference_type.",
                "realtime.py",
            )
    count = f"{len(texts)} text{'' if len(texts) == 1 else 's'}"
    return passed(f"It comes up, and answers {count}. It promises no more.")


def _verdict(evidence: Evidence, tried: Sequence[_Tried]) -> Verdict:
    good = [one for one in tried if one.kind]
    kind = evidence.subject.manifest.inference_type
    verdicts = [_of_missing(one, evidence.subject.no_parity, bool(good)) for one in tried]
    if good:
        ways = dict.fromkeys(one.kind for one in good if one.kind != "text")
        with_urls = f" The URL of {' or '.join(map(_a, ways))} was sent as `text`." if ways else ""
        total = sum(one.answered for one in good)
        verdicts.append(passed(f"{total} requests of type {kind}.{with_urls}"))
    return together(verdict for verdict in verdicts if verdict is not None)


def _of_missing(one: _Tried, reason: str, others_are_answered: bool) -> Verdict | None:
    """What it means that a feature is not answered; None where it is."""
    if one.kind:
        return None
    told = _told(one.problems)
    if one.is_wrong or not others_are_answered:
        return failed(told)
    if reason:
        return skipped(f"The service does not answer for {one.feature!r}: {reason}")
    return warned(
        f"The service answers for other features, not for {one.feature!r}, which cannot be "
        f"searched by a query then. {told} If that is meant, say why with --no-parity "
        "(no_parity=).",
        "realtime.py",
    )


def _told(problems: Mapping[str, str]) -> str:
    if len(problems) == 1:
        return next(iter(problems.values()))
    ways = {kind: "a text" if kind == "text" else f"{_a(kind)}'s URL" for kind in problems}
    return " ".join(f"Asked with {ways[kind]}: {told}" for kind, told in problems.items())


def _a(kind: str) -> str:
    return f"{'an' if kind[0] in 'aeiou' else 'a'} {kind}"


def _try(evidence: Evidence, feature: str | None, texts: Sequence[Request]) -> _Tried:
    found = _Tried(feature)
    for kind, requests in _kinds(evidence, texts).items():
        problem = next(filter(None, (_problem(evidence, found, one) for one in requests)), None)
        if problem is None:
            found.kind, found.answered = kind, len(requests)
            return found
        found.problems[kind] = problem
    return found


def _problem(evidence: Evidence, found: _Tried, inputs: Request) -> str | None:
    try:
        answer = evidence.service(inputs)
    except ExtractorError as error:
        return str(error)
    try:
        check_answer(evidence.subject.manifest, inputs, answer)
    except ExtractorError as error:
        found.is_wrong |= _names(answer, found.feature)
        return str(error)
    return None


def _names(answer: Mapping[str, Any], feature: str | None) -> bool:
    return feature is not None and any(
        answer.get(key) is not None for key in (feature, f"{feature}_embedding")
    )


def _kinds(evidence: Evidence, texts: Sequence[Request]) -> dict[str, Sequence[Request]]:
    """Kind → requests: texts first where the extractor takes them, else last."""
    manifest = evidence.subject.manifest
    media: dict[str, list[Request]] = {}
    for row in evidence.samples.rows if manifest.inference_type not in _ON_TEXTS else ():
        if row.type in MAKERS and row.data and len(media.get(row.type, ())) < EACH:
            media.setdefault(row.type, []).append(_with_url(texts[0], row))
    takes_texts = not media or {"text", "string"} & set(manifest.supported_input_types)
    return {"text": texts, **media} if takes_texts else {**media, "text": texts}


def _with_url(inputs: Request, row: InputRow) -> Request:
    """A request for a medium: its URL as `text`, and under its type's names."""
    url = row.data
    return {**inputs, "text": url, row.type: url, f"{row.type}_url": url}
