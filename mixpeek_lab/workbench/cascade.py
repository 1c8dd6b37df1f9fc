"""After a run in the kernel: the collections that are made of its collection follow at once."""

from __future__ import annotations

from dataclasses import replace

from mixpeek_lab.errors import LabError
from mixpeek_lab.loader import load_schemas
from mixpeek_lab.models import Collection, RunReport
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.origins import in_words
from mixpeek_lab.workbench.runs import Run


def bring_followers(home: Home, run: Run, report: RunReport) -> tuple[str, ...]:
    """Run whatever is made of the collection of `run`, step by step; a sentence on each.

    What goes wrong with one is in its sentence, and stops nothing but what is made of it. Where the
    collection's own run failed, nothing of it changed: nothing is run.
    """
    followers = run.catalog.followers([run.collection.collection_id])
    if report.state == "failed" and followers:
        names = in_words([each.name for each in followers])
        return (f"Made of this collection, and left as it was: {names}.",)
    stale: set[str] = set()
    notes = []
    for each in followers:
        if stale & set(each.source.ids):
            stale.add(each.collection_id)
            notes.append(f"Collection {each.name!r} is made of that: it was left as it is.")
            continue
        told, is_done = _follow(home, run, each)
        notes.append(told)
        if not is_done:
            stale.add(each.collection_id)
    return tuple(notes)


def _follow(home: Home, before: Run, collection: Collection) -> tuple[str, bool]:
    """What came of one of them, and whether it is up to date."""
    catalog, engine = before.catalog, before.engine
    name = f"Collection {collection.name!r}, which is made of this one"
    try:
        record = catalog.extractor(collection.extractor, digest=collection.extractor_digest)
        schemas = load_schemas(record.source, home.path)
        root = home.snapshots(collection.collection_id)
        report = replace(
            Run(catalog, root, collection, record, engine, schemas, before.on_progress),
            shows_prints=before.shows_prints,
        ).execute()
    except LabError as error:
        return f"{name}, is not up to date: {error}", False
    failed = f", {report.failed:,} failed" if report.failed else ""
    if report.state == "failed":
        return f"{name}, is not up to date: {' '.join(report.notes)}", False
    return (
        f"{name}: {report.documents:,} documents ({report.processed:,} of {report.rows_in:,} rows "
        f"computed{failed}).",
        True,
    )
