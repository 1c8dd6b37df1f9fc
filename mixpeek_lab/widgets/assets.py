"""The widgets' ES modules and style sheets, as anywidget takes them.

A widget's module cannot import another file (there is no bundler and no server for it), so the
files are joined here: imports between them are dropped and what they imported from is put first.
"""

from __future__ import annotations

import re
from pathlib import Path

_FOLDER = Path(__file__).parent
_IMPORT = re.compile(r'^import\s[^;]*?from\s+"\.{1,2}/[\w./-]+";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:const|function|async function|class) )", re.MULTILINE)


def module_text(*names: str) -> str:
    """The ES modules `names` as one, in an order in which none needs a later one at load.

    Names at the top level must differ between the files; the last one has the default export.
    """
    *parts, main = [_IMPORT.sub("", (_FOLDER / name).read_text("utf-8")) for name in names]
    return "\n".join([*(_EXPORT.sub("", part) for part in parts), main])


def style_text(*names: str) -> str:
    """The style sheets `names` as one."""
    return "\n".join((_FOLDER / name).read_text("utf-8") for name in names)
