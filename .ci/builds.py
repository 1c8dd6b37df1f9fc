"""Which builds fit a machine, and what pip's configuration means to uv."""

from __future__ import annotations

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

# ---------------------------------------------------------------- what there is


@dataclass(frozen=True)
class Machine:
    """The facts that decide which builds fit."""

    system: str
    """`Linux` or `Darwin`."""
    arch: str
    """`x86_64`, `aarch64`, `arm64`."""
    python: str
    """The interpreter's wheel tag: `cp311`."""
    has_gpu: bool
    """Whether an NVIDIA GPU with a driver is there."""


def this_machine(device: str | None = None) -> Machine:
    """The machine we run on; `device` overrides what is found."""
    found = has_nvidia_gpu() if device is None else device == "gpu"
    tag = "cp{}{}".format(*sys.version_info)
    return Machine(platform.system(), platform.machine(), tag, found)


def has_nvidia_gpu() -> bool:
    """Whether the driver is loaded; asks `nvidia-smi` where the usual files do not exist."""
    if any(map(os.path.exists, ("/proc/driver/nvidia/version", "/dev/nvidia0"))):
        return True
    tool = shutil.which("nvidia-smi")
    return (
        tool is not None and not subprocess.run([tool], capture_output=True, check=False).returncode
    )


def parse_pip_config(text: str) -> dict[str, str]:
    """`pip config list` as option → value; the environment wins over `install`, over `global`."""
    order = {"global": 0, "install": 1, ":env:": 2}
    found: dict[str, tuple[int, str]] = {}
    for line in text.splitlines():
        match = re.match(r"(global|install|:env:)\.([\w-]+)=(.*)", line)
        if match and order[match[1]] >= found.get(match[2], (0, ""))[0]:
            found[match[2]] = (order[match[1]], _unquoted(match[3]))
    return {option: value for option, (_, value) in found.items()}


def _unquoted(text: str) -> str:
    return str(ast.literal_eval(text)) if text[:1] in "'\"" else text


def local_path(location: str) -> Path | None:
    """The folder or file that a find-links entry or an index names; None for a remote one."""
    parts = urlsplit(location)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return None if parts.scheme else Path(location).expanduser()


def usable(locations: Iterable[str]) -> list[str]:
    """The locations without local ones that do not exist, each once."""
    return [
        location
        for location in dict.fromkeys(locations)
        if (path := local_path(location)) is None or path.exists()
    ]


# ---------------------------------------------------------------- what to install


@dataclass(frozen=True)
class Choice:
    """Which builds to install, and why."""

    extra: str
    """`cpu` or `gpu`: which faiss."""
    torch: str
    """The requirement that torch must meet, `torch==2.13.0+cpu`; empty: as the lock says."""
    options: tuple[str, ...] = ()
    """For `uv pip install`."""
    why: str = field(default="", compare=False)


def choose_builds(
    machine: Machine, wheels: Sequence[str], pinned: str, backend: str = ""
) -> Choice:
    """The builds for `machine`. Pure: everything it depends on is given.

    `wheels` are the file names in the folders of pip's find-links, `pinned` the version of torch
    in the lock, `backend` the user's own UV_TORCH_BACKEND.
    """
    # faiss-gpu comes for x86-64 only.
    extra = (
        "gpu"
        if machine.has_gpu and (machine.system, machine.arch) == ("Linux", "x86_64")
        else "cpu"
    )
    fitting = [version for name in wheels if (version := fitting_torch(name, machine))]
    if fitting:
        best = max(fitting, key=lambda v: (v.split("+")[0] == pinned, _numbers(v)))
        return Choice(extra, f"torch=={best}", (), f"torch {best} from pip's find-links")
    if machine.system != "Linux":
        return Choice(extra, "", (), f"torch {pinned} from the index")
    if backend:
        return Choice(extra, "", (), f"torch {pinned}, UV_TORCH_BACKEND={backend}")
    backend = "auto" if machine.has_gpu else "cpu"
    why = "CUDA build, NVIDIA GPU found" if machine.has_gpu else "CPU build, no NVIDIA GPU found"
    return Choice(extra, "", (f"--torch-backend={backend}",), f"torch {pinned}, {why}")


_TORCH = re.compile(r"torch-(?P<version>[^-]+)-(?P<python>[^-]+)-[^-]+-(?P<platform>[^-]+)\.whl")


def fitting_torch(name: str, machine: Machine) -> str | None:
    """The version of torch in the wheel file `name`; None if it is not one for `machine`."""
    match = _TORCH.fullmatch(unquote(name))
    if not match or match["python"] != machine.python:
        return None
    start = "macosx" if machine.system == "Darwin" else ("manylinux", "linux")
    if not any(
        tag.startswith(start) and tag.endswith((machine.arch, "universal2"))
        for tag in match["platform"].split(".")
    ):
        return None
    return match["version"] if _fits_device(match["version"], machine) else None


def _fits_device(version: str, machine: Machine) -> bool:
    """Whether the build is for the machine's device: `+cpu`, `+cu130`; none says nothing."""
    label = version.partition("+")[2]
    if machine.has_gpu:
        return label.startswith("cu")
    return label == "cpu" or (not label and (machine.system, machine.arch) != ("Linux", "x86_64"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))


def pinned_torch(constraints: str) -> str:
    """The version of torch in the lock."""
    match = re.search(r"^torch==(\S+)", constraints, re.MULTILINE)
    if not match:
        raise ValueError("the constraints have no line for torch")
    return match[1]


def with_torch(constraints: str, requirement: str) -> str:
    """The lock with its line for torch replaced by `requirement`, if there is one."""
    return re.sub(r"^torch==\S+", requirement or r"\g<0>", constraints, flags=re.MULTILINE)


def uv_environment(pip: Mapping[str, str], environ: Mapping[str, str]) -> dict[str, str]:
    """What pip is configured to use, in uv's words; the user's own UV_ variables win."""
    extra = usable(pip.get("extra-index-url", "").split())
    found = {
        "UV_INDEX_URL": pip.get("index-url", ""),
        "UV_EXTRA_INDEX_URL": " ".join(extra),
        # pip takes the best version of all indexes, and its user configured them for that.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if extra else "",
        "UV_FIND_LINKS": ",".join(usable(pip.get("find-links", "").split())),
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": pip.get("default-timeout", pip.get("timeout", "")),
        "SSL_CERT_FILE": pip.get("cert", ""),
        "ALL_PROXY": pip.get("proxy", ""),
        "UV_COMPILE_BYTECODE": "1",
    }
    return {name: value for name, value in found.items() if value and name not in environ}


def superfluous_faiss(installed: Iterable[str], extra: str) -> list[str]:
    """The faiss distributions to remove before `faiss-{extra}` goes in: they share one folder."""
    present = sorted(name for name in installed if name.startswith("faiss-"))
    return present if set(present) - {f"faiss-{extra}"} else []


def is_other_torch(installed: str, choice: Choice) -> bool:
    """Whether the installed version of torch is a build for the other device.

    uv keeps an installed `2.13.0+cpu` where `2.13.0` is asked for, whichever build is meant.
    """
    if not installed or not choice.options:
        return False
    return installed.endswith("+cpu") == ("--torch-backend=auto" in choice.options)
