"""Set-up: the choice of builds, what pip's configuration becomes, and the script's behaviour."""

from __future__ import annotations

import importlib.util
import os
import shutil
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def _module(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


builds = _module("builds")
setup = _module("setup")
LOCK = (ROOT / ".ci" / "constraints.txt").read_text()


def machine(system="Linux", arch="x86_64", python="cp311", gpu=False):
    return builds.Machine(system, arch, python, gpu)


CPU = "torch-2.13.0+cpu-cp311-cp311-manylinux_2_28_x86_64.whl"
CUDA = "torch-2.13.0+cu130-cp311-cp311-manylinux_2_28_x86_64.whl"
PLAIN = "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl"


# ---------------------------------------------------------------- which builds


@pytest.mark.parametrize(
    ("of", "wheels", "extra", "torch", "options"),
    [
        (machine(), [], "cpu", "", ("--torch-backend=cpu",)),
        (machine(gpu=True), [], "gpu", "", ("--torch-backend=auto",)),
        (machine(arch="aarch64"), [], "cpu", "", ("--torch-backend=cpu",)),
        # faiss-gpu has no wheels for ARM; torch has.
        (machine(arch="aarch64", gpu=True), [], "cpu", "", ("--torch-backend=auto",)),
        (machine("Darwin", "arm64"), [], "cpu", "", ()),
        (machine(), [CPU], "cpu", "torch==2.13.0+cpu", ()),
        (machine(gpu=True), [CPU], "gpu", "", ("--torch-backend=auto",)),
        (machine(gpu=True), [CPU, CUDA], "gpu", "torch==2.13.0+cu130", ()),
        (machine(), [CUDA], "cpu", "", ("--torch-backend=cpu",)),
        # On x86-64 Linux a wheel without a label is the CUDA build of the index.
        (machine(), [PLAIN], "cpu", "", ("--torch-backend=cpu",)),
        (machine(python="cp312"), [CPU], "cpu", "", ("--torch-backend=cpu",)),
        (machine(arch="aarch64"), [CPU], "cpu", "", ("--torch-backend=cpu",)),
    ],
)
def test_builds_follow_the_machine_and_the_wheels_it_has(of, wheels, extra, torch, options):
    choice = builds.choose_builds(of, wheels, "2.13.0")
    assert (choice.extra, choice.torch, choice.options) == (extra, torch, options)


def test_of_several_wheels_the_pinned_version_wins_and_then_the_newest():
    wheels = [CPU.replace("2.13.0", version) for version in ("2.9.1", "2.13.0", "2.14.1")]
    assert builds.choose_builds(machine(), wheels, "2.13.0").torch == "torch==2.13.0+cpu"
    assert builds.choose_builds(machine(), wheels, "2.12.0").torch == "torch==2.14.1+cpu"


def test_the_users_own_torch_backend_is_left_alone():
    assert builds.choose_builds(machine(), [], "2.13.0", "cu128").options == ()


@pytest.mark.parametrize(
    ("name", "version"),
    [
        (CPU, "2.13.0+cpu"),
        (CPU.replace("+", "%2B"), "2.13.0+cpu"),
        (CPU.replace("manylinux_2_28", "linux"), "2.13.0+cpu"),
        (CPU.replace("x86_64", "aarch64"), None),
        (CPU.replace("manylinux_2_28_x86_64", "win_amd64"), None),
        (CPU.replace("torch-", "torchvision-"), None),
        (CPU.replace(".whl", ".whl.metadata"), None),
    ],
)
def test_a_wheel_fits_by_its_name(name, version):
    assert builds.fitting_torch(name, machine()) == version


def test_a_mac_takes_the_wheel_without_a_label():
    name = "torch-2.13.0-cp313-none-macosx_14_0_arm64.whl"
    assert builds.fitting_torch(name, machine("Darwin", "arm64", "cp313")) == "2.13.0"


def test_installed_torch_of_the_other_device_is_replaced():
    cpu = builds.choose_builds(machine(), [], "2.13.0")
    gpu = builds.choose_builds(machine(gpu=True), [], "2.13.0")
    assert builds.is_other_torch("2.13.0+cpu", gpu)
    assert builds.is_other_torch("2.13.0", cpu)
    assert not builds.is_other_torch("2.13.0+cpu", cpu)
    assert not builds.is_other_torch("2.13.0+cu130", gpu)
    assert not builds.is_other_torch("", gpu)


@pytest.mark.parametrize(
    ("installed", "extra", "removed"),
    [
        ([], "cpu", []),
        (["faiss-cpu", "numpy"], "cpu", []),
        (["faiss-gpu"], "gpu", []),
        (["faiss-gpu"], "cpu", ["faiss-gpu"]),
        (["faiss-gpu-cuvs"], "gpu", ["faiss-gpu-cuvs"]),
        # They share one folder: what the wrong one overwrote must be installed again.
        (["faiss-cpu", "faiss-gpu"], "gpu", ["faiss-cpu", "faiss-gpu"]),
    ],
)
def test_never_two_builds_of_faiss(installed, extra, removed):
    assert builds.superfluous_faiss(installed, extra) == removed


# ---------------------------------------------------------------- pip's configuration


def test_pip_configuration_is_read_with_pips_precedence():
    text = (
        ":env:.find-links='/from/environment'\n"
        "global.find-links='/from/file'\n"
        "global.extra-index-url='\\nhttps://a.example/simple\\nhttps://b.example/simple'\n"
        "install.timeout='60'\n"
        "global.timeout='30'\n"
        "freeze.timeout='10'\n"
    )
    assert builds.parse_pip_config(text) == {
        "find-links": "/from/environment",
        "extra-index-url": "\nhttps://a.example/simple\nhttps://b.example/simple",
        "timeout": "60",
    }


def test_this_machines_pip_configuration_can_be_read():
    done = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        env={**os.environ, "PIP_FIND_LINKS": "/a /b", "PIP_TRUSTED_HOST": "it's.example"},
        capture_output=True,
        text=True,
        check=True,
    )
    found = builds.parse_pip_config(done.stdout)
    assert (found["find-links"], found["trusted-host"]) == ("/a /b", "it's.example")


