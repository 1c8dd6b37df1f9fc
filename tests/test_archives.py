"""Archives: packed the same everywhere, read back byte for byte, and every attack refused."""

from __future__ import annotations

import hashlib
import io
import random
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from forged_archives import (
    MANIFEST,
    PIPELINE,
    TOP,
    Zipped,
    gzipped,
    member,
    tarred,
    zipped,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from packages import HASH_EMBEDDER

from mixpeek_lab.archives import pack, read_archive, read_contents, unpack
from mixpeek_lab.cli import main
from mixpeek_lab.errors import ConflictError, InvalidInputError, ManifestError, SourceError
from mixpeek_lab.source import ExtractorSource, read_source, write_source

FILES = {"manifest.py": MANIFEST.decode(), "pipeline.py": PIPELINE.decode()}
SOURCE = ExtractorSource(TOP, tuple(FILES.items()))
LIMITS = "mixpeek_lab.archives.entries"


def a(name: str, data: bytes = b"x = 1\n", **fields) -> Zipped:
    """An entry inside the good package's folder."""
    return Zipped(f"{TOP}/{name}", data, **fields)


def everything_below(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in sorted(folder.rglob("*"))
    }


# ---------------------------------------------------------------- packing


def test_the_same_content_is_the_same_bytes_on_every_machine(tmp_path):
    first = pack(SOURCE, tmp_path / "one.zip")
    second = pack(ExtractorSource(TOP, tuple(reversed(SOURCE.files))), tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    assert first.sha256 == second.sha256
    assert first.sha256 == hashlib.sha256((tmp_path / "one.zip").read_bytes()).hexdigest()
    # Made on another day by another Python; no compressor has a say in it.
    assert first.sha256 == "da1c9944a8efde51741efaf0724eacba746f6aee8f40ec7bffe7029c7e34a045"
    assert pack(SOURCE.with_file("a.txt", ""), tmp_path / "3.zip").sha256 != first.sha256


def test_it_is_laid_out_as_zip_minus_r_does(tmp_path):
    packed = pack(SOURCE.with_file("processors/core.py", "é = 1\r\n"), tmp_path)
    assert packed.path == tmp_path / "my_extractor.zip"
    assert packed.size == packed.path.stat().st_size
    with zipfile.ZipFile(packed.path) as archive:
        assert archive.testzip() is None
        assert tuple(archive.namelist()) == packed.files
        assert archive.read("my_extractor/processors/core.py") == "é = 1\r\n".encode()
        assert {info.external_attr >> 16 for info in archive.infolist()} == {0o100644}
    assert packed.files == (
        "my_extractor/manifest.py", "my_extractor/pipeline.py", "my_extractor/processors/core.py",
    )  # fmt: skip


def test_what_was_packed_is_told_the_same_every_time(tmp_path):
    one, two = pack(SOURCE, tmp_path / "a.zip"), pack(SOURCE, tmp_path / "a.zip")
    assert (repr(one), str(one)) == (repr(two), str(two))
    assert str(one).endswith(f"a.zip: 2 files, {one.size:,} bytes, sha256 {one.sha256}")


def test_an_archive_of_that_name_is_replaced_and_nothing_else_is_left(tmp_path):
    (tmp_path / "a.zip").write_text("old")
    pack(SOURCE, tmp_path / "a.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert read_archive(tmp_path / "a.zip") == SOURCE


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        ("weights.bin", "", "weights.bin would be left out"),
        (".env.py", "", ".env.py would be left out"),
        ("__pycache__/a.py", "", "would be left out"),
        ("PIPELINE.py", "", "is one name where upper and lower case|are one name"),
        ("aux.py", "", "Windows"),
        ("a" * 300 + ".py", "", "too long"),
        ("a/" * 40 + "a.py", "", "folders deep"),
        ("pipeline.py/a.py", "", "both a file and a folder"),
    ],
)
def test_what_could_not_be_read_back_is_not_packed(path, text, message, tmp_path):
    with pytest.raises(SourceError, match=message):
        pack(SOURCE.with_file(path, text), tmp_path / "a.zip")
    assert everything_below(tmp_path) == {}


def test_packages_over_the_limits_are_not_packed(tmp_path, monkeypatch):
    monkeypatch.setattr(f"{LIMITS}.MAX_FILES", 1)
    with pytest.raises(SourceError, match="at most 1 files"):
        pack(SOURCE, tmp_path / "a.zip")
    monkeypatch.setattr(f"{LIMITS}.MAX_FILES", 2)
    monkeypatch.setattr(f"{LIMITS}.MAX_BYTES", 100)
    with pytest.raises(SourceError, match="model weights"):
        pack(SOURCE, tmp_path / "a.zip")
    assert everything_below(tmp_path) == {}


def test_a_package_without_manifest_or_a_place_is_refused(tmp_path):
    with pytest.raises(SourceError, match="no manifest"):
        pack(ExtractorSource("a", (("pipeline.py", ""),)), tmp_path)
    with pytest.raises(InvalidInputError, match=r"name it a\.zip"):
        pack(SOURCE, tmp_path / "a.tar.gz.x".replace(".tar.gz.x", ".rar"))
    (tmp_path / "file").write_text("")
    with pytest.raises(InvalidInputError, match="cannot be written"):
        pack(SOURCE, tmp_path / "file" / "a.zip")


# ---------------------------------------------------------------- reading


@pytest.mark.parametrize("example", ["hash_embedder", "seed_plain/my_extractor"])
def test_save_pack_unpack_pack_gives_the_same_archive_and_files(example, tmp_path):
    source = read_source(HASH_EMBEDDER.parent / example)
    write_source(source, tmp_path / "saved" / source.name)
    first = pack(read_source(tmp_path / "saved" / source.name), tmp_path / "first.zip")
    done = unpack(first.path, tmp_path / "out")
    again = pack(read_source(done.path), tmp_path / "again.zip")
    assert again.sha256 == first.sha256
    assert everything_below(done.path) == everything_below(tmp_path / "saved" / source.name)
    assert done.source == source
    assert done.path == tmp_path / "out" / source.name


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("prefix", ["my_extractor/", "", "./", "./my_extractor/"])
def test_both_layouts_are_read_in_zip_and_tar(form, prefix, tmp_path):
    long = "deep/" * 25 + "é" * 40 + ".txt" if form != tarfile.USTAR_FORMAT else "é.txt"
    files = {**FILES, long: "x\r\n" * 9}
    named = {f"{prefix}{name}": text.encode() for name, text in files.items()}
    expected = ExtractorSource(TOP, tuple(files.items()))
    tar = tarred(*named.items(), good=False, form=form)
    for archive in (tar, gzipped(tar), zipped(*map(Zipped, named, named.values()), good=False)):
        assert read_archive(archive) == expected
    for name in ("x.tar", "x.tgz", "x.tar.gz", "x.zip"):
        kind = {".tar": tar, ".zip": zipped(good=True)}.get(Path(name).suffix, gzipped(tar))
        (tmp_path / name).write_bytes(kind)
        assert read_archive(tmp_path / name).name == TOP


def test_what_systems_and_python_add_is_left_out_and_other_files_are_told():
    junk = ["my_extractor/.DS_Store", "__MACOSX/my_extractor/._manifest.py", ".git/config.py",
            "my_extractor/__pycache__/manifest.cpython-311.pyc", "._x"]  # fmt: skip
    others = ["my_extractor/weights.bin", "my_extractor/inner.zip"]
    nested = {name: zipped() for name in others}
    contents = read_contents(zipped(*(Zipped(n, nested.get(n, b"\0")) for n in [*junk, *others])))
    assert contents.source == SOURCE
    assert contents.left_out == ("inner.zip", "weights.bin")
    assert read_contents(tarred(*((name, b"\0") for name in [*junk, *others]))) == contents


def test_folders_and_extra_fields_and_a_comment_are_no_obstacle():
    times = struct.pack("<HHBL", 0x5455, 5, 1, 0)
    folders = [Zipped(f"{TOP}/", b"", 0o40755, 0), a("empty/", b"", mode=0o40755, method=0)]
    assert read_archive(zipped(*folders, a("b.py", extra=times), comment=b"0" * 40)).paths == (
        "b.py", "manifest.py", "pipeline.py",
    )  # fmt: skip
    assert read_archive(tarred(pax_headers={"comment": "0" * 40})) == SOURCE  # as GitHub makes them


def test_streamed_archives_are_read():
    """As `zip -r - folder | …` and Python write them: sizes behind the content."""
    data = b"y = 2\n" * 50
    plain = a("b.py", data)
    body = zlib.compress(data, 9, wbits=-15)
    told = (zlib.crc32(data), len(body), len(data))
    nothing = {"crc": 0, "packed": 0, "size": 0}
    wide = struct.pack("<HHQQ", 1, 16, 0, 0)
    for form, mark, local in [
        ("<LLL", b"PK\7\x08", nothing), ("<LLL", b"", {**nothing, "size": len(data)}),
        ("<LQQ", b"PK\7\x08", {"crc": 0, "packed": 2**32 - 1, "size": 2**32 - 1, "extra": wide}),
    ]:  # fmt: skip
        behind = mark + struct.pack(form, *told)
        entry = Zipped(plain.name, data, flags=8, local=local, behind=behind)
        assert read_archive(zipped(entry)).text("b.py") == data.decode()
    lying = Zipped(plain.name, data, flags=8, local=nothing, behind=struct.pack("<LLL", 1, 2, 3))
    with pytest.raises(SourceError, match="other sizes behind its content"):
        read_archive(zipped(lying))


def test_names_of_macos_and_names_said_twice():
    assert "é.py" in read_archive(zipped(a("é.py"), Zipped("my_extractor/ü.py".encode()))).paths
    raw = b"my_extractor/b.py"
    again = struct.pack("<HHBL", 0x7075, 5 + len(raw), 1, zlib.crc32(raw)) + raw
    assert "b.py" in read_archive(zipped(a("b.py", extra=again))).paths


@pytest.mark.parametrize(
    ("top", "name"),
    [("my_extractor/", "my_extractor"), ("my_extractor-main/", "my_extractor"),
     ("", "my_extractor"), ("src/", "src")],
)  # fmt: skip
def test_the_name_is_the_folders_or_the_manifests(top, name):
    files = [Zipped(f"{top}{path}", text.encode()) for path, text in FILES.items()]
    assert read_archive(zipped(*files, good=False)).name == name
    assert read_archive(zipped(*files, good=False), "mine").name == "mine"


def test_without_a_readable_manifest_the_name_is_the_files(tmp_path):
    (tmp_path / "broken_one.zip").write_bytes(zipped(Zipped("manifest.py", b"x ="), good=False))
    assert read_archive(tmp_path / "broken_one.zip").name == "broken_one"


# ---------------------------------------------------------------- attacks

NAMES = {
    "../evil.py": "leads elsewhere",
    "my_extractor/../../evil.py": "leads elsewhere",
    "my_extractor/./evil.py": "leads elsewhere",
    "my_extractor//evil.py": "leads elsewhere",
    "..": "leads elsewhere",
    "/etc/evil.py": "absolute path",
    "//host/evil.py": "absolute path",
    "C:/evil.py": "absolute path",
    "c:evil.py": "absolute path",
    "my_extractor\\evil.py": "backslash",
    "..\\evil.py": "backslash",
    "my_extractor/a:b.py": "Windows",
    "my_extractor/nul": "Windows",
    "my_extractor/COM1.txt": "Windows",
    "my_extractor/lpt9/x.py": "Windows",
    "my_extractor/x.py.": "Windows",
    "my_extractor/x /y.py": "Windows",
    "my_extractor/a\x1b[31m.py": "control character",
    "my_extractor/a\n.py": "control character",
    "my_extractor/MANIFEST.py": "are one name",
    "My_Extractor/other.py": "are one name",
    "my_extractor/manifest.py/x.py": "both a file and a folder",
    "my_extractor": "both a file and a folder",
    "my_extractor/" + "x" * 300 + ".py": "too long",
    "my_extractor/" + "x/" * 50 + "a.py": "folders deep",
    "my_extractor/" + ("x" * 99 + "/") * 12 + "a.py": "too long",
    "my_extractor/manifest.py": "is in it twice",
    ".hidden/../../evil.py": "leads elsewhere",
    "__MACOSX/../../evil.py": "leads elsewhere",
    "__MACOSX/con": "Windows",
}

BOMB = bytes(11 * 1024 * 1024)
LONGER = b"x = 1\n" * 3
HIDDEN = zipped(Zipped("my_extractor/manifest.py", b"evil"), good=False)
UP = b"my_extractor/../evil"

ZIPS = {
    "symlink": (zipped(a("link.py", b"/etc/passwd", mode=0o120777)), "a symbolic link"),
    "device": (zipped(a("dev", b"", mode=0o020666)), "a device"),
    "pipe": (zipped(a("pipe", b"", mode=0o010644)), "a pipe"),
    "folder as file": (zipped(a("dir", b"", mode=0o040755)), "written as a file"),
    "folder with content": (zipped(a("dir/", b"abc", mode=0o040755)), "has content"),
    "NFC and NFD": (zipped(a("\u00e9.py"), a("e\u0301.py")), "are one name"),
    "a later form of zip": (zipped(a("b.py", central={"needed": 99})), "needs version 9.9"),
    "encrypted": (zipped(a("s.py", flags=1)), "is encrypted.*without a password"),
    "strong encryption": (zipped(a("s.py", flags=0x41)), "is encrypted"),
    "odd flags": (zipped(a("s.py", flags=0x20)), "flags 0x0020"),
    "bzip2": (zipped(a("b.py", method=12)), "packed with bzip2.*deflate"),
    "unknown method": (zipped(a("b.py", method=77)), "packed with method 77"),
    "not UTF-8": (zipped(Zipped(b"my_extractor/\xff.py", flags=0x800)), "says that it is UTF-8"),
    "cp437": (zipped(Zipped(b"my_extractor/\x82.py")), "in another encoding"),
    "other local name": (zipped(a("b.py", local={"name": UP})), "another name in its own header"),
    "other unicode path": (
        zipped(a("b.py", extra=struct.pack("<HHBL", 0x7075, 5 + len(UP), 1, 0) + UP)),
        "another name in an extra field",
    ),
    "bad extra": (zipped(a("b.py", extra=b"\1\0\xff\xff")), "extra fields are damaged"),
    "other local size": (zipped(a("b.py", local={"size": 1})), "other sizes in its own header"),
    "other local method": (zipped(a("b.py", local={"method": 0})), "told of in two ways"),
    "inflates to more": (
        zipped(a("b.py", body=zlib.compress(LONGER, wbits=-15))), "larger than the 6 bytes it says",
    ),
    "inflates to less": (
        zipped(a("b.py", body=zlib.compress(b"x", wbits=-15))), "holds 1 bytes, and says 6",
    ),
    "data behind its end": (
        zipped(a("b.py", body=zlib.compress(b"x = 1\n", wbits=-15) + b"more")), "behind its end",
    ),
    "cut off inside": (
        zipped(a("b.py", body=zlib.compress(b"x = 1\n", wbits=-15)[:-2])), "cut off|damaged",
    ),
    "no deflate": (zipped(a("b.py", body=b"\xff" * 20)), "is damaged"),
    "wrong checksum": (
        zipped(a("b.py", local={"crc": 7}, central={"crc": 7})), "its checksum does not fit",
    ),
    "stored with two sizes": (zipped(a("b.py", method=0, body=b"x")), "has two sizes"),
    "bomb": (zipped(a("zeros.txt", BOMB)), "only a zip bomb"),
    "bomb that lies": (
        zipped(a("zeros.txt", b"x" * 6, body=zlib.compress(BOMB, 9, wbits=-15))),
        "larger than the 6 bytes it says",
    ),
    "data before": (zipped(before=b"#!/bin/sh\n"), "bytes before .* belong to nothing"),
    "data before, not told": (b"MZ" + zipped(), "2 bytes away"),
    "data behind": (zipped(behind=b"tail"), "cut off, or data was added"),
    "data between": (zipped(a("b.py", behind=b"junk"), a("c.py")), "4 bytes before .*c.py"),
    "data before the directory": (zipped(a("b.py", behind=b"junk")), "4 bytes that its directory"),
    "hidden archive in front": (HIDDEN + zipped(), "bytes away"),
    "two directories": (
        zipped(comment=HIDDEN), "two directories",
    ),
    "a mark in the comment": (zipped(comment=b"PK\5\6 is how it begins"), "two directories"),
    "overlap": (zipped(a("b.py", central={"offset": 0})), "overlaps"),
    "beyond the directory": (
        zipped(a("b.py", local={"packed": 9999}, central={"packed": 9999})),
        "overlaps with the directory",
    ),
    "offset into nothing": (zipped(a("b.py", central={"offset": 10**6})), "belong to nothing"),
    "in parts": (zipped(disk=1, first=1), "one part of several"),
    "entry of another part": (zipped(a("b.py", central={"disk": 3})), "one part of several"),
    "zip64": (zipped(begin=0xFFFFFFFF), "bytes away|zip64"),
    "zip64 entry": (zipped(a("b.py", central={"size": 0xFFFFFFFF})), "zip64"),
    "fewer entries than told": (zipped(entries=9, here=9), "directory is damaged|cut off"),
    "more entries than told": (zipped(entries=1, here=1), "more or less than it says"),
    "too many entries": (zipped(entries=60_000, here=60_000), "60,000 entries.*1,000 files"),
    "too many files": (
        zipped(*(a(f"f{n}.py", b"", method=0) for n in range(1_000))), "more than 1,000 files",
    ),
    "too many folders": (
        zipped(*(a(f"f{n}/", b"", method=0) for n in range(4_000))), "4,002 entries",
    ),
    "empty": (zipped(good=False), "holds no files"),
    "only junk": (zipped(Zipped(".DS_Store"), good=False), "holds no files"),
    "no manifest": (zipped(Zipped("a/b.py"), good=False), "no manifest.py"),
    "manifest too deep": (
        zipped(Zipped("a/b/manifest.py"), good=False), "Its manifest.py is in a/b/.*Pack that",
    ),
    "two packages": (zipped(Zipped("other/manifest.py")), "packages: my_extractor/, other/"),
    "a file beside": (zipped(Zipped("README.md")), "README.md is beside it"),
    "not UTF-8 inside": (zipped(a("b.py", b"a\n\xff")), r"b.py is not UTF-8: byte 2 \(line 2\)"),
    "another encoding": (zipped(a("b.py", b"# coding: latin-1\n")), "declares the encoding"),
}  # fmt: skip

TAR = tarred()
SPARSE = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}


