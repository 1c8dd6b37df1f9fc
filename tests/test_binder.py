"""Binder's image and budget: 1.8 GB of memory, one CPU, no network, the quickstart to its end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import nbformat
import psutil
import pytest
import yaml

from mixpeek_lab.engines import memory_limit_gb

ROOT = Path(__file__).parents[1]
BINDER = ROOT / "binder"
BUDGET = int(1.8e9)
GROUPS = Path("/sys/fs/cgroup")


@contextmanager
def memory_group(limit):
    """A control group of at most `limit` bytes, as the command that enters it; none: skips."""
    v1 = (GROUPS / "memory").is_dir()
    group = (GROUPS / "memory" if v1 else GROUPS) / f"mixpeek-lab-{os.getpid()}"
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"no control group can be made here: {error}")
    try:
        try:
            (group / ("memory.limit_in_bytes" if v1 else "memory.max")).write_text(str(limit))
        except OSError as error:
            pytest.skip(f"control groups cannot limit memory here: {error}")
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs; exec "$@"', "sh"]
    finally:
        group.rmdir()


def one_cpu():
    return ["taskset", "-c", "0"] if shutil.which("taskset") else []


@pytest.mark.model
@pytest.mark.timeout(300)
def test_the_quickstart_fits_into_a_session(tmp_path):
    out = tmp_path / "done.ipynb"
    home = {"MIXPEEK_LAB_HOME": str(tmp_path / "home"), "JUPYTER_RUNTIME_DIR": str(tmp_path)}
    notebook = shutil.copy(ROOT / "notebooks" / "01_quickstart.ipynb", tmp_path)
    script = [sys.executable, str(ROOT / "tests/binder_session.py"), notebook, str(out)]
    with memory_group(BUDGET) as within:
        done = subprocess.run(
            [*within, *one_cpu(), str(BINDER / "start"), *script],
            env={**os.environ, **home}, capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    peak = float(done.stdout.split()[-1]) * 2**20
    print(f"peak {peak / 1e6:.0f} MB of {BUDGET / 1e6:.0f}")
    assert peak <= BUDGET
    text = out.read_text()
    assert "without Ray: there are 1.7 GB of memory, and Ray needs 4" in text
    expected = _answers(nbformat.read(ROOT / "notebooks" / "01_quickstart.ipynb", as_version=4))
    assert _answers(nbformat.read(out, as_version=4)) == expected


def _answers(notebook):
    """What the searches of a notebook answered."""
    searches = [c for c in notebook.cells if c.source.startswith(("%search", "%playground"))]
    texts = [o.data["text/plain"] for c in searches for o in c.outputs if "data" in o]
    assert len(texts) == len(searches) >= 2
    return texts


def test_the_image_has_a_python_that_the_project_takes():
    packages = yaml.safe_load((BINDER / "environment.yml").read_text())["dependencies"]
    python = next(name for name in packages if name.startswith("python="))
    assert tuple(map(int, python.partition("=")[2].split("."))) >= (3, 11)


@pytest.mark.parametrize("name", ["postBuild", "start"])
def test_scripts_can_be_run(name):
    assert os.access(BINDER / name, os.X_OK)
    subprocess.run(["bash", "-n", BINDER / name], check=True)


def test_start_runs_the_sessions_command():
    command = [
        BINDER / "start",
        sys.executable,
        "-c",
        "import os; print(os.environ['HF_HUB_OFFLINE'])",
    ]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "1\n"


def test_set_up_of_the_image_installs_no_tests(tmp_path):
    """What postBuild runs, up to the installation: an environment of its own stays untouched."""
    code = (
        "import sys; sys.argv = ['setup.py', '--here']; sys.path.insert(0, '.ci'); import setup;"
        "print(setup.VENV, setup.EXTRAS)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [sys.prefix, "models,tutorials"]


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


MACHINE = psutil.virtual_memory().total / 2**30


@pytest.mark.parametrize(
    ("lines", "files", "limit"),
    [
        ("4:memory:/box\n", {"memory/box/memory.limit_in_bytes": 2**30}, 1.0),
        ("0::/box/session\n", {"box/memory.max": 2**31}, 2.0),
        ("0::/box/session\n", {"box/memory.max": 2**31, "box/session/memory.max": "max"}, 2.0),
        ("0::/box/session\n", {"box/memory.max": 2**31, "box/session/memory.max": 2**29}, 0.5),
        ("0::/\n", {"memory.max": "max"}, MACHINE),
        ("4:cpu:/box\n", {"memory/box/memory.limit_in_bytes": 2**30}, MACHINE),
        ("4:memory:/box\n", {"memory/box/memory.limit_in_bytes": 2**62}, MACHINE),
        ("4:memory:/elsewhere\n", {"memory/memory.limit_in_bytes": 2**30}, 1.0),
    ],
)
def test_the_smallest_limit_around_a_process_counts(tmp_path, lines, files, limit):
    write(tmp_path / "proc", lines)
    for name, value in files.items():
        write(tmp_path / "groups" / name, f"{value}\n")
    assert memory_limit_gb(tmp_path / "groups", tmp_path / "proc") == pytest.approx(limit, rel=0.01)


def test_without_control_groups_the_machine_counts(tmp_path):
    assert memory_limit_gb(tmp_path, tmp_path / "absent") == pytest.approx(MACHINE, rel=0.01)
