"""What a manifest asks of its surroundings: dependencies, system packages, and what is missing."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from probes import load_probe, probe

from mixpeek_lab.errors import ExtractorLoadError
from mixpeek_lab.findings import Finding
from mixpeek_lab.loader import load_module
from mixpeek_lab.manifests import RULES, read_manifest
from mixpeek_lab.requirements import (
    check_dependencies,
    check_system_packages,
    explain_missing_module,
    install_command,
)
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import Lab

NUMPY = version("numpy")


def manifest_of(**fields: object) -> ExtractorSource:
    lines = ['feature_extractor_name = "needy"', 'version = "1.0.0"', "features = []"]
    lines += [f"{name} = {value!r}" for name, value in fields.items()]
    return ExtractorSource("needy", (("manifest.py", "\n".join(lines)),))


def found(rule: str, **fields: object) -> list[Finding]:
    return [f for f in read_manifest(manifest_of(**fields)).findings if f.rule == rule]


# ------------------------------------------------------------------------------ the text


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("numpy=2", 'did you mean "numpy==2"?'),
        ("git+https://example.com/a.git", '"NAME @ git+https://example.com/a.git"'),
        ("./wheels/a.whl", '"NAME @ ./wheels/a.whl"'),
        ("-r requirements.txt", "options of pip do not belong here"),
        ("", "it is empty"),
        ("numpy>=two", "as pip takes it"),
        ("numpy; rm -rf /", "is no dependency"),
        ("a @ https://x.org/a.whl`id`", "is no address"),
        ("numpy\n>=2\n;x", "is no dependency"),
        ('numpy; python_version ~= "3"', "is no dependency"),
        ("a;" + "(" * 5000, "is no dependency"),
    ],
)
def test_what_pip_could_not_read_is_an_error_with_its_line(written: str, told: str) -> None:
    (only,) = found("DEP001", dependencies=["pandas", written])
    assert told in only.message
    assert (only.severity, only.line) == ("error", 4)


@pytest.mark.parametrize(
    "written",
    [
        ["numpy"],
        ["sentence-transformers>=2.2", "Pillow ~= 10.1", "uvicorn[standard]!=0.30,>=0.20"],
        ['tomli>=2; python_version < "3.11"', 'tomli<2; python_version >= "3.11"'],
        ["a @ https://example.com/a-1.0.whl"],
        ["numpy>=1.26", "numpy<3"],
        ["torch==2.*", "torch>=2.4,!=2.5.0"],
        ["a!=1.2.*", "a>1.2.3"],
        ["a!=1.*", "a>=1"],
        ["a<1", "a!=0.9"],
        ["a>1!0.5", "a!=1!0.5.*"],
    ],
)
def test_what_pip_takes_is_no_finding(written: list[str]) -> None:
    reading = read_manifest(manifest_of(dependencies=written))
    assert [f.rule for f in reading.findings] == ["MAN008"]
    assert reading.manifest is not None
    assert list(reading.manifest.dependencies) == written


@pytest.mark.parametrize(
    "written",
    [
        ["numpy>=2", "NumPy<1.26"],
        ["torch==2.1.*", "torch==2.2.0"],
        ["a>3,<=3"],
        ["a~=1.4.2", "a>=1.5"],
        ["some-thing==1.0", "some_thing==1.1"],
    ],
)
def test_dependencies_that_no_version_meets_are_an_error(written: list[str]) -> None:
    (only,) = found("DEP002", dependencies=written)
    assert only.severity == "error"
    assert "No version" in only.message


def test_parts_of_python_are_left_out_with_a_warning() -> None:
    told = found("DEP003", dependencies=["json", "python>=3.8", "python<3"])
    assert [f.severity for f in told] == ["warning"] * 3
    assert "part of Python" in told[0].message
    assert "this is Python" not in told[1].message
    assert "this is Python" in told[2].message


@pytest.mark.parametrize(
    ("written", "fix"),
    [
        ("libGL1", '"libgl1"'),
        ("apt-get install -y ffmpeg sox", '"ffmpeg", "sox"'),
        ("ffmpeg; rm -rf /", "small letters"),
        ("$(id)", "small letters"),
        ("-y", "small letters"),
        ("x", "small letters"),
    ],
)
def test_what_is_no_debian_package_is_an_error(written: str, fix: str) -> None:
    (only,) = found("SYS001", system_packages=["libmagic1", written])
    assert only.severity == "error"
    assert fix in only.fix


def test_debian_packages_in_every_spelling() -> None:
    names = ["ffmpeg", "libstdc++6", "libc6:amd64", "libmagic1=1:5.44-3", "python3.11-dev"]
    assert found("SYS001", system_packages=names) == []


# ------------------------------------------------------------------------------ this machine


def states(*dependencies: str) -> list[str]:
    return [each.state for each in check_dependencies(dependencies)]


def test_dependencies_are_compared_with_what_is_installed() -> None:
    assert states("numpy", f"NumPy=={NUMPY}", "pyarrow>=1", "no-such-package-here") == [
        "met", "met", "met", "missing",
    ]  # fmt: skip
    assert states("pytest>=999") == ["other version"]
    assert states(f'no-such-package-here; python_version < "{sys.version_info[0]}"') == [
        "not needed"
    ]


def test_what_another_dependency_excludes_is_said_with_both(monkeypatch, tmp_path) -> None:
    install(tmp_path, monkeypatch, "mixpeek-lab", "9.0", requires=["torch>=2.6"])
    install(tmp_path, monkeypatch, "asking", "1.5", requires=["asked<2", "extra; extra == 'more'"])
    install(tmp_path, monkeypatch, "asked", "1.9")
    asking, asked, torch = check_dependencies(["asking", "asked>=2", "torch==2.1"])
    assert asking.state == "met"
    assert (asked.state, asked.reason) == ("impossible", "asking 1.5 needs asked<2")
    assert (torch.state, torch.reason) == ("impossible", "the lab itself needs torch>=2.6")
    (more,) = check_dependencies(["asking[more]"])
    assert (more.state, more.reason) == ("missing", "without extra")


def install(folder: Path, monkeypatch, name: str, number: str, requires=()) -> None:
    """The metadata of a distribution, as pip leaves it."""
    info = folder / f"{name.replace('-', '_')}-{number}.dist-info"
    info.mkdir()
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {number}"]
    lines += [f"Requires-Dist: {each}" for each in requires]
    (info / "METADATA").write_text("\n".join(lines) + "\n")
    monkeypatch.syspath_prepend(str(folder))


def test_one_command_installs_all_that_is_missing() -> None:
    missing = check_dependencies(
        ["no-such>=2,<3", "nor_this", 'or-that[x]!=1; python_version >= "3"']
    )
    command = install_command(missing)
    assert command == 'pip install "no-such<3,>=2" nor_this "or-that[x]!=1"'
    assert shlex.split(command)[2:] == ["no-such<3,>=2", "nor_this", "or-that[x]!=1"]
    hostile = check_dependencies(["a @ https://x.org/$(touch$IFS'pwned')"])
    assert shlex.split(install_command(hostile))[-1] == str(hostile[0].requirement)


def test_a_definition_says_what_is_missing_with_one_command(kernel_lab: Lab, tmp_path) -> None:
    source = probe("return batch")
    text = (source.text("manifest.py") or "").replace(
        "features=[", 'dependencies=["no-such>=2", "numpy", "nor-this"],\n    features=['
    )
    (tmp_path / "probe").mkdir()
    (tmp_path / "probe" / "manifest.py").write_text(text)
    (tmp_path / "probe" / "pipeline.py").write_text(source.text("pipeline.py") or "")
    definition = kernel_lab.load(tmp_path / "probe")
    assert definition.is_kept
    (only,) = [f for f in definition.findings if f.rule == "DEP004"]
    assert (only.severity, only.line) == ("warning", 8)
    assert only.message == "Not installed here: `no-such>=2`, `nor-this`."
    assert only.fix.endswith('pip install "no-such>=2" nor-this')


@pytest.fixture
def dpkg(tmp_path, monkeypatch):
    """A dpkg-query that knows two packages, in a PATH with nothing else."""

    def place(script: str) -> None:
        folder = tmp_path / "bin"
        folder.mkdir()
        program = folder / "dpkg-query"
        program.write_text(f"#!{shutil.which('sh')}\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IEXEC)
        monkeypatch.setenv("PATH", str(folder))
        from mixpeek_lab.requirements import debian

        debian._installed.cache_clear()
        monkeypatch.setattr(debian, "_STATUS", tmp_path / "no-such-file")

    yield place
    from mixpeek_lab.requirements import debian

    debian._installed.cache_clear()


def test_system_packages_are_asked_of_dpkg(dpkg) -> None:
    dpkg(
        r"printf 'installed\tlibmagic1t64\tlibmagic1 (= 1:5.45-3)\n'; "
        r"printf 'installed\tffmpeg\t\n'; printf 'config-files\tsox\t\n'"
    )
    checked = check_system_packages(["ffmpeg", "libmagic1", "sox", "tesseract-ocr=5.3"])
    assert checked.is_checked
    assert checked.missing == ("sox", "tesseract-ocr=5.3")
    assert checked.command.endswith("apt-get install -y sox tesseract-ocr=5.3")


def test_where_there_is_no_dpkg_nothing_is_claimed(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not check_system_packages(["libmagic1"]).is_checked
    assert check_system_packages([]).is_checked


def test_a_dpkg_that_fails_claims_nothing_either(dpkg) -> None:
    dpkg("exit 2")
    assert not check_system_packages(["libmagic1"]).is_checked


@pytest.mark.skipif(shutil.which("dpkg-query") is None, reason="there is no dpkg here")
def test_the_real_dpkg_knows_what_it_is_part_of() -> None:
    done = subprocess.run(["dpkg-query", "-W", "dpkg"], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("dpkg's database is empty here")
    assert check_system_packages(["dpkg", "no-such-package-here"]).missing == (
        "no-such-package-here",
    )


# ------------------------------------------------------------------------------ imports


@pytest.mark.parametrize(
    ("module", "dependencies", "told"),
    [
        ("cv2", [], "`opencv-python-headless` is not in `dependencies` either"),
        ("cv2", ["opencv-python>=4"], "`opencv-python>=4` is in `dependencies` but not installed"),
        ("no_such_here.x", ["No.Such-Here"], "is in `dependencies` but not installed"),
        ("google.cloud.storage", [], "`google-cloud-storage` is not in `dependencies`"),
        ("numpy.nothing", ["numpy"], f"version {re.escape(NUMPY)} is installed, but it has no"),
    ],
)
def test_a_missing_module_is_told_in_the_manifests_terms(module, dependencies, told) -> None:
    if module == "cv2" and states("opencv-python") != ["missing"]:
        pytest.skip("OpenCV is installed here")
    assert re.search(told, explain_missing_module(module, dependencies))


def test_an_import_that_fails_names_the_command(tmp_path) -> None:
    files = manifest_of(dependencies=["no-such-here>=1", "nor-this"]).files
    source = ExtractorSource("needy", (*files, ("pipeline.py", "import no_such_here\n")))
    with pytest.raises(ExtractorLoadError) as error:
        load_module(source, "pipeline", tmp_path)
    assert "`no-such-here>=1` is in `dependencies` but not installed" in str(error.value)
    assert 'pip install "no-such-here>=1" nor-this' in str(error.value)


def test_an_import_that_fails_in_the_processor_is_explained(kernel_lab: Lab, tmp_path) -> None:
    load_probe(kernel_lab, tmp_path, "import no_such_here", "return batch")
    kernel_lab.bucket("b", ["one", "two"])
    report = kernel_lab.process("b", "probe", engine="kernel")
    notes = kernel_lab.preview("probe", ["one"]).notes
    for told in (report.notes, notes):
        assert sum("`no-such-here` is not in `dependencies` either" in note for note in told) == 1


def test_an_own_module_is_not_looked_for_among_packages(kernel_lab: Lab, tmp_path) -> None:
    load_probe(kernel_lab, tmp_path, "import processors.core", "return batch")
    report = kernel_lab.preview("probe", ["one"])
    assert report.failures[0].kind == "ModuleNotFoundError"
    assert not [note for note in report.notes if "pip install" in note]


def test_every_new_rule_is_in_the_table() -> None:
    assert {"DEP001", "DEP002", "DEP003", "DEP004", "DEP005"} <= set(RULES)
    assert {"SYS001", "SYS002", "SYS003", "IMG001", "IMG002", "IMG003"} <= set(RULES)


def test_nothing_here_reaches_the_network(monkeypatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setitem(os.environ, "PIP_INDEX_URL", "https://example.invalid")
    assert states("no-such-here") == ["missing"]
    assert explain_missing_module("no_such_here", [])