def _broken_header() -> bytes:
    """The second file's header with a wrong checksum: `tarfile` would end there."""
    data = bytearray(TAR)
    data[data.index(b"my_extractor/pipeline.py")] ^= 1
    return bytes(data)


def _larger(size: int) -> bytes:
    data = bytearray(tarred(("my_extractor/b.py", b"abc")))
    at = data.index(b"my_extractor/b.py")
    data[at + 124 : at + 136] = b"%011o\0" % size
    data[at + 148 : at + 156] = b"%06o\0 " % (
        sum(data[at : at + 512]) - sum(data[at + 148 : at + 156]) + 8 * 32
    )
    return bytes(data)


def _header(kind: bytes, length: int, **fields: bytes) -> bytes:
    """A tar header of that type, with its checksum."""
    size = fields.get("size", b"%011o\0" % length)
    head = bytearray(b"h".ljust(100, b"\0") + b"0000644\0".ljust(24, b"0") + size + bytes(376))
    head[148:157] = b" " * 8 + kind
    head[257:265] = b"ustar\x0000"
    head[148:156] = b"%06o\0 " % sum(head)
    return bytes(head)


PAX_HEADER = _header(b"x", 13) + b"13 comment=a\n".ljust(512, b"\0")

TARS = {
    "symlink": (tarred(member(f"{TOP}/a.py", type=b"2", linkname="/etc/passwd")), "symbolic link"),
    "hard link": (tarred(member(f"{TOP}/a.py", type=b"1", linkname="/etc/passwd")), "a hard link"),
    "character device": (tarred(member(f"{TOP}/a", type=b"3")), "a device"),
    "block device": (tarred(member(f"{TOP}/a", type=b"4")), "a device"),
    "pipe": (tarred(member(f"{TOP}/a", type=b"6")), "a pipe"),
    "contiguous": (tarred(member(f"{TOP}/a", type=b"7")), "of type"),
    "unknown type": (tarred(member(f"{TOP}/a", type=b"Z")), "of type"),
    "old sparse": (tarred(member(f"{TOP}/a", type=b"S")), "sparse"),
    "pax sparse": (tarred(member(f"{TOP}/a", size=512, pax_headers=SPARSE)), "sparse|pax|damaged"),
    "pax path": (tarred(member("a", pax_headers={"path": "../evil.py"})), "leads elsewhere"),
    "pax size": (tarred(member(f"{TOP}/a", size=3, pax_headers={"size": "1"})), "overrides `size`"),
    "pax headers in a row": (PAX_HEADER * 2_000 + TAR, "too many in a row"),
    "long pax header": (_header(b"x", 5_000_000) + bytes(5_000_192) + TAR, "too long"),
    "long link name": (_header(b"K", 3) + b"abc".ljust(512, b"\0") + TAR, "a link's long name"),
    "solaris header": (_header(b"X", 0) + TAR, "Solaris"),
    "size in binary": (_header(b"0", 0, size=b"\x80" + bytes(11)) + TAR, "size is no number"),
    "pax charset": (
        tarred(member(f"{TOP}/a", pax_headers={"hdrcharset": "BINARY"})), "overrides `hdrcharset`",
    ),
    "global path": (tarred(pax_headers={"path": "../evil.py"}), "leads elsewhere"),
    "global good path": (tarred(pax_headers={"path": "b.py"}), "overrides `path`"),
    "bad UTF-8": (tarred((f"{TOP}/\udcff.py", b""), form=tarfile.GNU_FORMAT), "not UTF-8"),
    "NFC and NFD": (tarred((f"{TOP}/\u00e9.py", b""), (f"{TOP}/e\u0301.py", b"")), "are one name"),
    "broken header": (_broken_header(), "damaged|behind its end"),
    "cut off": (TAR[: 512 * 3], "cut off|damaged"),
    "no end": (TAR[: TAR.rindex(b"return batch") // 512 * 512 + 512], "end of the archive is miss"),
    "data behind": (TAR + b"more", "behind its end"),
    "another archive behind": (TAR + TAR, "behind its end"),
    "size too large": (_larger(10**6), "cut off|damaged|missing"),
    "size of petabytes": (_larger(8**11 - 1), "cut off|damaged|missing"),
    "too many files": (tarred(*((f"{TOP}/f{n}.py", b"") for n in range(1_000))), "1,000 files"),
    "too many entries": (
        tarred(*(member(f"{TOP}/f{n}", type=b"5") for n in range(4_000))), "4,000 entries",
    ),
    "empty": (tarred(good=False), "holds no files|neither"),
}  # fmt: skip

GZIPS = {
    "two members": (gzipped(TAR) + gzipped(TAR), "behind the end of its gzip stream"),
    "garbage behind": (gzipped(TAR) + b"garbage", "behind the end of its gzip stream"),
    "zeros behind": (gzipped(TAR) + bytes(512), "behind the end of its gzip stream"),
    "cut off": (gzipped(TAR)[:-20], "cut off"),
    "wrong checksum": (gzipped(TAR)[:-8] + bytes(8), "damaged"),
    "no tar inside": (gzipped(b"hello"), "no tar archive"),
    "zip inside": (gzipped(zipped()), "no tar archive"),
    "empty inside": (gzipped(b""), "no tar archive"),
    "bomb": (gzipped(tarred((f"{TOP}/zeros.txt", BOMB))), "only a zip bomb"),
}

NOTHING = {
    "nothing": (b"", "neither a zip nor a tar"),
    "text": (b"hello", "neither a zip nor a tar"),
    "one kilobyte of zeros": (bytes(1024), "neither a zip nor a tar"),
    "bzip2": (b"BZh91AY", r"packed with bzip2.*\.tar\.gz"),
    "7z": (b"7z\xbc\xaf\x27\x1c", "packed with 7z"),
}

ATTACKS = {
    **{f"zip name {n!a}"[:60]: (zipped(Zipped(n, method=0)), m) for n, m in NAMES.items()},
    **{f"tar name {n!a}"[:60]: (tarred((n, b"x")), m) for n, m in NAMES.items()},
    **{f"zip {name}": case for name, case in ZIPS.items()},
    **{f"tar {name}": case for name, case in TARS.items()},
    **{f"tar.gz {name}": (gzipped(data), m) for name, (data, m) in TARS.items()},
    **{f"gzip {name}": case for name, case in GZIPS.items()},
    **{f"neither {name}": case for name, case in NOTHING.items()},
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_are_refused_and_leave_nothing_behind(attack, tmp_path):
    data, message = ATTACKS[attack]
    (tmp_path / "in").mkdir()
    archive = tmp_path / "in" / "attack.zip"
    archive.write_bytes(data)
    before = everything_below(tmp_path)
    with pytest.raises(SourceError, match=f"(?s)attack.zip was not read.*({message})") as caught:
        unpack(archive, tmp_path / "out")
    assert everything_below(tmp_path) == before
    assert "\x1b" not in str(caught.value)
    assert len(str(caught.value)) < 1_000
    with pytest.raises(SourceError, match="The archive was not read"):
        read_archive(data)


def test_half_a_gigabyte_is_the_limit_and_is_counted_while_inflating(monkeypatch):
    random_text = random.Random(7).randbytes(40_000).hex().encode()
    big = zipped(a("data.txt", random_text))
    assert read_archive(big).text("data.txt") == random_text.decode()
    monkeypatch.setattr(f"{LIMITS}.MAX_BYTES", 80_000)
    with pytest.raises(SourceError, match=r"It holds more than .* MB.*model weights"):
        read_archive(big)
    with pytest.raises(SourceError, match=r"It holds more than .* MB"):
        read_archive(gzipped(tarred(("my_extractor/data.bin", random_text))))
    monkeypatch.setattr("mixpeek_lab.archives.reading.MAX_BYTES", 1_000)
    with pytest.raises(SourceError, match=r"It has .* MB"):
        read_archive(big)


def test_an_existing_folder_is_not_touched(tmp_path):
    (tmp_path / "a.zip").write_bytes(zipped())
    (tmp_path / TOP).mkdir()
    (tmp_path / TOP / "mine.py").write_text("kept")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / TOP).symlink_to(tmp_path / "elsewhere")
    before = everything_below(tmp_path)
    for folder in (tmp_path, tmp_path / "linked"):
        with pytest.raises(ConflictError, match="is there already"):
            unpack(tmp_path / "a.zip", folder)
    with pytest.raises(InvalidInputError, match="cannot be written"):
        unpack(tmp_path / "a.zip", tmp_path / "a.zip" / "below")
    assert everything_below(tmp_path) == before


def test_a_missing_file_is_said(tmp_path):
    with pytest.raises(SourceError, match=r"There is no file .*absent\.zip"):
        read_archive(tmp_path / "absent.zip")
    with pytest.raises(SourceError, match="is no file"):
        read_archive(tmp_path)


# ---------------------------------------------------------------- properties

PARTS = st.text("abcXYZ019_- é", min_size=1, max_size=8)
PATHS = st.builds(
    lambda parts, suffix: "/".join(parts) + suffix,
    st.lists(PARTS, min_size=1, max_size=4),
    st.sampled_from([".py", ".txt", ".json", ".md", ".toml"]),
)
WILD = st.text(st.characters(exclude_categories=()), min_size=1, max_size=12)
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.one_of(PATHS, WILD), TEXTS, max_size=6))
def test_any_source_comes_back_as_it_was_or_is_not_packed(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("pack")
    try:
        source = ExtractorSource("demo", tuple({"manifest.py": "", **files}.items()))
        packed = pack(source, folder)
    except SourceError:
        assert everything_below(folder) == {}
        return
    assert read_archive(packed.path) == source
    assert read_archive(packed.path.read_bytes()) == source
    tar = tarred(*((f"demo/{path}", text.encode()) for path, text in source.files), good=False)
    assert read_archive(gzipped(tar)) == source


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(PATHS, TEXTS, max_size=6))
def test_ordinary_sources_are_packed(tmp_path_factory, files):
    files = {path.replace(" ", "_"): text for path, text in files.items()}
    if len({path.casefold() for path in files}) < len(files):
        return
    source = ExtractorSource("demo", tuple({"manifest.py": "", **files}.items()))
    assert read_archive(pack(source, tmp_path_factory.mktemp("pack")).path) == source


