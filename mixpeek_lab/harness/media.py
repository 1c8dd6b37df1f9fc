"""Small media files for sample rows: made here, so that none has to be shipped or fetched."""

from __future__ import annotations

import math
import struct
import wave
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

from mixpeek_lab.sdk.tools import run_tool

SIZE = 64
"""Pixels along each side of a picture."""
RATE = 16_000
"""Samples per second of a sound."""

_CLIPS = ("testsrc", "mandelbrot", "life", "smptebars")
_PALETTES = ((255, 80, 20), (20, 160, 255), (60, 200, 90), (200, 60, 220))


def write_png(path: Path, number: int) -> None:
    """A colour picture, another for each number: a slope with stripes across it."""
    red, green, blue = _PALETTES[number % len(_PALETTES)]
    step = 4 + 4 * number
    rows = bytearray()
    for y in range(SIZE):
        rows.append(0)  # no filter
        for x in range(SIZE):
            light = (x + y) / (2 * SIZE) * (1.0 if (x + number * y) // step % 2 else 0.4)
            rows += bytes(round(channel * light) for channel in (red, green, blue))
    header = struct.pack(">IIBBBBB", SIZE, SIZE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(bytes(rows))), (b"IEND", b""))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts))


def write_wav(path: Path, number: int) -> None:
    """A second of a tone, another for each number; mono, 16 bits."""
    pitch = 220 * (number + 1)
    samples = (round(12_000 * math.sin(2 * math.pi * pitch * i / RATE)) for i in range(RATE))
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))


def write_pdf(path: Path, number: int) -> None:
    """One page with one line of text, another for each number."""
    text = (
        f"BT /F1 18 Tf 40 100 Td (Sample document {number + 1}: tides and harbours) Tj ET".encode()
    )
    objects = (
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 200] /Contents 4 0 R "
        b"/Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    )
    body, places = b"%PDF-1.4\n", []
    for index, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%s\nendobj\n" % (index, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    count = len(objects) + 1
    body += b"xref\n0 %d\n0000000000 65535 f \n%s" % (count, table)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    path.write_bytes(body + tail % (count, body.rindex(b"xref\n0")))


def write_mp4(path: Path, number: int) -> None:
    """A second of moving pictures with a tone, another for each number.

    Raises MissingDependencyError or ToolError without ffmpeg.
    """
    picture = f"{_CLIPS[number % len(_CLIPS)]}=size=64x64:rate=5"
    sound = f"sine=frequency={220 * (number + 1)}:sample_rate={RATE}"
    sources = ["-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound]
    coding = ["-t", "1", "-pix_fmt", "yuv420p", "-c:a", "aac"]  # ffmpeg's own: always there
    run_tool("ffmpeg", ["-y", "-loglevel", "error", *sources, *coding, str(path)], timeout=60)


MAKERS: Mapping[str, tuple[str, str, Callable[[Path, int], None]]] = {
    "image": (".png", "image/png", write_png),
    "audio": (".wav", "audio/wav", write_wav),
    "pdf": (".pdf", "application/pdf", write_pdf),
    "video": (".mp4", "video/mp4", write_mp4),
}
"""Blob type → its files' suffix and MIME type, and what writes number 0, 1, … of them."""


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
