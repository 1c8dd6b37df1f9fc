"""Which files of this machine a request may name: those below folders that were opened to it.

A notebook reads any file, as its user does. What comes over HTTP was written by somebody else as
often as not, and may name the lab's own files, and what is below `MIXPEEK_LAB_FILE_ROOTS`.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mixpeek_lab.assets import AssetError, is_data_url, local_path, redacted, scheme_of
from mixpeek_lab.errors import BodyError
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.home import Home

SETTING = "MIXPEEK_LAB_FILE_ROOTS"
OWN = ("assets", "blob-uploads")
"""Folders of the home: what extractors stored, and what was uploaded."""
TEXTS = ("text", "texts", "query", "prompt", "pairs", "document", "documents")
"""Inputs of services that are read as they stand, and never opened."""


class FileRoots:
    """The folders, links resolved: of the home, and of `MIXPEEK_LAB_FILE_ROOTS` as it is now."""

    def __init__(self, home: Home) -> None:
        self._own = [home.path / name for name in OWN]

    def refusal(self, reference: str) -> str:
        """Why a path or URL may not be opened; empty where it may. Says nothing of the file.

        URLs of other machines may: what opens them checks where they lead.
        """
        if is_data_url(reference):
            return (
                "is a data: URL, which is not opened: upload the file (POST "
                "/v1/buckets/BUCKET/uploads, PUT it to the URL in the answer), and give the "
                "blob's upload_id in place of its data."
            )
        if scheme_of(reference) not in ("", "file"):
            return ""
        given = [Path(root) for root in os.environ.get(SETTING, "").split(os.pathsep) if root]
        try:
            path = Path(os.path.realpath(local_path(reference)))
            is_open = path.is_absolute() and any(
                path.is_relative_to(os.path.realpath(root)) for root in (*self._own, *given)
            )
        except (AssetError, OSError, ValueError, RuntimeError):
            is_open = False
        if is_open:
            return ""
        return (
            "names a file of this machine that requests may not open: upload it to the bucket, "
            f"or start the lab with {SETTING}=FOLDER (several: {os.pathsep} between them)."
        )

    def demand_inputs(self, inputs: JSON, where: str = "inputs") -> None:
        """BodyError where a service is sent a file that it may not open.

        A path is what begins like one and has no blank; in `TEXTS` nothing is.
        """
        if isinstance(inputs, Mapping):
            for name, value in inputs.items():
                if name not in TEXTS:
                    self.demand_inputs(value, f"{where}.{name}")
        elif isinstance(inputs, list):
            for number, value in enumerate(inputs):
                self.demand_inputs(value, f"{where}[{number}]")
        elif isinstance(inputs, str) and _is_path(inputs) and self.refusal(inputs.strip()):
            shown = redacted(inputs)[:80]
            raise BodyError.at(where, f"{shown!r} {self.refusal(inputs.strip())}")


def _is_path(text: str) -> bool:
    stripped = text.strip()
    if scheme_of(stripped) == "file":
        return True
    return stripped.startswith(("/", "~", "./", "../")) and len(stripped.split()) == 1
