"""The sections' items: a name, one line about it, its state, and facts for who wants more."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mixpeek_lab.catalog import Deployment, ExtractorRecord, RetrieverRecord, RunRow
    from mixpeek_lab.models import Bucket, Collection
    from mixpeek_lab.workbench import Lab

SHOWN_VERSIONS = 8
"""Versions of an extractor in its facts."""


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a section."""

    key: str
    name: str
    detail: str = ""
    state: str = ""
    """`ok`, `busy`, `warning` or `error`; empty where there is nothing to tell."""
    note: str = ""
    """The state in words."""
    facts: tuple[tuple[str, str], ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    """What fills the actions' `{…}`; names as a magic's line takes them."""
    without: tuple[str, ...] = ()
    """Actions that this one has not."""


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of items, and how many there are on all pages."""

    items: tuple[Item, ...]
    total: int


def quoted(name: str) -> str:
    """A name as a word of a magic's line."""
    return f'"{name}"' if " " in name else name


def _extractors(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    found = _fitting(lab.extractors(), lambda r: r.manifest.name, wanted)
    return _page(found, offset, limit, lambda record: _extractor(lab, record))


def _extractor(lab: Lab, record: ExtractorRecord) -> Item:
    manifest, history = record.manifest, lab.versions.log(record.manifest.name)
    is_served = record.source.text("realtime.py") is not None
    vectors = [f"{f.feature_name} ({f.embedding_dim})" for f in manifest.vectors]
    versions = [_version(history.tags_of(c.version), c) for c in history.commits[:SHOWN_VERSIONS]]
    more = len(history.commits) - SHOWN_VERSIONS
    return Item(
        manifest.name,
        manifest.name,
        manifest.version,
        "warning" if history.commits and history.has_changes else "",
        "changes since the last commit" if history.commits and history.has_changes else "",
        (
            ("Vectors", ", ".join(vectors) or "none"),
            ("Takes", ", ".join(manifest.supported_input_types) or "anything"),
            ("Service", "realtime.py" if is_served else "none: batch only"),
            *versions,
            *([("", f"and {more} earlier versions")] if more > 0 else []),
        ),
        {"name": manifest.name},
        (
            *(() if is_served else ("deploy",)),
            *(() if history.commits else ("log", "diff", "checkout", "tag")),
        ),
    )


def _version(tags: Sequence[str], commit: Any) -> tuple[str, str]:
    marks = f" ({', '.join(tags)})" if tags else ""
    return f"{commit.version}{marks}", commit.message


def _buckets(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    return _page(_fitting(lab.buckets(), lambda b: b.name, wanted), offset, limit, _bucket)


def _bucket(bucket: Bucket) -> Item:
    fields = {"name": quoted(bucket.name), "raw": bucket.name}
    schema = ", ".join(f"{name}: {kind}" for name, kind in bucket.schema.items())
    facts = (("Fields", schema or "none"), ("Made", _time(bucket.created_at)))
    return Item(
        bucket.bucket_id, bucket.name, _count(bucket.object_count, "object"),
        facts=facts, fields=fields,
    )  # fmt: skip


def _collections(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    found = _fitting(lab.collections(), lambda c: c.name, wanted)
    return _page(found, offset, limit, lambda c: _collection(c, lab.lineage.sources(c.name)))


def _collection(collection: Collection, sources: Sequence[str]) -> Item:
    name, is_new = collection.name, collection.snapshot is None
    plain = name.replace("_", "").replace("-", "").isalnum()
    fields = {
        "name": quoted(name),
        "raw": name,
        "table": name if plain else f'FROM "{name}"',
        "sources": " ".join(map(quoted, sources)),
        "extractor": collection.extractor,
    }
    parameters = ", ".join(f"{key}={value}" for key, value in collection.parameters.items())
    facts = (
        ("Made of", ", ".join(sources)),
        ("Extractor", f"{collection.extractor} {collection.extractor_version}"),
        *([("Parameters", parameters)] if parameters else []),
        ("Made", _time(collection.created_at)),
    )
    # A run with parameters needs them said again.
    without = ("update",) if parameters else ()
    return Item(
        collection.collection_id,
        name,
        "empty" if is_new else _count(collection.document_count, "doc"),
        "warning" if is_new else "",
        "" if not is_new else "no run has ended yet",
        facts,
        fields,
        (*without, *(("inspect", "query", "retriever") if is_new else ())),
    )


_RUN_STATES = {
    "running": ("busy", "running"),
    "completed": ("ok", "completed"),
    "completed_with_errors": ("warning", "completed, some rows failed"),
    "failed": ("error", "failed"),
    "interrupted": ("warning", "interrupted"),
}


def _runs(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    rows = lab.overview.runs(limit, offset, wanted) if limit else []
    return Listing(tuple(map(_run, rows)), lab.overview.count_runs(wanted))


def _run(row: RunRow) -> Item:
    state, note = _RUN_STATES[row.state]
    report: Mapping[str, Any] = row.report
    failed = int(report.get("failed", 0))
    facts = [
        ("Began", _time(row.started_at)),
        *([("Extractor", row.extractor)] if row.extractor else []),
        *([("Made of", ", ".join(row.made_of))] if row.made_of else []),
    ]
    if report:
        facts += [
            ("Rows", f"{report['processed']:,} computed, {report['reused']:,} kept"),
            ("Documents", f"{report['documents']:,}"),
            ("Took", f"{report['seconds']:.1f} s ({report['engine']})"),
        ]
    if failed:
        facts.append(("Failed", _count(failed, "row")))
    fields = {"key": row.run_id, "name": quoted(row.collection),
              "sources": " ".join(map(quoted, row.made_of)),
              "extractor": row.extractor}  # fmt: skip
    is_running = row.state == "running"
    can = {
        "stop": is_running,
        "again": bool(row.made_of and row.collection) and not is_running,
        "failures": bool(failed),
    }
    without = tuple(action for action, is_there in can.items() if not is_there)
    return Item(
        row.run_id, row.collection or "deleted collection", _run_detail(row, failed), state, note,
        tuple(facts), fields, without,
    )  # fmt: skip


def _run_detail(row: RunRow, failed: int) -> str:
    if failed:
        return f"{failed:,} failed"
    documents: Any = row.report.get("documents")
    return row.state if documents is None else _count(int(documents), "doc")


def _retrievers(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    names = {c.collection_id: c.name for c in lab.collections()}
    found = _fitting(lab.retrievers(), lambda r: r.name, wanted)
    return _page(found, offset, limit, lambda record: _retriever(record, names))


def _retriever(record: RetrieverRecord, names: Mapping[str, str]) -> Item:
    body: Mapping[str, Any] = record.body
    collections = [names.get(c, c) for c in body.get("collection_identifiers", ())]
    # The lines of %search and %playground take one word for the retriever's name.
    without = ("playground", "search", "show", "evaluate") if " " in record.name else ()
    return Item(
        record.retriever_id,
        record.name,
        ", ".join(collections),
        facts=(("Searches", ", ".join(collections)), ("Made", _time(record.created_at))),
        fields={"name": record.name, "raw": record.name},
        without=without,
    )


_DEPLOYED = {
    "DEPLOYED": ("ok", "served"),
    "FAILED": ("error", "failed"),
}


def _endpoints(lab: Lab, wanted: str, offset: int, limit: int) -> Listing:
    url = lab.overview.glance().url
    versions = {r.source.digest: r.manifest.version for r in lab.extractors()}
    items = [_service(one, versions.get(one.digest, ""), url) for one in lab.work.deployments()]
    if url:
        items.insert(0, _gateway(url, lab))
    return _page(_fitting(items, lambda item: item.name, wanted), offset, limit, lambda item: item)


def _gateway(url: str, lab: Lab) -> Item:
    facts = (("Address", url), ("Home", str(lab.home)))
    return Item("gateway", "HTTP API", url.removeprefix("http://"), "ok", "ready", facts,
                {"url": url}, ("ask",))  # fmt: skip


def _service(deployment: Deployment, version: str, url: str) -> Item:
    state, note = _DEPLOYED.get(deployment.state, ("busy", "loads"))
    if deployment.state == "DEPLOYED" and not url:
        state, note = "", "the endpoint is down"
    shown = version or deployment.digest[:12]
    facts = (
        ("Version", shown),
        *([("Error", deployment.error)] if deployment.error else []),
        ("Asked for", _time(deployment.requested_at)),
    )
    return Item(
        f"{deployment.name}@{deployment.digest}", deployment.name, shown,
        state, note, facts, {"name": deployment.name, "url": f"{url}/v1/inference"},
        () if url else ("url",),
    )  # fmt: skip


def _fitting(found: Iterable[Any], name: Callable[[Any], str], wanted: str) -> list[Any]:
    low = wanted.lower()
    return [one for one in found if low in name(one).lower()]


def _page(found: Sequence[Any], offset: int, limit: int, make: Callable[[Any], Item]) -> Listing:
    return Listing(tuple(map(make, found[offset : offset + limit])), len(found))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _time(text: str) -> str:
    """`2026-11-26 01:12`, in UTC as the catalog has it."""
    return f"{text[:10]} {text[11:16]} UTC"


LISTS: dict[str, Callable[[Lab, str, int, int], Listing]] = {
    "extractors": _extractors,
    "buckets": _buckets,
    "collections": _collections,
    "runs": _runs,
    "retrievers": _retrievers,
    "endpoints": _endpoints,
}
"""Section → a page of its items: the lab, a part of the name, where to begin, how many."""
