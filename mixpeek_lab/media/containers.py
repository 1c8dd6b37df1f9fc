"""Containers that hold pictures, sound or films alike: MP4 and its kin, Matroska, Ogg, ASF, MPEG.

Each function looks at a file's first bytes and answers None (or False) for another format. A
container counts as audio where the bytes at hand list all its tracks and none is a film, or
where its name says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_IMAGES = {
    b"avif": "image/avif", b"avis": "image/avif",
    b"heic": "image/heic", b"heix": "image/heic", b"heim": "image/heic", b"heis": "image/heic",
    b"hevc": "image/heic", b"hevx": "image/heic",
}  # fmt: skip
_PLAIN_IMAGES = (b"mif1", b"msf1", b"miaf")
_AUDIO_BRANDS = (b"M4A ", b"M4B ", b"M4P ", b"F4A ")
_QUICKTIME = (b"moov", b"mdat", b"wide", b"pnot")
_TRACKS = re.compile(rb"(?<!\x53\xab\x84)\x16\x54\xae\x6b")
"""The list of tracks, where it is; the index at the start has the same bytes after another id."""
_CODEC = re.compile(rb"\x86[\x81-\xbf]([AVS])_")
"""A track's codec: A for sound, V for films, S for subtitles."""
_ASF = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_VIDEO = bytes.fromhex("c0ef19bc4d5bcf11a8fd00805f5c442b")
_ASF_AUDIO = bytes.fromhex("409e69f84d5bcf11a8fd00805f5c442b")

_BITRATES = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
"""kbit/s of layer III by version: MPEG 1, then MPEG 2 and 2.5 alike."""
_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}


def box_type(head: bytes, hint: str | None) -> str | None:
    """MP4, QuickTime, HEIC and AVIF: files of boxes, of which the first tells the brand."""
    size, kind = int.from_bytes(head[:4]), head[4:8]
    if kind in _QUICKTIME and (size >= 8 or size == 1):
        return "video/quicktime"
    if kind != b"ftyp" or not 16 <= size <= 4096:
        return None
    major = head[8:12]
    brands = [major, *(head[at : at + 4] for at in range(16, min(size, len(head)), 4))]
    if major in _IMAGES or major in _PLAIN_IMAGES:
        return next((_IMAGES[each] for each in brands if each in _IMAGES), "image/heif")
    if major in _AUDIO_BRANDS or hint == "audio" or _has_only_sound(head, size):
        return "audio/mp4"
    if major == b"qt  ":
        return "video/quicktime"
    return "video/3gpp" if major[:3] in (b"3gp", b"3g2") else "video/mp4"


def _has_only_sound(head: bytes, at: int) -> bool:
    """Whether the index of tracks (`moov`) is at hand as a whole, and lists sound alone."""
    while at + 8 <= len(head):
        size, kind = int.from_bytes(head[at : at + 4]), head[at + 4 : at + 8]
        if kind == b"moov":
            index = head[at : at + size]
            return len(index) == size and b"soun" in index and b"vide" not in index
        if size < 8:
            return False
        at += size
    return False


def ebml_type(head: bytes, hint: str | None) -> str | None:
    """Matroska and WebM."""
    if not head.startswith(b"\x1a\x45\xdf\xa3"):
        return None
    family = "webm" if b"\x42\x82\x84webm" in head[:64] else "x-matroska"
    is_audio = hint == "audio" or _lists_only_audio(head)
    return f"{'audio' if is_audio else 'video'}/{family}"


def _lists_only_audio(head: bytes) -> bool:
    """Whether the list of tracks is at hand as a whole, and names only codecs of sound."""
    mark = _TRACKS.search(head)
    at = mark.end() if mark else len(head)
    if at >= len(head) or not head[at]:
        return False
    width = 9 - head[at].bit_length()
    size = int.from_bytes(head[at : at + width]) & ((1 << (7 * width)) - 1)
    tracks = head[at + width : at + width + size]
    return len(tracks) == size and set(_CODEC.findall(tracks)) - {b"S"} == {b"A"}


def ogg_type(head: bytes) -> str | None:
    """Ogg: the first pages name every stream."""
    if not head.startswith(b"OggS\0\2"):
        return None
    return "video/ogg" if b"\x80theora" in head or b"\1video\0" in head else "audio/ogg"


def asf_type(head: bytes, hint: str | None) -> str | None:
    """Windows Media."""
    if not head.startswith(_ASF):
        return None
    is_audio = _ASF_AUDIO in head and _ASF_VIDEO not in head
    return "audio/x-ms-wma" if is_audio or hint == "audio" else "video/x-ms-wmv"


def is_transport_stream(head: bytes) -> bool:
    """MPEG-TS: a sync byte every 188 bytes, or 192 on disks."""
    return len(head) >= 600 and any(
        all(head[first + step * n] == 0x47 for n in range(3))
        for first, step in ((0, 188), (4, 192))
    )


def is_adts(head: bytes) -> bool:
    """AAC in ADTS frames: a second frame where the first one's length says."""
    return _is_adts_frame(head, 0) and _follows(head, _adts_length(head), _is_adts_frame)


def _is_adts_frame(head: bytes, at: int) -> bool:
    return at + 7 <= len(head) and head[at] == 0xFF and head[at + 1] & 0xF6 == 0xF0


def _adts_length(head: bytes) -> int:
    return (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5


def _follows(head: bytes, at: int, is_frame: Callable[[bytes, int], bool]) -> bool:
    """Whether another frame begins at `at`; a first frame longer than the bytes at hand passes."""
    return at > 0 and (at + 8 > len(head) or is_frame(head, at))


def is_mpeg_audio(head: bytes) -> bool:
    """MP3 without an ID3 tag: a second frame where the first one's length says."""
    length = _frame_length(head, 0)
    return bool(length) and _follows(head, length, lambda b, at: bool(_frame_length(b, at)))


def _frame_length(head: bytes, at: int) -> int:
    """Bytes of the frame of layer III that begins here; 0 where none does."""
    if at + 4 > len(head) or head[at] != 0xFF or head[at + 1] & 0xE6 != 0xE2:
        return 0
    version, speed, rate = head[at + 1] >> 3 & 3, head[at + 2] >> 4, head[at + 2] >> 2 & 3
    if version == 1 or speed in (0, 15) or rate == 3:
        return 0
    scale = 144_000 if version == 3 else 72_000
    kilobits = _BITRATES[3 if version == 3 else 2][speed]
    return scale * kilobits // _RATES[version][rate] + (head[at + 2] >> 1 & 1)
