"""Whatever dies while a snapshot is written, readers see the old one or the new one, whole."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from crashing import OBJECTS, look
from packages import HASH_EMBEDDER

from mixpeek_lab.workbench import Lab

SCRIPT = Path(__file__).with_name("crashing.py")
DOCUMENTS = OBJECTS * 2


def command(home: Path, how: str, seed: int) -> list[str]:
    return [sys.executable, str(SCRIPT), str(HASH_EMBEDDER), str(home), how, str(seed)]


def killed(home: Path, how: str, seed: int) -> list[dict]:
    """What a reader saw after each kill."""
    # The writers are forks: no library may have started threads before.
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command(home, how, seed), env=env, capture_output=True, text=True, timeout=250
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()[1:]]


def assert_whole(seen: dict) -> None:
    counts = [seen[name] for name in ("count", "documents", "ids", "vectors")]
    assert counts == [DOCUMENTS] * 4, seen
    assert seen["words"] == OBJECTS, seen
    assert seen["expected"], seen
    assert seen["found"], seen
    assert seen["ledger"], seen
    assert len(seen["versions"]) == 1, seen


@pytest.mark.parametrize(("how", "seed"), [("steps", 0), ("random", 20260731)])
def test_a_killed_writer_leaves_the_old_snapshot_or_the_new_one(tmp_path, how, seed):
    """`steps`: at every other rename, sync, commit and removal. `random`: at any moment."""
    rounds = killed(tmp_path / "home", how, seed)
    last = 2
    for found in rounds:
        assert_whole(found["seen"])
        (version,) = found["seen"]["versions"]
        if how == "steps":
            assert version in (last, found["version"])
        else:
            assert version == last or version >= found["version"]
        assert found["running"] == 0  # opening the lab closed the run that was lost
        assert_whole(found["after"])
        assert found["after"]["versions"] == [found["version"] + 1]
        assert found["after"]["leftovers"] == []
        assert found["after"]["running"] == 0
        last = found["version"] + 1
    if how == "steps":
        assert [found["killed"] for found in rounds] == [True] * (len(rounds) - 1) + [False]
        assert len(rounds) > 25
        # The kills fell before, while and after the snapshot was written and shown.
        assert any(found["seen"]["leftovers"] for found in rounds)
        assert {found["seen"]["versions"] == [found["version"]] for found in rounds} == {
            True,
            False,
        }
        assert any(found["seen"]["running"] for found in rounds)


def test_readers_in_another_process_see_whole_snapshots_while_a_writer_goes_on(tmp_path):
    home = tmp_path / "home"
    writer = subprocess.Popen(
        command(home, "on", 0), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        start_new_session=True,
    )  # fmt: skip
    try:
        assert writer.stdout.readline()
        reader = Lab(home)
        query = {"collection": "c", "searches": [{"lexical": True}]}
        seen: list[int] = []
        end = time.monotonic() + 20
        while time.monotonic() < end and (len(set(seen)) < 8 or len(seen) < 20):
            found = look(home)
            assert_whole(found)
            seen.extend(found["versions"])
            (row,) = reader.sql(
                "SELECT count(*) AS n, count(DISTINCT version) AS versions FROM c"
            ).table.to_pylist()
            assert row == {"n": DOCUMENTS, "versions": 1}
            hits = reader.search(query, "chunk", limit=OBJECTS).hits
            assert len(hits) == OBJECTS
            assert len({hit.fields["version"] for hit in hits}) == 1
        assert seen == sorted(seen)
        assert len(set(seen)) >= 4
    finally:
        os.killpg(writer.pid, signal.SIGKILL)
        writer.communicate()
