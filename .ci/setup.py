"""Set up `.venv` for Mixpeek Lab: `python3 .ci/setup.py [--browser] [--device cpu|gpu]`.

Runs on the standard library alone. It makes the virtual environment, brings uv into it, and lets
uv install the project in editable mode under `constraints.txt`, with the build of torch that fits
the machine. What pip is configured to use (find-links, indexes, certificates, proxy) is handed to
uv, which does not read pip's configuration. Run it again at any time: a finished set-up is left
alone in a fraction of a second, and an interrupted one is repaired. With `--here` it installs into
the environment of this Python instead, without what only tests and checks need, as an image wants.
"""

# No `from __future__ import annotations`: an older Python must get as far as this message.
import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the one place that an older Python does reach
    sys.exit(
        "Mixpeek Lab needs Python 3.11 or newer; "
        + sys.executable
        + " is {}.{}.\n".format(*sys.version_info)
        + "Install one and name it: make setup PYTHON=python3.12"
    )

import argparse
import hashlib
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import builds

ROOT = Path(__file__).resolve().parent.parent
CI = ROOT / ".ci"
HERE = "--here" in sys.argv[1:]
VENV = Path(sys.prefix) if HERE else ROOT / ".venv"
PYTHON = Path(sys.executable) if HERE else VENV / "bin" / "python"
EXTRAS = "models,tutorials" if HERE else "models,tutorials,llm,dev"
STAMP = VENV / "setup.stamp"
UNFINISHED = VENV / "setup.unfinished"
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MAC_BROWSER = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
TOOLS = {
    "ffmpeg": ("ffmpeg",),
    "imagemagick": ("magick", "identify"),
    "sox": ("sox",),
    "libimage-exiftool-perl": ("exiftool",),
    "mediainfo": ("mediainfo",),
}
"""Debian package → the commands of which one shows that it is there."""
LEAN = ("-y", "-qq", "--no-install-recommends")
STEPS = 4
_TORCH_HINT = """
The builds of torch come from PyTorch's own index. Where it cannot be reached, put a wheel of torch
for this Python into a folder and name the folder: PIP_FIND_LINKS=folder make setup"""


class SetupError(Exception):
    """Set-up cannot go on; the message says what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Set up what is not set up; the exit status."""
    parser = argparse.ArgumentParser(prog="setup.py", description="Set up .venv for Mixpeek Lab.")
    parser.add_argument(
        "--browser", action="store_true", help="what else tests use: Chromium, FFmpeg …"
    )
    parser.add_argument("--here", action="store_true", help="into the environment of this Python")
    parser.add_argument("--device", choices=["cpu", "gpu"], help="instead of what is found")
    options = parser.parse_args(arguments)
    try:
        set_up(builds.this_machine(options.device))
        if options.browser:
            provide_browser()
            provide_tools()
    except SetupError as error:
        print(f"Set-up stopped: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Set-up interrupted. Run it again: it goes on from here.", file=sys.stderr)
        return 130
    return 0


def set_up(machine: builds.Machine) -> None:
    """Bring `.venv` to what pyproject.toml, the constraints and the machine ask for."""
    stamp = fingerprint(machine)
    if PYTHON.exists() and STAMP.exists() and STAMP.read_text() == stamp:
        print(f"Set-up is complete: {VENV.name} has what pyproject.toml and the lock ask for.")
        return
    check_platform(machine)
    STAMP.unlink(missing_ok=True)
    start = time.monotonic()
    with step(1, f"Environment {VENV.name} with Python {platform.python_version()}"):
        if not HERE:
            make_venv()
    with step(2, "uv, which installs the rest"):
        run("pip", [PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "uv"])
    pip = pip_configuration()
    choice = choose(machine, pip)
    with step(3, f"faiss-{choice.extra}; {choice.why}"):
        remove_other_faiss(choice)
    with step(4, "The project and what it needs (about 230 packages)"):
        install(choice, pip)
    STAMP.write_text(stamp)
    print(f"Set-up is complete, {time.monotonic() - start:.0f} s.")


def fingerprint(machine: builds.Machine) -> str:
    """Changes with everything that should make set-up run again."""
    digest = hashlib.sha256(f"{sys.version}\n{ROOT}\n{machine}".encode())
    sidebar = ROOT / "labextension" / "prebuilt" / "sources.sha256"  # installed with the project
    files = (ROOT / "pyproject.toml", *sorted(CI.glob("*.py")), CI / "constraints.txt", sidebar)
    for path in filter(Path.exists, files):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def check_platform(machine: builds.Machine) -> None:
    """Refuse early where no build of torch exists."""
    if machine.system not in ("Linux", "Darwin"):
        raise SetupError(f"{machine.system} is not supported; on Windows use WSL.")
    if (machine.system, machine.arch) == ("Darwin", "x86_64"):
        raise SetupError("torch has no builds for Intel Macs (or for a Python under Rosetta).")


# ---------------------------------------------------------------- steps


def make_venv() -> None:
    """Make `.venv`, or keep it if it works and has this Python's version."""
    probe = "import pip, sys; sys.exit(sys.version != sys.argv[1])"
    if PYTHON.exists() and not _status([PYTHON, "-c", probe, sys.version]):
        return
    if not all(map(importlib.util.find_spec, ("venv", "ensurepip"))):
        version = "{}.{}".format(*sys.version_info)
        raise SetupError(
            f"{sys.executable} cannot make virtual environments: its module ensurepip is missing. "
            f"On Debian and Ubuntu: apt-get install python{version}-venv"
        )
    run("venv", [sys.executable, "-m", "venv", "--clear", VENV])