def test_pips_configuration_is_handed_to_uv(tmp_path):
    here, gone = tmp_path / "here", tmp_path / "gone"
    here.mkdir()
    found = builds.uv_environment(
        {
            "index-url": "https://mirror.example/simple",
            "extra-index-url": f"file://{here} file://{gone} https://more.example/simple",
            "find-links": f"{here} {gone} {here}",
            "cert": "/certificates.pem",
            "trusted-host": "a.example b.example",
            "default-timeout": "180",
            "proxy": "http://proxy.example:3128",
        },
        {},
    )
    assert found == {
        "UV_INDEX_URL": "https://mirror.example/simple",
        "UV_EXTRA_INDEX_URL": f"file://{here} https://more.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": str(here),
        "UV_INSECURE_HOST": "a.example b.example",
        "UV_HTTP_TIMEOUT": "180",
        "SSL_CERT_FILE": "/certificates.pem",
        "ALL_PROXY": "http://proxy.example:3128",
        "UV_COMPILE_BYTECODE": "1",
    }


def test_without_configuration_uv_gets_its_defaults_and_what_the_user_set_stays():
    assert builds.uv_environment({}, {}) == {"UV_COMPILE_BYTECODE": "1"}
    own = {"UV_INDEX_URL": "https://mine.example", "SSL_CERT_FILE": "/mine"}
    pip = {"index-url": "https://pips.example", "cert": "/pips"}
    assert builds.uv_environment(pip, own) == {"UV_COMPILE_BYTECODE": "1"}


def test_local_locations_are_told_from_remote_ones():
    assert builds.local_path("https://a.example/simple") is None
    assert builds.local_path("file:///a%20b/simple") == Path("/a b/simple")
    assert builds.local_path("/wheels") == Path("/wheels")
    assert builds.local_path("~/wheels") == Path.home() / "wheels"


