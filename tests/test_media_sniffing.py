"""What files are, told by their content: real files of each format, and texts that look alike."""

from __future__ import annotations

import pytest
from media_files import AUDIO, FFMPEG, HTML, PDF, PICTURES, SVG, VIDEO, film, picture, png, wav

from mixpeek_lab.media import HEAD_BYTES, kind_of, promised_kind, size_text, sniff

needs_ffmpeg = pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")


@pytest.mark.parametrize(("kind", "mime"), PICTURES.items())
def test_images(kind, mime):
    pil = pytest.importorskip("PIL.features")
    if kind in ("webp", "avif") and not pil.check(kind):
        pytest.skip(f"this Pillow writes no {kind}")
    assert sniff(picture(kind)[:HEAD_BYTES]) == mime
    assert kind_of(mime) == "image"


@needs_ffmpeg
@pytest.mark.parametrize(("suffix", "mime"), [*AUDIO.items(), *VIDEO.items()])
def test_sound_and_films(tmp_path, suffix, mime):
    assert sniff(film(tmp_path / f"a.{suffix}")[:HEAD_BYTES]) == mime


@needs_ffmpeg
def test_a_container_with_sound_alone_is_audio(tmp_path):
    (tmp_path / "a.mka").touch()
    sound = film(tmp_path / "a.mka", "-f", "webm", "-c:a", "libopus")
    assert sniff(sound[:HEAD_BYTES]) == "audio/webm"
    indexed = film(tmp_path / "b.m4a", "-f", "mp4", "-movflags", "+faststart")
    assert sniff(indexed[:HEAD_BYTES]) == "audio/mp4"


@needs_ffmpeg
def test_mp3_without_tags(tmp_path):
    bare = film(tmp_path / "a.mp3", "-id3v2_version", "0", "-write_xing", "0")
    assert bare[0] == 0xFF
    assert sniff(bare[:HEAD_BYTES]) == "audio/mpeg"
    assert sniff(bare[:200]) == "audio/mpeg"  # no second frame at hand


@pytest.mark.parametrize(
    ("head", "mime"),
    [
        (png(), "image/png"),
        (wav(), "audio/wav"),
        (PDF, "application/pdf"),
        (b"junk from a scanner\r\n" + PDF, "text/plain"),
        (b"\x01\x02 from a mailer\n%PDF-1.4\n\xe2\xe3", "application/pdf"),
        (SVG, "image/svg+xml"),
        (b"<svg xmlns='x'>", "image/svg+xml"),
        (HTML, "text/html"),
        (b"\xef\xbb\xbf<html>", "text/html"),
        ("grüße".encode(), "text/plain"),
        ("日本".encode() * HEAD_BYTES, "text/plain"),
        (b"", "text/plain"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "image/heic"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicmiaf", "image/heic"),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", "image/avif"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1miaf", "image/heif"),
        (b"\0\0\0\x18ftyp3gp4\0\0\0\0isom3gp4", "video/3gpp"),
        (b"\0\0\x10\0moov\0\0\0\x6cmvhd", "video/quicktime"),
    ],
)
def test_by_signature(head, mime):
    assert sniff(head[:HEAD_BYTES]) == mime


@pytest.mark.parametrize(
    "text",
    ["BMW sells cars, and has for a long time", "ID3 tags hold titles", "GIF89a is of 1989",
     "II* was a star", "RIFF is a container", "OggS marks a page", "fLaC is how they spell it",
     "FLV is old", "%PDF is how one begins", "8BPS", "ftypmp42 comes at byte 4", "<3 you",
     "svg <svg> elements"],
)  # fmt: skip
def test_texts_about_formats_are_texts(text):
    assert sniff(text.encode()) == "text/plain"


@pytest.mark.parametrize(
    "head",
    [b"\xff\xfeh\0i\0", b"PK\x03\x04zip", b"\x7fELF\2\1\1", b"\0" * 64, b"\xff" * 64,
     b"SQLite format 3\0", b"\xff\xfb\xff\xff", b"wOF2\0\1\0\0", bytes(range(256))],
)  # fmt: skip
def test_what_is_none_of_them_is_unknown(head):
    assert kind_of(sniff(head)) is None


@pytest.mark.parametrize("length", range(0, 64, 3))
@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "bmp", "tiff", "ico"])
def test_files_that_are_cut_short_do_no_harm(kind, length):
    pytest.importorskip("PIL")
    sniff(picture(kind)[:length])
    sniff(wav()[:length])
    sniff(b"\x1a\x45\xdf\xa3\x42\x82\x84webm\x16\x54\xae\x6b\xff"[:length])


def test_the_name_tells_texts_apart_and_nothing_else():
    assert sniff(b"# a", "notes.md") == "text/markdown"
    assert sniff(b"a,b", "t.CSV") == "text/csv"
    assert sniff(HTML, "page.txt") == "text/plain"
    assert sniff(png(), "notes.txt") == "image/png"
    assert sniff(b"plain words", "photo.jpg") == "text/plain"
    assert sniff(HTML, "photo.jpg") == "text/html"


def test_names_promise_kinds():
    assert [promised_kind(n) for n in ("a.JPG", "b/c.mp4", "x.pdf", "a.txt", "a.ts", "a")] == [
        "image", "video", "pdf", None, None, None
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, ""), (1, "1 B"), (999, "999 B"), (1000, "1.0 kB"), (999_960, "1.0 MB"),
     (12_345, "12.3 kB"), (4 * 10**9, "4.0 GB"), (3 * 10**12, "3.0 TB")],
)  # fmt: skip
def test_sizes(size, text):
    assert size_text(size) == text
