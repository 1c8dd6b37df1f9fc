"""Pictures for the documents: small PNGs, written where MIXPEEK_LAB_PICTURES=1 asks for them."""

from __future__ import annotations

import io
import os
import shutil
from pathlib import Path

from conftest import REPOSITORY, JupyterServer
from PIL import Image

IMAGES = REPOSITORY / "notebooks" / "images"
ARE_ASKED_FOR = os.environ.get("MIXPEEK_LAB_PICTURES", "") not in ("", "0")


def keep_picture(png: bytes, name: str, artifacts: Path) -> bytes:
    """The screenshot in 256 colours: kept with the artifacts and, if asked for, for good."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    small = image.quantize(256, dither=Image.Dither.NONE)
    out = io.BytesIO()
    small.save(out, "PNG", optimize=True)
    (artifacts / f"{name}.png").write_bytes(out.getvalue())
    if ARE_ASKED_FOR:
        IMAGES.mkdir(exist_ok=True)
        (IMAGES / f"{name}.png").write_bytes(out.getvalue())
    return out.getvalue()


def show_pictures(jupyter: JupyterServer) -> None:
    """Put the tutorials' pictures beside the notebooks of a test's JupyterLab."""
    shutil.copytree(IMAGES, jupyter.folder / IMAGES.name, dirs_exist_ok=True)