# ---------------------------------------------------------------- the lock


def test_the_lock_pins_every_version_once_and_names_no_build():
    lines = [line for line in LOCK.splitlines() if not line.startswith("#")]
    assert all("==" in line and "+" not in line and "@" not in line for line in lines)
    names = [line.partition("==")[0] for line in lines if ";" not in line]
    assert len(set(names)) == len(names)
    assert not {"uv", "pip", "mixpeek-lab"} & set(names)
    assert not [name for name in names if name.startswith("nvidia-")]
    assert {"torch", "faiss-cpu", "faiss-gpu", "ray", "pandas"} <= set(names)


def test_the_lock_takes_the_chosen_torch_and_nothing_else_changes():
    pinned = builds.pinned_torch(LOCK)
    changed = builds.with_torch(LOCK, "torch==9.9.9+cpu")
    assert "\ntorch==9.9.9+cpu\n" in changed
    assert changed.replace("torch==9.9.9+cpu", f"torch=={pinned}") == LOCK
    assert builds.with_torch(LOCK, "") == LOCK


# ---------------------------------------------------------------- the script


@pytest.fixture
def clone(tmp_path):
    """A checkout without a `.venv`, as the script sees one."""
    shutil.copytree(ROOT / ".ci", tmp_path / ".ci", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def _run(clone, *arguments, **environment):
    return subprocess.run(
        [sys.executable, clone / ".ci" / "setup.py", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def _finished(clone, monkeypatch, device):
    """A `.venv` that a finished set-up left, but for its packages."""
    python = clone / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    monkeypatch.setattr(setup, "ROOT", clone)
    monkeypatch.setattr(setup, "CI", clone / ".ci")
    stamp = setup.fingerprint(builds.this_machine(device))
    (clone / ".venv" / "setup.stamp").write_text(stamp)


def test_a_finished_set_up_is_left_alone_at_once(clone, monkeypatch):
    _finished(clone, monkeypatch, "cpu")
    start = time.monotonic()
    done = _run(clone, "--device", "cpu")
    assert time.monotonic() - start < 1
    assert done.returncode == 0
    assert "Set-up is complete" in done.stdout
    assert "[1/" not in done.stdout


@pytest.mark.parametrize("changed", ["pyproject.toml", ".ci/constraints.txt", ".ci/setup.py"])
def test_a_changed_file_makes_it_run_again(clone, monkeypatch, changed):
    monkeypatch.setattr(setup, "ROOT", clone)
    monkeypatch.setattr(setup, "CI", clone / ".ci")
    before = setup.fingerprint(machine())
    assert setup.fingerprint(machine()) == before
    assert setup.fingerprint(machine(gpu=True)) != before
    with (clone / changed).open("a") as file:
        file.write("\n# changed\n")
    assert setup.fingerprint(machine()) != before


def test_a_failure_is_told_with_its_reason_and_leaves_no_finished_set_up(clone):
    broken = clone / ".venv" / "bin" / "python"  # what a kill in the middle may leave
    broken.parent.mkdir(parents=True)
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
    done = _run(clone, PIP_NO_INDEX="1", PIP_FIND_LINKS="", PIP_CONFIG_FILE=os.devnull)
    assert done.returncode == 1
    assert "[1/4] done" in done.stdout, "the broken environment is made anew"
    assert "No matching distribution found for uv" in done.stdout
    assert "Set-up stopped: pip ended with status 1" in done.stderr
    assert not (clone / ".venv" / "setup.stamp").exists()


def test_a_python_without_ensurepip_is_told_what_to_install(clone, monkeypatch):
    monkeypatch.setattr(setup, "PYTHON", clone / ".venv" / "bin" / "python")
    monkeypatch.setattr(setup.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(setup.SetupError, match=r"apt-get install python3\.\d+-venv"):
        setup.make_venv()


def test_platforms_without_torch_are_refused_early():
    with pytest.raises(setup.SetupError, match="Intel Macs"):
        setup.check_platform(machine("Darwin", "x86_64"))
    with pytest.raises(setup.SetupError, match="WSL"):
        setup.check_platform(machine("Windows", "AMD64"))
    setup.check_platform(machine())


def test_an_old_python_gets_one_clear_message(clone):
    script = clone / ".ci" / "setup.py"
    text = script.read_text().replace("version_info < (3, 11)", "version_info < (9, 9)")
    script.write_text(text)
    done = _run(clone)
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert len(done.stderr.splitlines()) == 2
    compile(text, "setup.py", "exec", flags=0x400, _feature_version=6)  # parses on Python 3.6


@pytest.mark.parametrize(
    ("tools", "root", "expected"),
    [
        (["chromium", "apt-get"], True, ""),
        ([], True, "Install Chromium or Google Chrome"),
        (["apt-get"], False, "sudo apt-get install chromium"),
    ],
)
def test_chromium_is_not_installed_where_that_is_not_needed_or_not_allowed(
    tmp_path, monkeypatch, capfd, tools, root, expected
):
    for tool in tools:
        (tmp_path / tool).write_text("#!/bin/sh\necho ran $0 $*\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(setup.os, "geteuid", lambda: 0 if root else 1000)
    monkeypatch.setattr(setup, "MAC_BROWSER", tmp_path / "none")
    setup.provide_browser()
    output = capfd.readouterr().out
    assert expected in output
    assert "ran" not in output


def test_root_on_debian_gets_chromium(tmp_path, monkeypatch, capfd):
    (tmp_path / "apt-get").write_text("#!/bin/sh\necho ran $*\n")
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(setup, "BROWSERS", ())
    monkeypatch.setattr(setup, "MAC_BROWSER", tmp_path / "none")
    monkeypatch.setattr(setup.os, "geteuid", lambda: 0)
    setup.provide_browser()
    output = capfd.readouterr().out
    assert "ran update -qq" in output
    assert "ran install -y -qq --no-install-recommends chromium" in output


@pytest.mark.parametrize(
    ("tools", "root", "expected", "absent"),
    [
        (["ffmpeg", "identify", "sox", "exiftool", "mediainfo", "apt-get"], True, "", "ran"),
        (["magick", "sox"], True, "skip: ffmpeg libimage-exiftool-perl mediainfo.", "imagemagick"),
        (["sox", "apt-get"], False, "sudo apt-get install ffmpeg imagemagick libim", "ran"),
    ],
)
def test_tools_are_not_installed_where_that_is_not_needed_or_not_allowed(
    tmp_path, monkeypatch, capfd, tools, root, expected, absent
):
    for tool in tools:
        (tmp_path / tool).write_text("#!/bin/sh\necho ran $0 $*\n")
        (tmp_path / tool).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(setup.os, "geteuid", lambda: 0 if root else 1000)
    setup.provide_tools()
    output = capfd.readouterr().out
    assert expected in output
    assert absent not in output


def test_a_tool_that_cannot_be_installed_is_told_and_stops_nothing(tmp_path, monkeypatch, capfd):
    apt_get = '#!/bin/sh\ncase "$*" in *sox) exit 100;; esac\necho "ran $*"\n'
    (tmp_path / "apt-get").write_text(apt_get)
    (tmp_path / "apt-get").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(setup.os, "geteuid", lambda: 0)
    setup.provide_tools()
    output = capfd.readouterr().out
    assert "ran update -qq" in output
    assert "no-install-recommends sox failed; the tests that need it skip" in output
    for package in ("ffmpeg", "imagemagick", "libimage-exiftool-perl", "mediainfo"):
        assert f"ran install -y -qq --no-install-recommends {package}\n" in output


def test_the_makefile_propagates_failures(tmp_path):
    make = shutil.which("make")
    if not make:
        pytest.skip("make is not installed")
    done = subprocess.run(
        [make, "setup", "PYTHON=false"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    shown = subprocess.run([make], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for target in ("setup", "demo", "test", "lab", "check", "bench", "clean"):
        assert f"make {target}" in shown
