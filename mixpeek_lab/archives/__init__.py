"""Extractors as archives: the deterministic .zip that Mixpeek takes, and .zip and .tar.gz read.

An archive is somebody else's data. It is read strictly and within limits, as a whole and in
memory, before anything is written: one that is refused leaves nothing behind.
"""

from mixpeek_lab.archives.packing import Packed, pack
from mixpeek_lab.archives.reading import Contents, read_archive, read_contents
from mixpeek_lab.archives.unpacking import Unpacked, unpack

__all__ = ["Contents", "Packed", "Unpacked", "pack", "read_archive", "read_contents", "unpack"]
