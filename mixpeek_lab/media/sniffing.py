"""The MIME type of a file by its first bytes, after the WHATWG's MIME Sniffing and the formats.

A signature counts with what must follow it (a version byte, a second frame), so that a text
that begins with `BM` or `ID3` stays a text.
"""

from __future__ import annotations

import re

from mixpeek_lab.media.containers import (
    asf_type,
    box_type,
    ebml_type,
    is_adts,
    is_mpeg_audio,
    is_transport_stream,
    ogg_type,
)
from mixpeek_lab.media.kinds import UNKNOWN, promised_kind, suffix_of

HEAD_BYTES = 8192
"""How much of a file `sniff` wants to see."""

_TEXTS = {".html": "text/html", ".htm": "text/html", ".md": "text/markdown", ".csv": "text/csv"}
"""Texts that are told apart by name: their content cannot tell."""

_SIGNATURES: tuple[tuple[str, bytes], ...] = (
    ("image/png", rb"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", rb"\xff\xd8\xff"),
    ("image/gif", rb"GIF8[79]a(?=.{0,50}[\x00-\x08])"),
    ("image/webp", rb"RIFF.{4}WEBPVP8"),
    ("image/bmp", rb"BM.{11}\x00[\x0c\x28\x34\x38\x40\x6c\x7c]\x00{3}"),
    ("image/tiff", rb"II[\x2a\x2b]\x00|MM\x00[\x2a\x2b]"),
    ("image/x-icon", rb"\x00\x00\x01\x00[\x01-\xff]\x00.{2}[\x00-\xff]\x00[\x00\x01]\x00"),
    ("image/jp2", rb"\x00{3}\x0cjP  \r\n\x87\n"),
    ("image/jxl", rb"\xff\x0a|\x00{3}\x0cJXL \r\n\x87\n"),
    ("image/vnd.adobe.photoshop", rb"8BPS\x00[\x01\x02]"),
    ("audio/wav", rb"(?:RIFF|RF64|BW64).{4}WAVE"),
    ("audio/mpeg", rb"ID3[\x02-\x04]\x00"),
    ("audio/flac", rb"fLaC[\x00\x80]\x00"),
    ("audio/aiff", rb"FORM.{4}AIF[FC]"),
    ("audio/midi", rb"MThd\x00{3}\x06"),
    ("audio/amr", rb"#!AMR(?:-WB)?\n"),
    ("video/x-msvideo", rb"RIFF.{4}AVI "),
    ("video/x-flv", rb"FLV\x01[\x01\x04\x05]\x00{3}\x09"),
    ("video/mpeg", rb"\x00\x00\x01[\xba\xb3]"),
    ("application/pdf", rb"%PDF-\d"),
)
_COMPILED = tuple((mime, re.compile(pattern, re.DOTALL)) for mime, pattern in _SIGNATURES)

_CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text holds."""
_PDF_LATE = re.compile(rb"[^\x80-\xff]{0,1000}?%PDF-\d\.\d[\r\n]")
"""Readers take a PDF with something before its header, as some scanners and mailers write it."""
_SVG = re.compile(r"<svg[\s>]", re.IGNORECASE)
_PROLOGUE = re.compile(
    r"\s*(?:<\?[^>]*>|<!--(?:(?!-->).)*-->|<!DOCTYPE[^>\[]*(?:\[[^\]]*\])?[^>]*>)",
    re.DOTALL | re.IGNORECASE,
)
_HTML = re.compile(r"<(?:html|head|body|script|title|div|h1|table|p|br|a|b)[\s>]", re.IGNORECASE)


def sniff(head: bytes, name: str = "") -> str:
    """The MIME type of a file whose content begins with `head` (`HEAD_BYTES` of it, or all).

    The content decides; the name only where several types have the same content, as kinds of
    text do, and audio in an MP4. `application/octet-stream` where nothing fits.
    """
    found = _binary_type(head, name)
    if found is not None:
        return found
    text = _text_of(head)
    if text is not None:
        return _text_type(text, name)
    return "application/pdf" if _PDF_LATE.match(head[:1100]) else UNKNOWN


def _binary_type(head: bytes, name: str) -> str | None:
    for mime, pattern in _COMPILED:
        if pattern.match(head):
            return mime
    hint = promised_kind(name)
    for told in (box_type(head, hint), ebml_type(head, hint), ogg_type(head), asf_type(head, hint)):
        if told is not None:
            return told
    if is_adts(head):
        return "audio/aac"
    if is_mpeg_audio(head):
        return "audio/mpeg"
    return "video/mp2t" if is_transport_stream(head) else None


def _text_of(head: bytes) -> str | None:
    """The text that the bytes are the beginning of; None where they are no UTF-8."""
    if _CONTROLS.search(head):
        return None
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        is_cut = len(head) >= HEAD_BYTES and error.start >= len(head) - 3
        return head[: error.start].decode("utf-8-sig") if is_cut else None


def _text_type(text: str, name: str) -> str:
    rest = text
    while prologue := _PROLOGUE.match(rest):
        rest = rest[prologue.end() :]
    suffix, start = suffix_of(name), rest.lstrip()[:20]
    if _SVG.match(start) or (suffix == ".svg" and start.startswith("<!--")):
        return "image/svg+xml"
    if suffix in _TEXTS:
        return _TEXTS[suffix]
    if suffix and promised_kind(name) is None:
        return "text/plain"
    is_html = _HTML.match(start) or re.match(r"\s*<!doctype html", text, re.IGNORECASE)
    return "text/html" if is_html else "text/plain"
