"""The code blocks of Mixpeek's page "Extractors", cut out of the copy kept beside the checkout.

The copy has lost its code fences, so each block is known by the heading above it, its first and
its last line.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parent / "fixtures"
SEED = Path(__file__).parents[2] / "shared" / "design" / "seed.txt"

RETURN_STEPS = '    return {"steps": build_pipeline_steps(pipeline)}'
RETURN_EMBEDDING = '        return {"embedding": embedding}'
FEATURE_URI = "feature_uri = manifest.feature_uri"


@dataclass(frozen=True)
class Block:
    """A code block: the file it is kept in, the heading it follows, its first and last line."""

    path: str
    heading: str
    first: str
    last: str


BLOCKS = (
    Block("seed_plain/my_extractor/manifest.py", "Manifest", "# manifest.py", "]"),
    Block(
        "seed_plain/my_extractor/processors/core.py",
        "Batch Processor",
        "# processors/core.py",
        "        return batch",
    ),
    Block("seed_plain/my_extractor/pipeline.py", "Pipeline", "# pipeline.py", RETURN_STEPS),
    Block(
        "seed_plain/my_extractor/realtime.py",
        "Real-time Endpoint",
        "# realtime.py",
        RETURN_EMBEDDING,
    ),
    Block("seed_typed/my_embedder/manifest.py", "Typed Manifest", "# manifest.py", FEATURE_URI),
    Block(
        "seed_typed/my_embedder/pipeline.py",
        "Typed Batch Processor",
        "# pipeline.py",
        "        return batch",
    ),
    Block(
        "seed_typed/my_embedder/realtime.py",
        "Typed Inference Service",
        "# realtime.py",
        RETURN_EMBEDDING,
    ),
    Block(
        "seed_sec/sec_filing_embedder/manifest.py",
        "Example: Text Document Extractor",
        "# manifest.py",
        FEATURE_URI,
    ),
    Block(
        "seed_sec/sec_filing_embedder/processors/core.py",
        "Example: Text Document Extractor",
        "# processors/core.py",
        "        return batch",
    ),
    Block(
        "seed_sec/sec_filing_embedder/pipeline.py",
        "Example: Text Document Extractor",
        "# pipeline.py",
        RETURN_STEPS,
    ),
    Block(
        "seed_sec/sec_filing_embedder/realtime.py",
        "Example: Text Document Extractor",
        "# realtime.py",
        RETURN_EMBEDDING,
    ),
)


@cache
def _lines() -> tuple[str, ...]:
    if not SEED.is_file():
        pytest.skip(f"Mixpeek's page is not beside this checkout ({SEED})")
    return tuple(SEED.read_text(encoding="utf-8").split("\n"))


def cut(block: Block) -> str:
    """The block's text as it stands on the page. Skips the test where the page is absent."""
    lines = _lines()
    heading = lines.index(block.heading)
    first = lines.index(block.first, heading)
    last = lines.index(block.last, first)
    return "\n".join(lines[first : last + 1]) + "\n"


def commands(heading: str, *, end: str) -> list[str]:
    """The `zip` and `curl` commands between two lines of the page, each as it stands there."""
    lines = _lines()
    first = lines.index(heading)
    found: list[str] = []
    is_open = False
    for line in lines[first : lines.index(end, first)]:
        if is_open:
            found[-1] += f"\n{line}"
        elif line.startswith(("zip ", "curl ")):
            found.append(line)
        is_open = bool(found) and not _is_complete(found[-1])
    return found


def _is_complete(command: str) -> bool:
    try:
        shlex.split(command)
    except ValueError:
        return False
    return not command.endswith("\\")
