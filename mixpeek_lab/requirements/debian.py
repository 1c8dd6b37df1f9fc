"""Which Debian packages this machine has. Asks dpkg, once for each state of its database."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mixpeek_lab.manifests.system_packages import package_name

QUERY = "dpkg-query"
_FORMAT = "${db:Status-Status}\\t${Package}\\t${Provides}\\n"
_STATUS = Path("/var/lib/dpkg/status")
_PATIENCE = 10
"""Seconds for dpkg-query: it takes a fraction of one."""


@dataclass(frozen=True, slots=True)
class SystemPackages:
    """What is known of a manifest's system packages here."""

    missing: tuple[str, ...] = ()
    """As written in the manifest."""
    is_checked: bool = True
    """False where there is no dpkg to ask."""

    @property
    def command(self) -> str:
        """The one line that installs what is missing."""
        sudo = "" if os.geteuid() == 0 else "sudo "
        return f"{sudo}apt-get update && {sudo}apt-get install -y {' '.join(self.missing)}"


def check_system_packages(packages: Iterable[str]) -> SystemPackages:
    """Which of the packages are missing. A program of that name on the PATH counts as present."""
    named = [(text, name) for text in packages if (name := package_name(text))]
    wanted = [text for text, name in named if shutil.which(name) is None]
    if not wanted:
        return SystemPackages()
    if shutil.which(QUERY) is None:
        return SystemPackages(is_checked=False)
    installed = _installed(_STATUS.stat().st_mtime_ns if _STATUS.exists() else 0)
    if installed is None:
        return SystemPackages(is_checked=False)
    missing = dict.fromkeys(text for text in wanted if package_name(text) not in installed)
    return SystemPackages(tuple(missing))


@lru_cache(maxsize=1)
def _installed(_changed: int) -> frozenset[str] | None:
    """Every package that is installed, and what they stand in for; None where dpkg fails.

    `libmagic1t64` provides `libmagic1`: names changed when Debian's clocks got 64 bits.
    """
    try:
        done = subprocess.run(
            [QUERY, "--show", f"--showformat={_FORMAT}"],
            capture_output=True, text=True, check=True, timeout=_PATIENCE,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None
    found: set[str] = set()
    for line in done.stdout.splitlines():
        state, _, rest = line.partition("\t")
        package, _, provides = rest.partition("\t")
        if state == "installed":
            found.add(package)
            found.update(each.split("(")[0].strip() for each in provides.split(","))
    return frozenset(found - {""})
