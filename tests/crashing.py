"""A writer that is killed again and again, and a reader that looks at what it left.

Run as a script by test_crash_safety.py: everything is imported once, and each writer is a fork.
Prints a line of JSON per kill.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bm25s  # noqa: F401 - what writers import on first use, once for all of them
import faiss  # noqa: F401
import pandas  # noqa: F401
import Stemmer  # noqa: F401

from mixpeek_lab.catalog import Catalog
from mixpeek_lab.documents import read_documents
from mixpeek_lab.snapshots import DOCUMENTS, Snapshot, read_ledger, writer
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.home import Home

OBJECTS = 24
STRIDE = 2
"""Every so many-th write of a run is one to be killed at; the seed says where to begin."""
RANDOM_KILLS = 12
WRITES = ("os.rename", "os.mkdir", "os.remove", "os.rmdir", "shutil.rmtree")


def source(version: int) -> list[dict[str, Any]]:
    """Objects of a version: half of the texts are new in it, and the metadata of all."""
    rows = []
    for number in range(OBJECTS):
        text = f"object {number} as of {version - (version + number) % 2}|second chunk"
        rows.append({"_id": str(number), "text": text, "expected": text, "version": version})
    return rows


def bring_to(lab: Lab, version: int) -> None:
    """One upload and one run."""
    lab.bucket("b", source(version))
    lab.process("b", "hash_embedder", "c", parameters={"chunk": True}, engine="kernel")


def in_child(work: Callable[[], None]) -> int:
    """Fork, do `work` there, and return the child's id."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    finally:
        os._exit(0)


def kill_at(step: int, home: Path, version: int) -> bool:
    """Bring the collection to `version`, killed at the `step`-th write. False: it came through."""

    def work() -> None:
        count = 0

        def tick(*_: object) -> None:
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)

        lab = Lab(home)
        lab.bucket("b", source(version))
        fsync, finish = os.fsync, Catalog.finish_run
        os.fsync = lambda handle: (tick(), fsync(handle))[1]
        Catalog.finish_run = lambda *a: (tick(), finish(*a), tick())[1]
        sys.addaudithook(lambda event, _: tick() if event in WRITES else None)
        lab.process("b", "hash_embedder", "c", parameters={"chunk": True}, engine="kernel")

    _, status = os.waitpid(in_child(work), 0)
    return os.WIFSIGNALED(status)


def kill_after(seconds: float, home: Path, version: int) -> bool:
    """Bring the collection to one version after the other, killed after some time."""

    def work() -> None:
        lab = Lab(home)
        for number in range(version, version + 10_000):
            bring_to(lab, number)

    child = in_child(work)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def look(home: Path) -> dict[str, Any]:
    """What a reader sees, as it was left: no lab is opened, nothing is cleaned up."""
    catalog = Catalog(home / "catalog.sqlite")
    collection = catalog.collection("c")
    root = Home(home).snapshots(collection.collection_id)
    shown = Snapshot(root / str(collection.snapshot), collection.collection_id)
    whole = read_documents(shown.folder / DOCUMENTS)
    rows = whole.table.to_pylist()
    nearest = [shown.dense("hash_embedding", row["hash_embedding"], 1, None) for row in rows]
    return {
        "count": collection.document_count,
        "documents": len(rows),
        "ids": len({row["document_id"] for row in rows}),
        "versions": sorted({row["version"] for row in rows}),
        "expected": all(row["data"] in row["expected"].split("|") for row in rows),
        "vectors": len(shown.index("hash_embedding")),
        "found": all(hits.scores and abs(hits.scores[0] - 1) < 1e-5 for hits in nearest),
        "words": len(shown.lexical("chunk", 1000, None).document_ids),
        "ledger": sorted(read_ledger(shown.folder)) == sorted({row["_row_key"] for row in rows}),
        "leftovers": sorted(
            entry.name for entry in root.iterdir()
            if entry.name != "lock" and (not entry.name.isdigit()
                                         or int(entry.name) > collection.snapshot)
        ),
        "running": len(catalog.collections_running()),
    }  # fmt: skip


def told(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` answers in a child, so that no library starts threads here."""
    reading, writing = os.pipe()
    child = in_child(lambda: os.write(writing, json.dumps(work()).encode()) and None)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    found: dict[str, Any] = json.loads(answer)
    return found


def look_twice(home: Path, version: int) -> dict[str, Any]:
    """Look at what was left; then open the lab, run, and look again."""
    seen = look(home)
    lab = Lab(home)
    opened = Catalog(home / "catalog.sqlite").collections_running()
    bring_to(lab, version)
    return {"seen": seen, "running": len(opened), "after": look(home)}


def main() -> None:
    """`crashing.py EXTRACTOR HOME HOW SEED`, HOW being `steps`, `random` or `on` (not killed)."""
    extractor, home, how, seed = sys.argv[1:]
    random.seed(int(seed))
    path, version = Path(home), 2
    if how == "steps":
        writer.GRACE = 0.0  # so that each run also removes a snapshot

    def begin() -> dict[str, Any]:
        lab = Lab(path)
        lab.load(extractor)
        bring_to(lab, version)
        return look(path)

    print(json.dumps(told(begin)), flush=True)
    if how == "on":
        kill_after(60, path, version + 1)
    for number in range(int(seed), 1000, STRIDE) if how == "steps" else range(RANDOM_KILLS):
        version += 2 if how == "steps" else 10_000
        if how == "steps":
            killed = kill_at(number + 1, path, version)
        else:
            killed = kill_after(random.uniform(0.02, 0.6), path, version)
        found = told(lambda version=version: look_twice(path, version + 1))
        print(json.dumps({"killed": killed, "version": version, **found}), flush=True)
        if not killed:
            break


if __name__ == "__main__":
    main()
