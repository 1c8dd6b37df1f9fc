"""Images and sound out of whatever a row or a request holds: a URL, a path, bytes, or decoded."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.sdk.assets import open_asset
from mixpeek_lab.sdk.concurrency import parallel_io
from mixpeek_lab.sdk.tool_results import ToolError, ToolTimeoutError
from mixpeek_lab.sdk.tools import run_tool

if TYPE_CHECKING:
    import numpy as np

SAMPLE_RATE = 16_000
"""Samples per second that speech models read."""
LONGEST_AUDIO = 6 * 3600
"""Seconds of sound in one file; more would not fit into memory."""
DECODE_SECONDS = 1800
FORMATS = (
    "AVIF", "BMP", "GIF", "ICO", "JPEG", "JPEG2000", "MPO", "PNG", "PPM", "TIFF", "WEBP",
)  # fmt: skip
"""Pillow's names of what is read. Not EPS, for which it would start another program."""
DOWNLOADS = 8


def load_images(values: list[Any]) -> list[Any]:
    """RGB images for URLs, paths, bytes or PIL images, read side by side.

    Raises the error of the first that cannot be read.
    """
    return _all(values, load_image)


def load_image(value: Any) -> Any:
    """One image as RGB. InvalidInputError for what is no image, AssetError where it is not had."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    if isinstance(value, Image.Image):
        return value.convert("RGB")
    try:
        Image.init()
        formats = [name for name in FORMATS if name in Image.OPEN]
        with _opened(value) as path, Image.open(path, formats=formats) as image:
            # Cameras write how to turn the picture beside it.
            return ImageOps.exif_transpose(image).convert("RGB")
    except (UnidentifiedImageError, Image.DecompressionBombError, SyntaxError) as error:
        raise InvalidInputError(
            f"{value!r:.200} is no image that Pillow reads ({error}). Leave such rows out with "
            "condition=RowCondition.IS_IMAGE, or convert the file."
        ) from error
    except OSError as error:
        raise InvalidInputError(
            f"The image {value!r:.200} is damaged or cut short ({error}). Upload it again."
        ) from error


def load_sounds(values: list[Any]) -> list[np.ndarray]:
    """Samples for URLs, paths, bytes or arrays, read side by side.

    Raises the error of the first that cannot be read.
    """
    return _all(values, load_sound)


def load_sound(value: Any) -> np.ndarray:
    """Sound as float32 samples (n,), mono, SAMPLE_RATE per second, between -1 and 1.

    ffmpeg reads it, out of videos too; an array is taken as samples already. InvalidInputError for
    what has no sound, MissingDependencyError without ffmpeg.
    """
    import numpy as np

    if isinstance(value, np.ndarray):
        if value.ndim != 1 or not np.issubdtype(value.dtype, np.floating):
            raise InvalidInputError(
                f"An array of sound is {value.dtype} of the shape {value.shape}. Give mono samples "
                f"(n,) as floats between -1 and 1, {SAMPLE_RATE} per second."
            )
        return value.astype(np.float32)
    with _opened(value) as path, tempfile.TemporaryDirectory(prefix="mixpeek-audio-") as folder:
        samples = Path(folder, "samples.raw")
        try:
            run_tool("ffmpeg", _decoding(path, samples), timeout=DECODE_SECONDS)
        except ToolTimeoutError:
            raise
        except ToolError as error:
            raise InvalidInputError(
                f"ffmpeg finds no sound in {value!r:.200}: {_last_line(error)}. Leave such rows "
                "out with condition=RowCondition.IS_AUDIO, or convert the file."
            ) from error
        found = np.fromfile(samples, dtype="<f4")
    if len(found) > LONGEST_AUDIO * SAMPLE_RATE:
        raise InvalidInputError(
            f"{value!r:.200} is longer than {LONGEST_AUDIO // 3600} hours. Cut it into parts."
        )
    return found


def _decoding(path: str, samples: Path) -> list[str | int | Path]:
    """ffmpeg's arguments. Only this file is read: playlists may name others, and addresses."""
    return [
        "-v", "error", "-nostdin", "-y", "-protocol_whitelist", "file",
        "-i", Path(path).resolve(), "-map", "0:a:0", "-t", LONGEST_AUDIO + 1,
        "-ac", 1, "-ar", SAMPLE_RATE, "-f", "f32le", samples,
    ]  # fmt: skip


def _last_line(error: ToolError) -> str:
    lines = [line.strip() for line in str(error.result.stderr).splitlines() if line.strip()]
    return lines[-1] if lines else "it says nothing"


@contextmanager
def _opened(value: Any) -> Iterator[str]:
    """A local file with what the value stands for."""
    if isinstance(value, bytes | bytearray | memoryview):
        with tempfile.NamedTemporaryFile(prefix="mixpeek-media-") as file:
            file.write(io.BytesIO(value).getbuffer())
            file.flush()
            yield file.name
    elif isinstance(value, str | os.PathLike):
        with open_asset(value) as path:
            yield path
    else:
        raise InvalidInputError(
            f"{type(value).__name__} is neither a URL nor a path nor bytes of a file."
        )


def _all(values: list[Any], load: Callable[[Any], Any]) -> list[Any]:
    found = parallel_io(values, load, max_workers=DOWNLOADS)
    for error in found.errors.values():
        raise error
    return list(found)
