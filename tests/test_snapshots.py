"""Snapshots: written whole, shown at once, cleaned up after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pyarrow as pa
import pytest

from mixpeek_lab.documents import DocumentTable
from mixpeek_lab.errors import ConflictError, RetrieverError, VectorError
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import Feature, IndexSettings
from mixpeek_lab.snapshots import (
    Snapshot,
    read_fingerprint,
    read_ledger,
    remove_old_snapshots,
    shown_fields,
    write_snapshot,
    writer,
    writing,
)

FEATURE = Feature.embedding("vec/é", dim=2)


def documents(count=3, dim=2) -> DocumentTable:
    values = [[float(n + 1)] + [0.5] * (dim - 1) for n in range(count)]
    table = pa.table({
        "document_id": [f"d{n}" for n in range(count)],
        "object_id": [f"o{n}" for n in range(count)],
        "data": [f"text number{n}" for n in range(count)],
        "year": pa.array(range(count), pa.int64()),
        "blob_id": [f"b{n}" for n in range(count)],
        "_row_key": [f"k{n}" for n in range(count)],
        "vec/é": pa.array(values, pa.list_(pa.float32(), dim)),
    })  # fmt: skip
    return DocumentTable(table, ("vec/é",), ("year",))


def write(root, number, found=None, settings=None, features=(FEATURE,)):
    found = found or documents()
    with writing(root):
        return write_snapshot(
            root,
            number,
            found,
            features,
            settings or IndexSettings(),
            ["k0", "k1", "gone"],
            "print",
        )


def test_a_snapshot_reads_back(tmp_path):
    root = tmp_path / "col"
    counts = write(root, 1)
    assert (counts.vectors, counts.left_out) == ({"vec/é": 3}, {"vec/é": 0})
    assert read_ledger(root / "1") == {"k0", "k1", "gone"}
    assert read_fingerprint(root / "1") == "print"
    shown = Snapshot(root / "1", "col")
    assert shown.document_ids == ["d0", "d1", "d2"]
    assert shown.features == {"vec/é": FEATURE}
    assert shown.dense("vec/é", [0.0, 1.0], 2, None).document_ids[0] == "d0"
    assert shown.lexical("number2", 5, None).document_ids[0] == "d2"
    assert shown.vector_of("vec/é", "d1") == [2.0, 0.5]
    fetched = shown.fetch(["d2", "unknown", "d0"])
    assert {key: row["year"] for key, row in fetched.items()} == {"d2": 2, "d0": 0}
    assert shown_fields(fetched["d2"]) == {"data": "text number2", "year": 2}
    assert [fetched["d2"][key] for key in ("object_id", "blob_id", "_row_key")] == [
        "o2",
        "b2",
        "k2",
    ]
    assert shown.fetch([]) == {}


def test_filters_say_which_rows_count(tmp_path):
    write(tmp_path / "col", 1)
    shown = Snapshot(tmp_path / "col" / "1", "col")
    late = parse_filter({"field": "year", "operator": "gte", "value": 1})
    assert shown.allowed(late).tolist() == [False, True, True]
    assert set(shown.dense("vec/é", [0.0, 1.0], 5, late).document_ids) == {"d1", "d2"}
    assert set(shown.lexical("text", 5, late).document_ids) == {"d1", "d2"}
    unknown = parse_filter({"field": "nope", "operator": "eq", "value": 1})
    assert not shown.allowed(unknown).any()


def test_what_a_snapshot_lacks_is_named(tmp_path):
    write(tmp_path / "col", 1)
    shown = Snapshot(tmp_path / "col" / "1", "col")
    with pytest.raises(RetrieverError, match=r"no vector index 'x'; it has: vec/é"):
        shown.dense("x", [0.0, 1.0], 1, None)
    with pytest.raises(RetrieverError, match="'d9' is not in col"):
        shown.vector_of("vec/é", "d9")


def test_missing_vectors_are_counted(tmp_path):
    table = documents().table
    column = pa.array([[1.0, 2.0], None, [np.nan, 1.0]], pa.list_(pa.float32(), 2))
    found = DocumentTable(table.set_column(6, "vec/é", column), ("vec/é",), ())
    counts = write(tmp_path / "col", 1, found)
    assert (counts.vectors, counts.left_out) == ({"vec/é": 1}, {"vec/é": 2})
    with pytest.raises(RetrieverError, match="has no vector"):
        Snapshot(tmp_path / "col" / "1", "col").vector_of("vec/é", "d1")


@pytest.mark.parametrize("kind", ["flat", "hnsw", "ivf"])
def test_a_snapshot_without_documents_answers(tmp_path, kind):
    settings = IndexSettings("english", {"vec/é": kind})
    write(tmp_path / "col", 1, documents(0), settings)
    shown = Snapshot(tmp_path / "col" / "1", "col")
    assert shown.dense("vec/é", [0.0, 1.0], 5, None) == ([], [])
    assert shown.lexical("text", 5, None) == ([], [])


def test_a_failure_while_writing_leaves_nothing_behind(tmp_path):
    root = tmp_path / "col"
    write(root, 1)
    with pytest.raises(VectorError, match="3"):
        write(root, 2, documents(dim=3))
    assert sorted(p.name for p in root.iterdir()) == ["1", "lock"]


def test_what_dead_processes_left_is_written_over_and_removed(tmp_path):
    root = tmp_path / "col"
    write(root, 1)
    for left in ("2", "2.writing", "3.writing"):
        (root / left / "vectors").mkdir(parents=True)
        (root / left / "documents.parquet").write_bytes(b"half")
    write(root, 2)
    assert Snapshot(root / "2", "col").document_ids == ["d0", "d1", "d2"]
    with writing(root):
        remove_old_snapshots(root, 2)
    assert sorted(p.name for p in root.iterdir()) == ["1", "2", "lock"]


def test_replaced_snapshots_stay_for_their_readers_and_go_later(tmp_path):
    root = tmp_path / "col"
    for number in (1, 2, 3, 4):
        write(root, number)
    with writing(root):
        remove_old_snapshots(root, 4)
    assert sorted(p.name for p in root.iterdir()) == ["1", "2", "3", "4", "lock"]
    for number in (1, 2):  # replaced a while ago; 3 took the place of 2 just now
        os.utime(root / str(number), (0, time.time() - writer.GRACE - 1))
    with writing(root):
        remove_old_snapshots(root, 4)
    assert sorted(p.name for p in root.iterdir()) == ["2", "3", "4", "lock"]
    os.utime(root / "3", (0, 0))
    with writing(root):
        remove_old_snapshots(root, 4)
    assert sorted(p.name for p in root.iterdir()) == ["3", "4", "lock"]
    with writing(root):
        remove_old_snapshots(root, None)
    assert [p.name for p in root.iterdir()] == ["lock"]


def test_one_writer_at_a_time_among_threads_and_processes(tmp_path):
    root = tmp_path / "col"
    code = (
        "import sys; from pathlib import Path; from mixpeek_lab.snapshots import writing\n"
        "with writing(Path(sys.argv[1])): print('in', flush=True); sys.stdin.read()"
    )
    refused = []

    def enter():
        try:
            with writing(root):
                pass
        except ConflictError as error:
            refused.append(str(error))

    with writing(root):
        thread = threading.Thread(target=enter)
        thread.start()
        thread.join()
    assert len(refused) == 1
    other = subprocess.Popen(
        [sys.executable, "-c", code, str(root)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert other.stdout.readline() == b"in\n"
    enter()
    assert len(refused) == 2
    other.kill()  # the right ends with its process
    other.communicate()
    enter()
    assert len(refused) == 2


def test_files_are_on_the_disk_before_the_name_is(tmp_path, monkeypatch):
    """Everything below the folder is synced, and only then does it get its name."""
    synced, renamed = [], []
    fsync, rename = writer.os.fsync, writer.Path.rename
    monkeypatch.setattr(writer.os, "fsync", lambda handle: (synced.append(handle), fsync(handle)))

    def noted(path, target):
        renamed.append((path.name, len(synced)))
        return rename(path, target)

    monkeypatch.setattr(writer.Path, "rename", noted)
    root = tmp_path / "col"
    write(root, 1)
    before = dict(renamed)["1.writing"]
    assert before >= len(list((root / "1").rglob("*")))
    assert len(synced) > before  # the folder that holds the name
    assert json.loads((root / "1" / "about.json").read_text())["analyzer"] == "english"
