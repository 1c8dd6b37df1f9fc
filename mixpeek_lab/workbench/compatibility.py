"""Whether an extractor fits the stage that asks it, told when a retriever is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mixpeek_lab.catalog import Catalog, ExtractorRecord
from mixpeek_lab.errors import InvalidInputError, NotFoundError, RetrieverError
from mixpeek_lab.loader.contracts import FILE
from mixpeek_lab.retrievers import (
    AVAILABLE,
    ExtractorRef,
    RetrieverSpec,
    SearchLeg,
    StageSpec,
    TextQuery,
)
from mixpeek_lab.retrievers.stages import FIRST, ExtractorParameters
from mixpeek_lab.uris import FeatureURI
from mixpeek_lab.workbench.addresses import find_extractor
from mixpeek_lab.workbench.sources import Service, Sources

Extractors = Mapping[ExtractorRef, tuple[ExtractorRecord, str | None]]
"""What the later stages name → the extractor, and the feature that they ask for."""


Find = Callable[[Catalog, ExtractorRef], tuple[ExtractorRecord, str | None]]


def stage_extractors(
    catalog: Catalog, stages: Iterable[StageSpec], find: Find = find_extractor
) -> Extractors:
    """The extractors that the stages ask, each found and compatible with its stage.

    RetrieverError with the path: where there is no such extractor, where it has no realtime.py,
    and where its inference_type is not what the stage needs.
    """
    found: dict[ExtractorRef, tuple[ExtractorRecord, str | None]] = {}
    for stage in stages:
        asked = stage.parameters
        if not isinstance(asked, ExtractorParameters) or not asked.has_extractor:
            continue
        ref = asked.extractor
        where = stage.where
        try:
            record, feature = find(catalog, ref)
        except (NotFoundError, InvalidInputError) as error:
            raise RetrieverError(f"{where}: {error}") from error
        needs = AVAILABLE[stage.stage_id].needs
        if needs is not None:
            check_type(record, needs, stage.stage_id, where)
        check_realtime(record, stage.stage_id, where)
        found[ref] = (record, feature)
    return found


def check_type(record: ExtractorRecord, needs: str, stage_id: str, where: str) -> None:
    """Raise RetrieverError where the extractor's inference_type is not what the stage needs."""
    manifest = record.manifest
    if manifest.inference_type == needs:
        return
    needed = f"stage `{stage_id}` needs `{needs}`"
    if manifest.inference_type is None:
        raise RetrieverError(
            f"{where}: `{manifest.name}` declares no inference_type; {needed}. "
            f'Add inference_type="{needs}" to its manifest.py if its {FILE} answers like that.'
        )
    raise RetrieverError(
        f"{where}: `{manifest.name}` is `{manifest.inference_type}`; {needed}. "
        f"Name an extractor whose manifest.py says inference_type={needs!r}."
    )


def check_realtime(record: ExtractorRecord, stage_id: str, where: str) -> None:
    """Raise RetrieverError where the extractor cannot be asked."""
    if record.source.text(FILE) is None:
        raise RetrieverError(
            f"{where}: `{record.manifest.name}` has no {FILE}, so stage `{stage_id}` cannot ask "
            "it. Add one with an InferenceService."
        )


def check_search(catalog: Catalog, spec: RetrieverSpec, sources: Sources) -> tuple[str, ...]:
    """Check the extractors that embed the legs' texts; notes on those that declare no type.

    RetrieverError where one declares another inference_type than embedding. Many embedding
    extractors declare none: those are taken at the word of their features and their realtime.py.
    """
    notes: dict[str, None] = {}
    for leg in spec.searches:
        if not embeds_text(leg):
            continue
        service = sources.service(FeatureURI.parse(leg.feature_uri or ""))
        record, where = _made_by(catalog, service), f"leg {leg.name!r}"
        check_realtime(record, FIRST, where)
        if record.manifest.inference_type is None:
            notes[
                f"{record.manifest.name} declares no inference_type. {FIRST} takes it for an "
                'embedding extractor; say so: inference_type="embedding" in its manifest.py.'
            ] = None
        else:
            check_type(record, "embedding", FIRST, where)
    return tuple(notes)


def embeds_text(leg: SearchLeg) -> bool:
    """Whether the leg's query is a text that its extractor embeds."""
    return not leg.lexical and leg.feature_uri is not None and isinstance(leg.query, TextQuery)


def _made_by(catalog: Catalog, service: Service) -> ExtractorRecord:
    return catalog.extractor(service.extractor, digest=service.digest)
