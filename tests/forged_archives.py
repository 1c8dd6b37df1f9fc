"""Archives written byte by byte, so that a test can lie in any field of theirs."""

from __future__ import annotations

import gzip
import io
import struct
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

MANIFEST = b"""\
metadata = {"feature_extractor_name": "my_extractor", "version": "1.0.0"}
features = [
    {
        "feature_type": "embedding", "feature_name": "vec", "embedding_dim": 2,
        "distance_metric": "cosine",
    },
]
supported_input_types = ["text"]
"""
PIPELINE = b"""\
from shared.extractors.sdk import BatchProcessor


class Two(BatchProcessor):
    def process(self, batch):
        batch["vec"] = [[1.0, 2.0]] * len(batch)
        return batch
"""
TOP = "my_extractor"
GOOD = {f"{TOP}/manifest.py": MANIFEST, f"{TOP}/pipeline.py": PIPELINE}


@dataclass(frozen=True)
class Zipped:
    """One entry. `local` and `central` override fields of its two headers by name."""

    name: str | bytes
    data: bytes = b"x = 1\n"
    mode: int = 0o100644
    method: int = 8
    flags: int = 0
    local: Mapping[str, object] = field(default_factory=dict)
    central: Mapping[str, object] = field(default_factory=dict)
    body: bytes | None = None
    """The packed bytes, where they are not those of `data`."""
    behind: bytes = b""
    """What stands between its content and the next entry."""
    extra: bytes = b""


def zipped(
    *entries: Zipped,
    good: bool = True,
    before: bytes = b"",
    comment: bytes = b"",
    behind: bytes = b"",
    **end: int,
) -> bytes:
    """A zip archive: the good package's files (unless not `good`), then `entries`."""
    files = [Zipped(name, data) for name, data in GOOD.items()] if good else []
    out, directory = io.BytesIO(before), io.BytesIO()
    out.seek(0, io.SEEK_END)
    for entry in [*files, *entries]:
        offset = out.tell()
        fields = _fields(entry)
        out.write(_local({**fields, **entry.local}))
        out.write(fields["body"] + entry.behind)
        directory.write(_central({**fields, "offset": offset, **entry.central}))
    begin, count = out.tell(), len(files) + len(entries)
    out.write(directory.getvalue())
    told = {
        "disk": 0, "first": 0, "here": count, "entries": count, "length": directory.tell(),
        "begin": begin, **end,
    }  # fmt: skip
    out.write(struct.pack("<4s4H2LH", b"PK\5\6", *told.values(), len(comment)) + comment)
    return out.getvalue() + behind


def _fields(entry: Zipped) -> dict:
    name = entry.name.encode() if isinstance(entry.name, str) else entry.name
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    deflated = packer.compress(entry.data) + packer.flush()
    body = entry.body if entry.body is not None else deflated if entry.method == 8 else entry.data
    flags = entry.flags | (0x0800 if not name.isascii() and isinstance(entry.name, str) else 0)
    return {
        "name": name, "extra": entry.extra, "flags": flags, "method": entry.method,
        "crc": zlib.crc32(entry.data), "packed": len(body), "size": len(entry.data), "body": body,
        "attributes": entry.mode << 16,
    }  # fmt: skip


def _local(f: dict) -> bytes:
    head = struct.pack(
        "<4s5H3L2H", b"PK\3\4", 20, f["flags"], f["method"], 0, 33, f["crc"], f["packed"],
        f["size"], len(f["name"]), len(f["extra"]),
    )  # fmt: skip
    return head + f["name"] + f["extra"]


def _central(f: dict) -> bytes:
    head = struct.pack(
        "<4s6H3L5H2L", b"PK\1\2", 0x0314, f.get("needed", 20), f["flags"], f["method"], 0, 33,
        f["crc"], f["packed"], f["size"], len(f["name"]), len(f["extra"]), 0, f.get("disk", 0), 0,
        f["attributes"], f["offset"],
    )  # fmt: skip
    return head + f["name"] + f["extra"]


def tarred(
    *members: tuple[str, bytes] | tarfile.TarInfo,
    good: bool = True,
    form: int = tarfile.PAX_FORMAT,
    **options: object,
) -> bytes:
    """A tar archive: the good package's files (unless not `good`), then `members`."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=form, **options) as tar:
        for member in [*(GOOD.items() if good else ()), *members]:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member, io.BytesIO(bytes(member.size)))
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return out.getvalue()


def member(name: str, **fields: object) -> tarfile.TarInfo:
    """A tar header with the given fields."""
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    return info


def gzipped(data: bytes) -> bytes:
    """One gzip member."""
    return gzip.compress(data, mtime=0)
