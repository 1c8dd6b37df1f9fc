"""A map as a small PNG, for saved notebooks: a sample of the points, in their colours."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from mixpeek_lab.widgets.embedding_colours import MISSING, OTHER, PALETTE, Colours
from mixpeek_lab.widgets.static import rerun_html, saved_view

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mixpeek_lab.projections import Projection

WIDTH, HEIGHT = 640, 400
MOST_POINTS = 6_000
_SCALE = 2
"""Pixels drawn for each that is shown: browsers smooth what they make smaller."""
_STEPS = 24
"""Colours along the ramp of the picture."""


def picture_png(positions: NDArray[np.float32], colours: Colours, rings: list[int]) -> bytes:
    """A PNG of at most MOST_POINTS points, without a background; `rings` go around hits."""
    from PIL import Image, ImageDraw

    size = (WIDTH * _SCALE, HEIGHT * _SCALE)
    image = Image.new("P", size, 0)
    image.putpalette(_palette(colours))
    draw = ImageDraw.Draw(image)
    drawn = np.arange(len(positions))
    if len(drawn) > MOST_POINTS:
        drawn = np.random.default_rng(0).choice(len(drawn), MOST_POINTS, replace=False)
    radius = (2.0 if len(drawn) > 2_000 else 3.0) * _SCALE / 1.6
    inks = _inks(colours)
    for point in drawn.tolist():
        x, y = _pixel(positions[point], size)
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=inks[point])
    for point in rings:
        x, y = _pixel(positions[point], size)
        draw.ellipse((x - 11, y - 11, x + 11, y + 11), outline=1, width=4)
    kept = BytesIO()
    image.save(kept, "PNG", optimize=True, transparency=0)
    return kept.getvalue()


def map_html(
    positions: NDArray[np.float32], colours: Colours, rings: list[int], told: str, code: str
) -> str:
    """The picture within HTML without scripts: what is `told` of it, the legend, the `code`."""
    png = base64.b64encode(picture_png(positions, colours, rings)).decode()
    style = "max-width:100%;background:#fff;border:1px solid #ccc;border-radius:6px"
    image = (
        f'<img src="data:image/png;base64,{png}" width="{WIDTH}" height="{HEIGHT}" '
        f'style="{style}" alt="{escape(told)}">'
    )
    return saved_view(f"<p>{escape(told)}</p>", image, key_html(colours), rerun_html(code))


def saved_forms(
    widget: object,
    about: Mapping[str, Any],
    method: str,
    field: str,
    shown: Projection,
    colours: Colours,
    rings: Sequence[int],
) -> dict[str, str]:
    """What stays of a map in a saved notebook: `text/plain`, and `text/html` with its picture."""
    lines = [repr(widget), *(f"  {label}: {count:,}" for label, _, count in colours.entries)]
    by = f" Coloured by {field}." if field else ""
    told = f"{about['title']}: {about['count']:,} points, {method}.{by} {shown.note}"
    page = map_html(shown.positions, colours, list(rings), told, str(about["code"]))
    return {"text/plain": "\n".join(lines), "text/html": page}


def key_html(colours: Colours) -> str:
    """The legend in a line: a spot of colour, the label, the count."""
    paint = PALETTE["light"]
    if colours.kind == "number":
        stops = ",".join(paint["ramp"])
        bar = f'<span style="{_SPOT};width:120px;background:linear-gradient(90deg,{stops})"></span>'
        return f"<p>{escape(colours.ends[0])} {bar} {escape(colours.ends[1])}</p>"
    spots = (
        f'<span style="{_SPOT};background:{_hex(code)}"></span> {escape(label)} ({count:,})'
        for label, code, count in colours.entries
    )
    return f"<p>{' &nbsp; '.join(spots)}</p>" if colours.entries else ""


_SPOT = "display:inline-block;width:10px;height:10px;border-radius:5px"


def _hex(code: int) -> str:
    paint = PALETTE["light"]
    return str(paint["other"] if code in (OTHER, MISSING) else paint["categories"][code])


def _pixel(position: Any, size: tuple[int, int]) -> tuple[float, float]:
    half = min(size) / 2 / 1.06
    return size[0] / 2 + float(position[0]) * half, size[1] / 2 - float(position[1]) * half


def _palette(colours: Colours) -> list[int]:
    """Index 0: nothing. 1: rings. Then the colours in the order of `_inks`."""
    paint = PALETTE["light"]
    stops: Any = {"number": _ramp(), "category": paint["categories"]}.get(colours.kind, [])
    names = ["#ffffff", "#d01c8b", str(paint["other"]), str(paint["plain"]), *stops]
    return [int(name[at : at + 2], 16) for name in names for at in (1, 3, 5)]


def _inks(colours: Colours) -> list[int]:
    """The palette's index of each point."""
    codes = colours.codes.astype(np.int64)
    if colours.kind == "none":
        return np.full(len(codes), 3).tolist()
    shown = codes * (_STEPS - 1) // 254 if colours.kind == "number" else codes
    is_other = (codes == MISSING) | ((codes == OTHER) & (colours.kind == "category"))
    inks: list[int] = np.where(is_other, 2, shown + 4).tolist()
    return inks


def _ramp() -> list[str]:
    """The ramp's stops, mixed into _STEPS colours."""
    stops = [[int(stop[at : at + 2], 16) for at in (1, 3, 5)] for stop in PALETTE["light"]["ramp"]]
    at = np.linspace(0, len(stops) - 1, _STEPS)
    mixed = [np.interp(at, np.arange(len(stops)), [stop[i] for stop in stops]) for i in range(3)]
    return ["#" + "".join(f"{int(part[i]):02x}" for part in mixed) for i in range(_STEPS)]
