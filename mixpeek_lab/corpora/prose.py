"""The plain description inside a docstring, whichever convention it is written in."""

from __future__ import annotations

import re

_FENCE = re.compile(r"^```.*?(^```|\Z)", re.DOTALL | re.MULTILINE)
_ROLE = re.compile(r":[\w:]+:`~?([^`<]*)(?:<[^`]*>)?`")
_LITERAL = re.compile(r"(`{1,2})([^`]+)\1")
_LINK = re.compile(r"\[([^\]]+)\](?:\([^)]*\)|\[[^\]]*\])")
_TARGET = re.compile(r"\[[^\]]+\]: ")
_SECTION = re.compile(
    r"""^(?:
        [^\n]+\n[ ]*-{3,}[ ]*$                # numpydoc: a title and its rule
      | (?:Args|Arguments|Parameters|Keyword\ Args|Attributes|Returns?|Yields?|Raises
          |Examples?|Usage|Notes?|See\ Also|References):[ ]*$
      | [:@](?:param|type|returns?|rtype|raises|arg|keyword)\b
    )""",
    re.MULTILINE | re.VERBOSE,
)
_BLOCK = (">>>", "..", "!!!", "+-", "==", "--", "$ ", "In [")
"""How paragraphs begin that are examples, directives, admonitions, tables or rules."""


def prose(docstring: str) -> str:
    """The description in `docstring`: one line per paragraph, in reading order.

    `docstring` is already without its common indentation (`ast.get_docstring`). Left out are
    sections (parameters, returns, examples, …) and what follows them, code, directives,
    tables, and the markup of roles, literals and links.
    """
    text = _FENCE.sub("", docstring)
    section = _SECTION.search(text)
    if section:
        text = text[: section.start()]
    paragraphs = [part for part in re.split(r"\n\s*\n", text) if _is_prose(part)]
    return "\n".join(_plain(" ".join(paragraph.split())) for paragraph in paragraphs)


def _is_prose(paragraph: str) -> bool:
    """Whether it is a paragraph of the outermost level, and not a block of another kind."""
    first = paragraph.lstrip("\n")
    return bool(first.strip()) and not (
        first.startswith((" ", "\t", *_BLOCK)) or _TARGET.match(first)
    )


def _plain(text: str) -> str:
    text = _LINK.sub(r"\1", _ROLE.sub(r"\1", text))
    return _LITERAL.sub(r"\2", text).removesuffix("::").strip()
