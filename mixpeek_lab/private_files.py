"""Files that their owner alone reads."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


def write_private(path: Path, text: str, *, replace: bool) -> None:
    """Write a file with mode 0600, whole or not at all.

    One that is there already is replaced, or left as it is: then whoever comes first wins.
    """
    mine = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    handle = os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            mine.replace(path)
        else:
            with suppress(FileExistsError):
                path.hardlink_to(mine)
    finally:
        mine.unlink(missing_ok=True)