def pip_configuration() -> dict[str, str]:
    """What pip is configured to use on this machine, its environment variables included."""
    done = subprocess.run(
        [PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SetupError(f"pip config list failed: {done.stderr.strip()}")
    return builds.parse_pip_config(done.stdout)


def choose(machine: builds.Machine, pip: Mapping[str, str]) -> builds.Choice:
    """The builds that fit, from what lies in the folders of pip's find-links."""
    folders = map(builds.local_path, pip.get("find-links", "").split())
    wheels = [path.name for folder in folders if folder for path in folder.glob("torch-*.whl")]
    pinned = builds.pinned_torch((CI / "constraints.txt").read_text())
    return builds.choose_builds(machine, wheels, pinned, os.environ.get("UV_TORCH_BACKEND", ""))


def installed() -> dict[str, str]:
    """Distribution → version in `.venv`."""
    names = [path.name for path in VENV.glob("lib/python3*/site-packages/*.dist-info")]
    pairs = [name.removesuffix(".dist-info").rpartition("-")[::2] for name in names]
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def remove_other_faiss(choice: builds.Choice) -> None:
    """faiss-cpu and faiss-gpu own the same folder: never both."""
    superfluous = builds.superfluous_faiss(installed(), choice.extra)
    if superfluous:
        print(f"      removing {', '.join(superfluous)}: only faiss-{choice.extra} may be there")
        run("uv", [VENV / "bin" / "uv", "pip", "uninstall", "--python", PYTHON, *superfluous])


def install(choice: builds.Choice, pip: Mapping[str, str]) -> None:
    """Install the project; everything anew after an installation that did not come to its end."""
    constraints = VENV / "constraints.txt"
    lock = (CI / "constraints.txt").read_text()
    constraints.write_text(builds.with_torch(lock, choice.torch))
    options: list[str | Path] = [*choice.options, "--constraints", constraints]
    if UNFINISHED.exists():
        options.append("--reinstall")
    elif builds.is_other_torch(installed().get("torch", ""), choice):
        options.append("--reinstall-package=torch")
    UNFINISHED.touch()
    target = f"{ROOT}[{choice.extra},{EXTRAS}]"
    command = [VENV / "bin" / "uv", "pip", "install", "--python", PYTHON, *options, "-e", target]
    try:
        run("uv", command, builds.uv_environment(pip, os.environ))
    except SetupError as error:
        raise SetupError(f"{error}{_TORCH_HINT if choice.options else ''}") from error
    UNFINISHED.unlink()


def provide_browser() -> None:
    """Chromium for the browser tests, where it is missing and may be installed."""
    if any(map(shutil.which, BROWSERS)) or MAC_BROWSER.exists():
        return
    if not shutil.which("apt-get"):
        print("No Chromium: the browser tests will skip. Install Chromium or Google Chrome.")
    elif os.geteuid() != 0:
        print("No Chromium: the browser tests will skip. For them: sudo apt-get install chromium")
    else:
        print("Chromium for the browser tests, with apt-get …", flush=True)
        apt_get("update", "-qq")
        apt_get("install", *LEAN, "chromium")


def provide_tools() -> None:
    """The command-line tools of `run_tool`, where they are missing and may be installed.

    Optional: a tool that cannot be had is told, and its tests skip.
    """
    missing = [package for package, names in TOOLS.items() if not any(map(shutil.which, names))]
    if not missing:
        return
    skip = f"Not installed, so that the tests of run_tool with them skip: {' '.join(missing)}."
    if not shutil.which("apt-get"):
        print(f"{skip} Install them with this system's package manager.")
    elif os.geteuid() != 0:
        print(f"{skip} For them: sudo apt-get install {' '.join(missing)}")
    else:
        print("Command-line tools for the tests of run_tool, with apt-get …", flush=True)
        _each(("update", "-qq"), *(("install", *LEAN, name) for name in missing))


def _each(*commands: Sequence[str]) -> None:
    for command in commands:
        try:
            apt_get(*command)
        except SetupError as error:
            print(f"apt-get {' '.join(command)} failed; the tests that need it skip. {error}")


def apt_get(*arguments: str) -> None:
    """Run apt-get without questions. Raises SetupError where it fails."""
    run("apt-get", ["apt-get", *arguments], {"DEBIAN_FRONTEND": "noninteractive"})


# ---------------------------------------------------------------- running and reporting


@contextmanager
def step(number: int, text: str) -> Iterator[None]:
    """Say what begins, and how long it took."""
    print(f"[{number}/{STEPS}] {text} …", flush=True)
    start = time.monotonic()
    yield
    print(f"[{number}/{STEPS}] done, {time.monotonic() - start:.0f} s", flush=True)


def run(name: str, command: Sequence[str | Path], environment: Mapping[str, str] = {}) -> None:
    """Run a command to its end; its progress is shown, its list of 230 packages is not.

    On a terminal it draws its own bars. Raises SetupError where it fails.
    """
    environ = {**os.environ, **environment}
    if sys.stderr.isatty():
        status = subprocess.run(command, env=environ, check=False).returncode
    else:
        with subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as process:
            for line in process.stdout or ():
                if not line.startswith((" + ", " - ", " ~ ")):
                    print(f"      {line.rstrip()}", flush=True)
        status = process.returncode
    if status:
        raise SetupError(
            f"{name} ended with status {status}; its reason stands above. "
            "Put that right and run it again."
        )


def _status(command: Sequence[str | Path]) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
