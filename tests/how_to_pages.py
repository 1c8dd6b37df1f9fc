"""notebooks/how_to: `python tests/how_to_pages.py` writes the generated parts of its pages anew,
and with `outputs`, what its cells print: the `text` fences right behind them.

A part stands between `<!-- generated: magic bucket -->` and `<!-- end of generated -->`; what is
around it is written by hand. `how_to_parts.PARTS` says what there is.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass

from how_to_parts import PARTS, ROOT

FOLDER = ROOT / "notebooks" / "how_to"
PAGES = sorted(FOLDER.glob("*.md"))
MARKED = re.compile(
    r"(?P<begin><!-- generated: (?P<kind>\w+) ?(?P<of>\w*) -->\n)"
    r".*?(?P<end><!-- end of generated -->)",
    re.DOTALL,
)
FENCE = re.compile(
    r"^```(?P<language>\w+)(?P<note>[^\n]*)\n(?P<body>.*?)^```\n"
    r"(?:\n?```text\n(?P<shown>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)


ELLIPSIS = "[…]"
"""In what a block prints: any text."""


@dataclass(frozen=True)
class Block:
    """A fenced block of Python, and what is said of it."""

    line: int
    code: str
    needs: str
    """Why the test does not run it: `needs: …` behind the fence's language."""
    raises: str
    """The error that it ends with: `raises: NotFoundError`."""
    shown: str | None
    """What a `text` fence right behind it says it prints."""


def with_parts(text: str) -> str:
    """A page with its generated parts as the code says now."""

    def anew(found: re.Match[str]) -> str:
        part = PARTS[found["kind"]](found["of"])
        return f"{found['begin']}\n{part}\n{found['end']}"

    return MARKED.sub(anew, text)


def parts_of(text: str) -> set[str]:
    """What a page has generated: `magic bucket`, …"""
    return {f"{found['kind']} {found['of']}".strip() for found in MARKED.finditer(text)}


def by_hand(text: str) -> str:
    """The page without its generated parts."""
    return MARKED.sub("", text)


def blocks(text: str) -> list[Block]:
    """The Python of a page, block by block."""
    found = []
    for fence in FENCE.finditer(text):
        note = fence["note"].strip()
        kind, _, told = note.partition(": ")
        if fence["language"] == "python":
            assert not note or kind in ("needs", "raises"), note
            found.append(Block(
                text.count("\n", 0, fence.start()) + 1, fence["body"],
                told if kind == "needs" else "", told if kind == "raises" else "", fence["shown"],
            ))  # fmt: skip
    return found


def with_outputs(text: str, outputs: dict[int, str]) -> str:
    """A page with what its blocks print, by the line of the block."""

    def anew(found: re.Match[str]) -> str:
        line = text.count("\n", 0, found.start()) + 1
        if found["shown"] is None or ELLIPSIS in found["shown"] or line not in outputs:
            return found[0]
        return found[0].replace(f"```text\n{found['shown']}", f"```text\n{outputs[line]}")

    return FENCE.sub(anew, text)


def write(*, has_outputs: bool = False) -> None:
    """Write every page's generated parts anew, and with `has_outputs` what its cells print."""
    from how_to_running import run_page

    for page in PAGES:
        text = with_parts(page.read_text())
        outputs = run_page(text) if has_outputs else {}
        page.write_text(with_outputs(text, outputs))


if __name__ == "__main__":
    write(has_outputs="outputs" in sys.argv[1:])
