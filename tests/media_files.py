"""Small real files of every kind, made where they are needed."""

from __future__ import annotations

import io
import math
import shutil
import struct
import subprocess
import wave
import zlib

PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)
HTML = b"<!DOCTYPE html>\n<html><head><title>404</title></head><body>Not found</body></html>"
SVG = b'<?xml version="1.0"?>\n<!-- drawn -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'

AUDIO = {
    "mp3": "audio/mpeg", "flac": "audio/flac", "ogg": "audio/ogg", "opus": "audio/ogg",
    "m4a": "audio/mp4", "aac": "audio/aac", "aiff": "audio/aiff", "wma": "audio/x-ms-wma",
    "mka": "audio/x-matroska",
}  # fmt: skip
VIDEO = {
    "mp4": "video/mp4", "mov": "video/quicktime", "webm": "video/webm", "mkv": "video/x-matroska",
    "avi": "video/x-msvideo", "ogv": "video/ogg", "flv": "video/x-flv", "ts": "video/mp2t",
}  # fmt: skip
PICTURES = {
    "jpeg": "image/jpeg", "png": "image/png", "gif": "image/gif", "webp": "image/webp",
    "tiff": "image/tiff", "bmp": "image/bmp", "ico": "image/x-icon", "avif": "image/avif",
}  # fmt: skip

FFMPEG = shutil.which("ffmpeg")


def png(colour=(255, 0, 0), side=4):
    """A PNG of one colour, by hand."""
    row = b"\0" + bytes(colour) * side

    def chunk(kind, data):
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", zlib.compress(row * side)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def picture(kind="jpeg", colour="red", side=16):
    """An image in one of Pillow's formats."""
    from PIL import Image

    kept = io.BytesIO()
    Image.new("RGB", (side, side), colour).save(kept, kind)
    return kept.getvalue()


def wav(seconds=0.05):
    """A tone of 440 Hz."""
    kept = io.BytesIO()
    with wave.open(kept, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        tone = (int(9000 * math.sin(n * 440 * math.tau / 8000)) for n in range(int(8000 * seconds)))
        file.writeframes(b"".join(struct.pack("<h", value) for value in tone))
    return kept.getvalue()


def film(path, *options):
    """What ffmpeg makes of half a second of a test card (of a tone, for sound) at `path`."""
    is_sound = path.suffix[1:] in AUDIO
    source = "sine=duration=0.5" if is_sound else "testsrc=duration=0.5:size=64x64:rate=10"
    command = [FFMPEG, "-y", "-loglevel", "error", "-f", "lavfi", "-i", source, *options]
    subprocess.run([*command, str(path)], check=True)
    return path.read_bytes()
