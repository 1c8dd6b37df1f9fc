"""What kind of thing some bytes are: text, image, audio, video, PDF, told by their content.

A table of signatures of our own: `puremagic` calls M4A a video, WebM audio a video and SVG plain
XML (and its 2.x needs Python 3.12), `filetype` knows no SVG and was last released in 2022.
"""

from mixpeek_lab.media.kinds import UNKNOWN, kind_of, promised_kind, size_text, suffix_of
from mixpeek_lab.media.sniffing import HEAD_BYTES, sniff

__all__ = ["HEAD_BYTES", "UNKNOWN", "kind_of", "promised_kind", "size_text", "sniff", "suffix_of"]
