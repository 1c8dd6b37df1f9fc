"""A folder of mixed files, of a team that does not exist, and questions about it."""

from __future__ import annotations

import json
from pathlib import Path

HERE = Path(__file__).parent


def sample_folder() -> Path:
    """The folder: Markdown, text, Python, PDF, CSV, a picture, and a file of no known kind.

    It lies in the package: read it, and leave it as it is.
    """
    return HERE / "handbook"


def sample_judgements() -> tuple[dict[str, str], dict[str, dict[str, int]]]:
    """Questions by id (`q01`, …), and for each the files that answer it: path → 1 partly, 2 well.

    Paths are those below `sample_folder()`, as the bucket's field `path` has them.
    """
    rows = json.loads((HERE / "handbook.json").read_text("utf-8"))
    numbered = {f"q{number:02d}": row for number, row in enumerate(rows, 1)}
    queries = {key: row["query"] for key, row in numbered.items()}
    return queries, {key: row["answers"] for key, row in numbered.items()}
