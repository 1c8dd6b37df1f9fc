"""The JupyterLab extension's own tools: `python .ci/labextension.py check|test|build`.

`labextension/prebuilt` is committed, so that a set-up needs no Node.js and takes no longer for it.
Who changes the TypeScript needs Node.js: `build` makes it anew, `check` holds types, style, and
that what is committed was made of the sources; `test` runs Jest. Where Node.js or the npm registry
is not at hand, `check` and `test` say so and leave the rest out; that the sources and the committed
build belong together is checked without either.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXTENSION = ROOT / "labextension"
MODULES = EXTENSION / "node_modules"
STAMP = MODULES / ".mixpeek-lab.stamp"
BUILT = EXTENSION / "prebuilt"
DIGEST = BUILT / "sources.sha256"
OLDEST_NODE = (20, 19)
SOURCES = ("package.json", "package-lock.json", "tsconfig.json", "src", "style", "schema")
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT", "E403")
"""npm's words for a registry that is out of reach."""


class LeftOutError(Exception):
    """Something is not at hand; the message says what."""


def main(arguments: Sequence[str]) -> int:
    """Do what is asked; the exit status."""
    commands = {"check": check, "test": test, "build": build}
    if len(arguments) != 1 or arguments[0] not in commands:
        print("usage: labextension.py check|test|build", file=sys.stderr)
        return 2
    try:
        return commands[arguments[0]]()
    except LeftOutError as reason:
        print(f"labextension: {arguments[0]} left out: {reason}")
        return 1 if arguments[0] == "build" else 0


def check() -> int:
    """The committed build belongs to the sources; types and style are right."""
    if DIGEST.read_text().strip() != digest():
        print("labextension/prebuilt was made of other sources: make sidebar", file=sys.stderr)
        return 1
    install()
    return node("tsc", "--noEmit") or node("eslint", "src", "--max-warnings", "0")


def test() -> int:
    """Jest."""
    install()
    return node("jest", "--silent")


def build() -> int:
    """Make `prebuilt` anew."""
    install()
    shutil.rmtree(EXTENSION / "lib", ignore_errors=True)
    lab = importlib.util.find_spec("jupyterlab")
    if lab is None or lab.origin is None:
        raise LeftOutError("JupyterLab is not installed: make setup.")
    core = Path(lab.origin).parent / "staging" / "package.json"
    builder = Path(sys.executable).parent / "jupyter-builder"
    command = [builder, "build", "--core-package-file", core, EXTENSION]
    status = node("tsc") or subprocess.run(command, check=False).returncode
    if not status:
        # A copy of package.json that nothing reads.
        (BUILT / "mixpeek-lab" / "schemas" / "mixpeek-lab" / "package.json.orig").unlink()
        DIGEST.write_text(f"{digest()}\n")
    return status


def digest() -> str:
    """The sources' sha256, whatever a checkout made of line ends."""
    found = hashlib.sha256()
    for path in sorted(_files(), key=lambda path: path.relative_to(EXTENSION).as_posix()):
        text = path.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{path.relative_to(EXTENSION).as_posix()} {len(text)}\n".encode() + text)
    return found.hexdigest()


def _files() -> list[Path]:
    """What the build is made of; tests are not."""
    paths = [EXTENSION / name for name in SOURCES]
    files = [file for path in paths for file in ([path] if path.is_file() else path.rglob("*"))]
    return [file for file in files if file.is_file() and ".test." not in file.name]


def install() -> None:
    """The packages of package-lock.json, from whatever registry npm is configured for."""
    if not (npm := shutil.which("npm")):
        raise LeftOutError("Node.js is not installed.")
    demand_node()
    lock = hashlib.sha256((EXTENSION / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == lock:
        return
    print("labextension: packages from the npm registry …", flush=True)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"]
    command += ["--fetch-retries=1", "--fetch-timeout=60000"]
    done = subprocess.run(command, cwd=EXTENSION, capture_output=True, text=True, check=False)
    if done.returncode:
        if any(word in done.stderr for word in UNREACHABLE):
            raise LeftOutError("the npm registry cannot be reached.")
        sys.exit(f"npm ci failed:\n{done.stderr}")
    STAMP.write_text(lock)


def demand_node() -> None:
    """LeftOutError where Node.js is too old for the tools."""
    done = subprocess.run(["node", "--version"], capture_output=True, text=True, check=False)
    found = re.match(r"v(\d+)\.(\d+)", done.stdout)
    if not found or (int(found[1]), int(found[2])) < OLDEST_NODE:
        wanted = ".".join(map(str, OLDEST_NODE))
        raise LeftOutError(f"Node.js {wanted} or newer is needed; this is {done.stdout.strip()}.")


def node(tool: str, *arguments: str) -> int:
    """Run one of the extension's tools; its exit status."""
    command = [MODULES / ".bin" / tool, *arguments]
    environment = {**os.environ, "NODE_OPTIONS": "--max-old-space-size=2048"}
    return subprocess.run(command, cwd=EXTENSION, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
