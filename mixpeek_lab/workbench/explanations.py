"""What a run's numbers mean, in sentences: above all why there are no documents."""

from __future__ import annotations

from collections import Counter

from mixpeek_lab.models import BLOB_TYPES, Bucket, Manifest, RunReport


def explain_run(report: RunReport, bucket: Bucket, manifest: Manifest) -> tuple[str, ...]:
    """Notes for the report: the cause of 0 documents, of missing vectors, of failures."""
    notes = []
    if report.rows_in == 0:
        notes.append(_no_input(bucket, manifest))
    elif report.failed and report.failed == report.processed == report.rows_in:
        kind, place = _commonest(report)
        notes.append(f"No new documents: every row failed, most with {kind}{place}.")
        if report.documents:
            notes.append(f"The collection keeps the {report.documents} documents it had.")
    elif report.documents == 0:
        notes.append("0 documents, because the processor returned no rows.")
    for name, count in report.left_out.items():
        if not count:
            continue
        if count == report.documents:
            notes.append(
                f"Vector {name!r} is empty in every document, so nothing can be found by it. "
                "Does a row condition keep the step from these rows?"
            )
        else:
            notes.append(f"{count} documents have no usable vector {name!r} (null, NaN or zero).")
    return tuple(notes)


def _no_input(bucket: Bucket, manifest: Manifest) -> str:
    if bucket.object_count == 0:
        return f"0 documents, because bucket {bucket.name!r} is empty."
    types = sorted({t for t in bucket.schema.values() if t in BLOB_TYPES})
    wanted = ", ".join(manifest.supported_input_types)
    return (
        f"0 documents, because {manifest.name} takes {wanted} and bucket {bucket.name!r} "
        f"holds {', '.join(types) or 'no blobs'}: see supported_input_types in manifest.py."
    )


def _commonest(report: RunReport) -> tuple[str, str]:
    kinds = Counter((f.kind, f.message, f.where) for f in report.failures)
    kind, message, _ = kinds.most_common(1)[0][0]
    where = next((f.where for f in report.failures if f.where and f.kind == kind), "")
    return f"{kind}: {message}", f" ({where})" if where else ""
