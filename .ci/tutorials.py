"""The reader's own tutorials: `python .ci/tutorials.py [--fresh]` copies them into `tutorials/`.

Whoever runs a tutorial changes its file: outputs and counts are kept in it. So `make lab` opens
copies, which git ignores, and the clone stays clean. Pages that are missing are copied, and pages
that the reader left alone follow the clone. One that the reader changed or ran stays as it is.
With `--fresh` (`make fresh`) all are as they came: what the reader had is put into
`tutorials/earlier/`. Data and collections are never touched.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIPPED, OWN = ROOT / "notebooks", ROOT / "tutorials"
PATTERNS = ("[0-9]*.ipynb", "*.md", "how_to/*.md", "images/*.png")
COPIED = ".copied.json"
"""In the reader's folder: path → digest of what was copied there."""
EARLIER = "earlier"


def main(arguments: Sequence[str]) -> int:
    """Copy what is to be copied, and tell of what is kept; the exit status."""
    if any(argument != "--fresh" for argument in arguments):
        print("usage: tutorials.py [--fresh]", file=sys.stderr)
        return 2
    for line in bring(SHIPPED, OWN, is_fresh="--fresh" in arguments):
        print(line)
    return 0


def bring(shipped: Path, own: Path, *, is_fresh: bool = False) -> list[str]:
    """Bring the pages of `shipped` into `own`; what the reader should hear of."""
    copied = _copied(own)
    told: list[str] = []
    earlier = own / EARLIER / datetime.now().astimezone().strftime("%Y-%m-%d_%H-%M-%S")
    for path in _pages(shipped):
        name, target = path.relative_to(shipped).as_posix(), own / path.relative_to(shipped)
        now, there = _digest(path), _digest(target)
        is_readers = there not in (None, now, copied.get(name))
        if is_readers and not is_fresh:
            if now != copied.get(name):
                told.append(f"{_short(target)} is as you left it; the tutorial has changed since.")
            continue
        if is_readers:
            _put(target, earlier / name)
            told.append(f"What you had is {_short(earlier / name)}.")
        if there != now:
            _put(path, target)
        copied[name] = now or ""
    own.mkdir(parents=True, exist_ok=True)
    (own / COPIED).write_text(json.dumps(copied, indent=1), encoding="utf-8")
    if any("has changed since" in line for line in told):
        told.append("`make fresh` brings fresh ones, and keeps yours beside them.")
    return told


def _pages(folder: Path) -> Iterator[Path]:
    for pattern in PATTERNS:
        yield from sorted(folder.glob(pattern))


def _copied(own: Path) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads((own / COPIED).read_text(encoding="utf-8"))
    except (OSError, ValueError):  # none yet, or damaged: what is there counts as the reader's
        return {}
    return found


def _digest(path: Path) -> str | None:
    return sha256(path.read_bytes()).hexdigest() if path.is_file() else None


def _put(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
