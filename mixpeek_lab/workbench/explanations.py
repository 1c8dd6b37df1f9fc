"""What a run's numbers mean, in sentences: above all why there are no documents."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Protocol

from mixpeek_lab.lint.columns import PROPERTY_COLUMNS
from mixpeek_lab.models import CONTRACT_COLUMNS, Failure, Manifest, RunReport, Unusable
from mixpeek_lab.pipeline import FailedItems
from mixpeek_lab.requirements import explain_missing_module

MISSING = (
    "Missing vectors: the processor gave none for these rows, or a row condition kept its step "
    "from them."
)
NOT_FINITE = (
    "NaN or infinite: look in the processor for a division by zero, a logarithm of 0, or numbers "
    "too large for float32 (3.4e38)."
)
ZERO = (
    "All zeros have no direction, and so no cosine: check what the model gives for these texts, "
    "or declare distance_metric `dot` or `euclid`."
)

_OWN_MODULES = ("manifest", "pipeline", "realtime", "processors", "shared", "engine")
_NO_COLUMN = re.compile(r"^'(\w+)'$|'DataFrame' object has no attribute '(\w+)'")
_NO_MODULE = re.compile(r"No module named '([\w.]+)'")


class Offer(Protocol):
    """What a run reads."""

    @property
    def where(self) -> str:
        """It in words: `bucket 'docs'`."""
        ...

    @property
    def schema(self) -> Mapping[str, str]:
        """Its fields."""
        ...

    @property
    def count(self) -> int:
        """How many objects or documents it holds."""
        ...

    def held(self) -> Mapping[str, int]:
        """Blob type → how many of it there are."""
        ...


def explain_run(
    report: RunReport, offer: Offer, manifest: Manifest, earlier: int | None = None
) -> tuple[str, ...]:
    """Notes for the report: the cause of 0 documents, of missing rows and vectors, of failures.

    `earlier` counts the documents of the snapshot that a failed run leaves in place; None where
    there is none.
    """
    notes = []
    if report.rows_in == 0:
        notes.append(_no_input(offer, manifest))
    elif report.state == "failed":
        notes.append(f"No new documents: every row failed, most with {_commonest(report)}.")
        notes += explain_earlier(earlier)
    elif report.documents == 0:
        notes.append(f"0 documents, because {' and '.join(_causes(report))}.")
    else:
        notes += explain_dropped(report.dropped)
    notes += explain_missing_modules(report.failures, manifest)
    notes += explain_wrong_columns(report.failures, offer)
    notes += [
        _without_vector(name, found, report.documents)
        for name, found in report.unusable.items()
        if found.total
    ]
    return tuple(notes)


def explain_dropped(dropped: Mapping[str, int]) -> list[str]:
    """One sentence for each step that gave back nothing for some of its rows."""
    return [f"{_dropped(step, count)}." for step, count in dropped.items()]


def explain_failed_items(found: Iterable[FailedItems]) -> list[str]:
    """One sentence for each step and helper of which items failed."""
    return [str(each) for each in found if each.failed]


def explain_retried(found: Iterable[FailedItems]) -> list[str]:
    """The same for a run that has a next one."""
    again = "Their rows are tried again in the next run."
    return [f"{text} {again}" for text in explain_failed_items(found)]


def explain_missing_modules(failures: Iterable[Failure], manifest: Manifest) -> list[str]:
    """One sentence for each package whose absence made rows fail: how to install it."""
    found = (_NO_MODULE.search(f.message) for f in failures if f.kind == "ModuleNotFoundError")
    own = {*_OWN_MODULES, manifest.name}  # to be imported with a dot, and to be had from nobody
    modules = dict.fromkeys(match[1] for match in found if match)
    return [
        f"No module {module!r}: {explain_missing_module(module, manifest.dependencies)}"
        for module in modules
        if not module.startswith("extractor_") and module.partition(".")[0] not in own
    ]


def explain_wrong_columns(failures: Iterable[Failure], offer: Offer) -> list[str]:
    """One sentence for each column that rows failed for because no processor gets it."""
    kinds = ("KeyError", "AttributeError")
    found = (_NO_COLUMN.search(f.message) for f in failures if f.kind in kinds)
    names = dict.fromkeys(match[1] or match[2] for match in found if match)
    asked = [name for name in names if name in PROPERTY_COLUMNS or name in offer.schema]
    return [
        f"There is no column {name!r}: the content of every blob is in "
        f'batch["data"], whatever its property is called (columns: {", ".join(CONTRACT_COLUMNS)}).'
        for name in asked
    ]


def explain_earlier(earlier: int | None) -> list[str]:
    """What a collection shows after a run that made no snapshot; nothing where it never ran."""
    if earlier is None:
        return []
    count = _count(earlier, "document")
    return [f"The collection still shows its earlier snapshot, with {count}."]


def _causes(report: RunReport) -> list[str]:
    """Why none of the rows has a document."""
    causes = []
    if report.failed:
        causes.append(f"{_count(report.failed, 'row')} failed, most with {_commonest(report)}")
    causes += [_dropped(step, count) for step, count in report.dropped.items()]
    if report.reused:
        causes.append(f"{_count(report.reused, 'row')} gave none in an earlier run")
    return causes or ["the processor returned no rows"]


def _dropped(step: str, count: int) -> str:
    were = "was" if count == 1 else "were"
    return f"{_count(count, 'row')} {were} dropped by {step} (it returned fewer rows than it got)"


def _without_vector(name: str, found: Unusable, documents: int) -> str:
    advice = [
        text
        for count, text in (
            (found.missing, MISSING),
            (found.not_finite, NOT_FINITE),
            (found.zero, ZERO),
        )
        if count
    ]
    if found.total == documents:
        head = f"No document has a vector {name!r} that can be searched"
    else:
        of = _count(documents, "document")
        head = f"{found.total:,} of {of} cannot be found by vector {name!r}"
    return " ".join([f"{head}: {found}.", *advice])


def _no_input(offer: Offer, manifest: Manifest) -> str:
    if offer.count == 0:
        empty = "are" if offer.where.partition(" ")[0].endswith("s") else "is"
        return f"0 documents, because {offer.where} {empty} empty."
    wanted = ", ".join(manifest.supported_input_types)
    types = ", ".join(sorted(offer.held())) or "objects without blobs"
    hold = "hold" if offer.where.partition(" ")[0].endswith("s") else "holds"
    return (
        f"0 documents, because {manifest.name} takes {wanted or 'any blob'} and {offer.where} "
        f"{hold} {types}: see supported_input_types in manifest.py."
    )


def _commonest(report: RunReport) -> str:
    """The failure that most rows share, without its full stop, and a line where it happened."""
    kinds = Counter((f.kind, f.message, f.where) for f in report.failures)
    kind, message, _ = kinds.most_common(1)[0][0]
    places = (f.where for f in report.failures if f.kind == kind)
    where = next((place for place in places if place and not place.startswith("not tried")), "")
    return f"{kind}: {message.rstrip('.')}" + (f" ({where})" if where else "")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