MUTATIONS = st.lists(
    st.tuples(st.sampled_from(["set", "cut", "add", "copy"]), st.floats(0, 1), st.integers(0, 255)),
    min_size=1,
    max_size=6,
)


def _mutated(data: bytes, mutations) -> bytes:
    found = bytearray(data)
    for kind, place, value in mutations:
        at = int(place * (len(found) - 1)) if found else 0
        if kind == "set" and found:
            found[at] = value
        elif kind == "cut":
            del found[at : at + value % 40]
        elif kind == "add":
            found[at:at] = bytes([value]) * (value % 5)
        elif kind == "copy":
            found[at:at] = found[: value * 3]
    return bytes(found)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["zip", "stored", "tar", "tar.gz", "gnu"]), MUTATIONS)
def test_damaged_archives_are_refused_or_mean_what_others_read(tmp_path_factory, kind, mutations):
    originals = {
        "zip": zipped(a("ä.txt", b"text")), "stored": zipped(a("b.py", method=0)),
        "tar": TAR, "tar.gz": TAR,
        "gnu": tarred((f"{TOP}/" + "x" * 120, b""), form=tarfile.GNU_FORMAT),
    }  # fmt: skip
    data = _mutated(originals[kind], mutations)
    if kind == "tar.gz":
        data = _mutated(gzipped(data), mutations[:1]) if mutations[0][2] % 2 else gzipped(data)
    folder = tmp_path_factory.mktemp("mutated")
    try:
        done = unpack(data, folder / "out")
    except SourceError:
        assert everything_below(folder) == {}
        return
    assert {Path(path).parts[0] for path in everything_below(folder)} == {"out"}
    assert read_source(done.path, done.source.name) == done.source
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            read = {name: archive.read(name) for name in archive.namelist()}
        top = "" if "manifest.py" in read else f"{next(iter(read)).split('/')[0]}/"
        assert {p: read[top + p].decode() for p in done.source.paths} == dict(done.source.files)


