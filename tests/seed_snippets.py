"""The shorter code blocks of Mixpeek's page "Extractors", and its headings.

Whole files and commands are cut in seed.py; these are pieces of files. A block is known by the
heading above it and by how its first and its last line begin.
"""

from __future__ import annotations

import seed

_HERE = "The block is this one line."
_AT_HOME = "us-east1-docker.pkg.dev/mixpeek-inference-463103"

SNIPPETS = {
    "layout": ("Extractor Structure", "my_extractor/", "    └── core.py"),
    "compute_profile": ("Compute Profile", "compute_profile = {", "}"),
    "container_image": ("BYO Container Image", "# manifest.py", f'container_image = "{_AT_HOME}'),
    "dockerfile": ("BYO Container Image", f"FROM {_AT_HOME}", "RUN apt-get update"),
    "row_by_row": ("Batched Processing", "# WRONG", '    batch.at[idx, "embedding"]'),
    "batched": ("Batched Processing", "# RIGHT", 'batch["embedding"] = '),
    "load_image": (
        "Loading Assets from S3",
        "from shared.extractors import",
        "        return batch",
    ),
    "built_in": ("Using Built-in Models", "from shared.inference.registry", "StepDefinition("),
    "llm_config": ("LLM Access", "# pipeline.py", 'config = {"llm_service"'),
    "llm_calls": ("LLM Access", "# processors/core.py", "results = concurrent_api_calls("),
    "secret": ("Secrets", "api_key = await", _HERE),
    "run_tool": ("CLI Tools", "from shared.extractors.sdk import run_tool", "result = run_tool("),
    "redline": ("Cinema Camera Raw Files", 'run_tool("REDline"', _HERE),
    "art_cmd": ("Cinema Camera Raw Files", 'run_tool("art-cmd"', _HERE),
    "playback": ("Cinema Camera Raw Files", 'run_tool("ffmpeg"', _HERE),
    "system_packages": ("System Packages", "system_packages = [", _HERE),
    "lint": ("Local Development", "# Validate manifest", "python scripts/api/extractors.py lint"),
    "test": ("Local Development", "# Run pipeline", "python scripts/api/extractors.py test"),
}
"""Our name for the block → heading, first line, last line."""


def lines() -> tuple[str, ...]:
    """The whole page. Skips the test where it is absent."""
    return seed._lines()


def snippet(name: str) -> str:
    """The block's text as it stands on the page."""
    start, end = span(name)
    return "\n".join(lines()[start:end]) + "\n"


def span(name: str) -> tuple[int, int]:
    """Where the block stands: index of its first line, and of the line after its last."""
    heading, first, last = SNIPPETS[name]
    page = lines()
    below = page.index(heading)
    start = next(i for i in range(below, len(page)) if page[i].startswith(first))
    if last == _HERE:
        return start, start + 1
    return start, next(i for i in range(start, len(page)) if page[i].startswith(last)) + 1


def sections() -> list[str]:
    """The page's headings: short lines on their own that end without a full stop."""
    page = lines()
    return [
        line
        for before, line, after in zip(page[2:], page[3:], page[4:], strict=False)
        if not before.strip() and not after.strip() and _is_heading(line)
    ]


def _is_heading(line: str) -> bool:
    return line[:1].isupper() and len(line) < 70 and not line.endswith((".", ":"))


def section(heading: str) -> list[str]:
    """The lines below a heading, up to the next."""
    page, stops = lines(), set(sections())
    start = page.index(heading) + 1
    end = next((i for i in range(start, len(page)) if page[i] in stops), len(page))
    return list(page[start:end])
