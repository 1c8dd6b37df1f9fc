"""Extractors, and the committed versions of one: lines below its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mixpeek_lab.sidebar.item import Item, Listing, fitting, name_fields, page, shown_time

if TYPE_CHECKING:
    from mixpeek_lab.catalog import Commit, ExtractorRecord
    from mixpeek_lab.workbench import Lab
    from mixpeek_lab.workbench.versions.history import History


def extractors(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    """The working state of each."""
    found = fitting(lab.extractors(), lambda r: r.manifest.name, wanted)
    return page(found, offset, limit, lambda record: _extractor(lab, record))


def versions(lab: Lab, of: str, offset: int, limit: int) -> Listing:
    """The committed versions of one extractor, newest first. NotFoundError."""
    history = lab.versions.log(of)
    served = lab.extractor(of).source.text("realtime.py") is not None and can_serve(lab)
    return page(history.commits, offset, limit, lambda commit: _version(history, commit, served))


def can_serve(lab: Lab) -> bool:
    """Whether services are deployed here: not where the kernel answers."""
    return lab.engine.name != "kernel"


def _extractor(lab: Lab, record: ExtractorRecord) -> Item:
    manifest = record.manifest
    number, is_kept = lab.versions.committed(manifest.name)
    is_served = record.source.text("realtime.py") is not None
    vectors = [f"{f.feature_name} ({f.embedding_dim})" for f in manifest.vectors]
    is_changed = bool(number) and not is_kept
    return Item(
        manifest.name,
        manifest.name,
        manifest.version,
        "warning" if is_changed else "",
        "changes since the last commit" if is_changed else "",
        (
            ("Vectors", ", ".join(vectors) or "none"),
            ("Takes", ", ".join(manifest.supported_input_types) or "anything"),
            ("Service", "realtime.py" if is_served else "none: batch only"),
            *([] if number else [("Versions", "none is committed yet")]),
        ),
        name_fields(manifest.name),
        (
            *(() if is_served and can_serve(lab) else ("deploy",)),
            *(() if number else ("log", "diff", "checkout", "tag")),
        ),
        "versions",
        number,
    )


def _version(history: History, commit: Commit, is_served: bool) -> Item:
    tags, pins = history.tags_of(commit.version), history.pins.get(commit.version, ())
    is_current = commit.version == history.head and not history.has_changes
    places = history.places.get(commit.version, ())
    reference = f"{commit.name}@{commit.version}"
    facts = (
        ("Message", commit.message),
        ("By", f"{commit.author}, {shown_time(commit.created_at)}"),
        *([("From", commit.parent)] if commit.parent else []),
        *([("Tags", ", ".join(tags))] if tags else []),
        *([("Made", ", ".join(pins))] if pins else []),
        *([("Pushed to", ", ".join(places))] if places else []),
    )
    return Item(
        reference,
        commit.version,
        ", ".join(tags) or commit.message,
        "ok" if is_current else "",
        "the working state is this one" if is_current else "",
        facts,
        {**name_fields(commit.name), "version": commit.version, "reference": reference},
        (*(() if is_served else ("deploy",)), *(("checkout", "diff") if is_current else ())),
    )