# ---------------------------------------------------------------- the lab, its magics, its commands


def test_the_lab_packs_and_loads_archives(kernel_lab, tmp_path):
    packed = kernel_lab.pack("hash_embedder", tmp_path)
    assert read_archive(packed.path) == kernel_lab.extractor("hash_embedder").source
    (tmp_path / "mine.zip").write_bytes(zipped(a("model.onnx", b"\0\1")))
    (tmp_path / "mine.tar.gz").write_bytes(gzipped(TAR))
    definition = kernel_lab.load(tmp_path / "mine.zip")
    assert definition.is_kept
    assert "Left out, being no text of an extractor: model.onnx." in str(definition.findings[-1])
    assert kernel_lab.load(tmp_path / "mine.tar.gz").source == definition.source
    assert kernel_lab.preview(TOP, ["a text"]).documents.num_rows == 1
    with pytest.raises(SourceError, match="There is no file"):
        kernel_lab.load(tmp_path / "absent.zip")


def test_the_command_packs_and_unpacks(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_source(SOURCE, tmp_path / TOP)
    assert main(["pack", TOP]) == 0
    told = capsys.readouterr().out
    assert told == f"Packed {TOP} as {pack(SOURCE, tmp_path / 'x.zip')}\n".replace(
        str(tmp_path / "x.zip"), f"{TOP}.zip"
    )
    assert main(["unpack", f"{TOP}.zip", "out"]) == 0
    assert "Unpacked my_extractor to out/my_extractor: manifest.py" in capsys.readouterr().out
    assert everything_below(tmp_path / "out" / TOP) == everything_below(tmp_path / TOP)
    assert main(["unpack", f"{TOP}.zip", "out"]) == 1
    assert "is there already" in capsys.readouterr().err
    (tmp_path / TOP / "labels.csv").write_text("a,b\n")
    assert main(["pack", TOP, "again.zip"]) == 0
    assert "Left out, being no text of an extractor: labels.csv." in capsys.readouterr().out
    assert main(["pack", f"{TOP}.zip", "again.zip"]) == 0
    assert Path("again.zip").read_bytes() == Path(f"{TOP}.zip").read_bytes()


def test_a_package_with_lint_errors_is_packed_by_force_alone(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    bad = SOURCE.with_file("pipeline.py", f"{FILES['pipeline.py']}\neval('1')\n")
    write_source(bad, tmp_path / "my_extractor")
    assert main(["pack", "my_extractor"]) == 1
    assert "SEC002 pipeline.py:9" in capsys.readouterr().err
    assert not Path("my_extractor.zip").exists()
    assert main(["pack", "my_extractor", "--force"]) == 0
    assert read_archive("my_extractor.zip") == bad
    assert main(["pack", "my_extractor", "--name", "other"]) == 1
    assert "LAB001" in capsys.readouterr().err


def test_the_lab_does_not_pack_what_its_checks_refuse(tmp_path):
    from mixpeek_lab.workbench.packages import pack_checked

    with pytest.raises(ManifestError, match="MAN") as caught:
        pack_checked(SOURCE.with_file("manifest.py", "x = 1\n"), tmp_path / "a.zip")
    assert any(finding.severity == "error" for finding in caught.value.findings)
    assert everything_below(tmp_path) == {}
