"""The JupyterLab extension: one version, a build that is of the sources, and where it is found."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "labextension"
BUILT = EXTENSION / "prebuilt" / "mixpeek-lab"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
NAME = "mixpeek-lab"


def _tools():
    spec = importlib.util.spec_from_file_location("labextension", ROOT / ".ci" / "labextension.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _json(path):
    return json.loads(path.read_text())


def test_it_has_the_version_of_the_project():
    lock = _json(EXTENSION / "package-lock.json")
    copies = [_json(EXTENSION / "package.json"), _json(BUILT / "package.json"), lock,
              lock["packages"][""]]  # fmt: skip
    assert {copy["version"] for copy in copies} == {PYPROJECT["project"]["version"]}
    assert {copy["name"] for copy in copies} == {NAME}


def test_the_committed_build_is_of_these_sources():
    tools = _tools()
    assert tools.DIGEST.read_text().strip() == tools.digest(), "run: make sidebar"


def test_a_changed_source_is_noticed(tmp_path, monkeypatch):
    tools = _tools()
    for name in ("src", "style", "schema"):
        (tmp_path / name).mkdir()
    (tmp_path / "src" / "index.ts").write_text("export {};\n")
    monkeypatch.setattr(tools, "EXTENSION", tmp_path)
    monkeypatch.setattr(tools, "SOURCES", ("src", "style", "schema"))
    before = tools.digest()
    (tmp_path / "src" / "index.test.ts").write_text("test\n")
    assert tools.digest() == before, "tests are not built"
    (tmp_path / "src" / "index.ts").write_bytes(b"export {};\r\n")
    assert tools.digest() == before, "line ends are the checkout's"
    (tmp_path / "src" / "index.ts").write_text("export const a = 1;\n")
    assert tools.digest() != before


def test_the_lock_names_no_address():
    packages = _json(EXTENSION / "package-lock.json")["packages"]
    assert len(packages) > 100
    assert [name for name, package in packages.items() if "resolved" in package] == []
    assert "://" not in "".join(
        json.dumps({k: v for k, v in package.items() if k not in ("funding", "engines")})
        for package in packages.values()
    )


def test_nothing_of_the_build_comes_from_elsewhere():
    for path in BUILT.rglob("*.js"):
        text = path.read_text("utf-8")
        assert "unpkg.com" not in text
        assert "jsdelivr" not in text
        assert str(ROOT) not in text
    size = sum(path.stat().st_size for path in BUILT.rglob("*") if path.is_file())
    assert size < 400_000


def test_it_is_built_for_the_oldest_jupyterlab_that_is_allowed():
    """What it shares with JupyterLab is that of the oldest: an older one than it wants warns."""
    oldest = next(d for d in PYPROJECT["project"]["dependencies"] if d.startswith("jupyterlab>="))
    package = _json(EXTENSION / "package.json")
    shared = package["jupyterlab"]["sharedPackages"]
    used = set()
    for path in (EXTENSION / "src").glob("*.ts*"):
        used |= set(re.findall(r"^import (?!type).* from '(@jupyterlab/[\w-]+)'", path.read_text(),
                               re.MULTILINE))  # fmt: skip
    ranges = {name: shared[name]["requiredVersion"] for name in used}
    assert ranges.pop("@jupyterlab/apputils") == "^4.3.0", "its number in JupyterLab 4.2"
    assert {f"jupyterlab>={found.removeprefix('^')}" for found in ranges.values()} == {
        f"{oldest}.0"
    }


def test_the_wheel_carries_it():
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    place = f"share/jupyter/labextensions/{NAME}"
    assert wheel["shared-data"]["labextension/prebuilt/mixpeek-lab"] == place
    assert _json(EXTENSION / "install.json")["packageName"] == PYPROJECT["project"]["name"]
    load = _json(BUILT / "package.json")["jupyterlab"]["_build"]["load"]
    assert (BUILT / load).is_file()


def test_jupyterlab_finds_it(tmp_path):
    """Where the wheel puts it: below `share/jupyter/labextensions` of the environment."""
    place = tmp_path / "labextensions" / NAME
    place.parent.mkdir()
    place.symlink_to(BUILT)
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", "labextension", "list"],
        env={**os.environ, "JUPYTER_PATH": str(tmp_path), "JUPYTER_CONFIG_DIR": str(tmp_path)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    version = PYPROJECT["project"]["version"]
    assert (
        f"{NAME} v{version} \x1b[32menabled\x1b[0m \x1b[32mOK\x1b[0m" in done.stderr + done.stdout
    )


def test_the_settings_have_the_defaults_of_the_code():
    properties = _json(EXTENSION / "schema" / "lab.json")["properties"]
    code = (EXTENSION / "src" / "settings.ts").read_text()
    for name, setting in properties.items():
        shown = json.dumps(setting["default"]).replace('"', "'")
        assert f"  {name}: {shown}" in code


@pytest.mark.parametrize("command", ["check", "test"])
def test_without_node_the_tools_say_so_and_pass(tmp_path, command):
    (tmp_path / "bin").mkdir()
    done = subprocess.run(
        [sys.executable, ROOT / ".ci" / "labextension.py", command],
        env={**os.environ, "PATH": str(tmp_path / "bin")}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (
        0, f"labextension: {command} left out: Node.js is not installed.\n",
    )  # fmt: skip
