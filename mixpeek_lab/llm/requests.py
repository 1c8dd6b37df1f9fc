"""What a model is asked, and what it answers."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.llm.providers import provider_named

_KINDS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
)


@dataclass(frozen=True, slots=True)
class Image:
    """One picture: its bytes as they are in a PNG, JPEG, GIF or WebP file."""

    data: bytes
    mime_type: str

    @property
    def base64(self) -> str:
        """The bytes in base64."""
        return base64.b64encode(self.data).decode()

    @classmethod
    def of(cls, given: object) -> Image:
        """From bytes, a path, a `data:` URI or a PIL image. InvalidInputError for anything else."""
        if isinstance(given, Image):
            return given
        if hasattr(given, "save") and hasattr(given, "mode"):  # a PIL image
            buffer = io.BytesIO()
            given.save(buffer, format="PNG")
            return cls(buffer.getvalue(), "image/png")
        data = _bytes(given)
        return cls(data, _mime_type(data))


@dataclass(frozen=True, slots=True)
class LLMRequest:
    """One question to a model. InvalidInputError where it cannot be asked.

    `instruction` says what to do, with `text` and `images` (see `Image.of`). `schema` is a JSON
    Schema that the answer's `.data` will meet. An empty `model` is the provider's first one.
    """

    instruction: str
    text: str = ""
    images: Sequence[Any] = ()
    provider: str = "google"
    model: str = ""
    schema: Mapping[str, Any] | None = None
    temperature: float | None = None
    """The provider's own default where None."""
    max_tokens: int = 8192
    """Tokens of the answer, at most."""
    timeout_s: float = 120.0
    """Seconds to wait for the provider without hearing from it."""
    use_cache: bool = True
    """Whether an earlier answer to the same question will do."""

    def __post_init__(self) -> None:
        provider = provider_named(self.provider)
        for name in ("instruction", "text", "model"):
            if not isinstance(getattr(self, name), str):
                raise _invalid(f"{name} is text, not {type(getattr(self, name)).__name__}")
        if not (self.instruction.strip() or self.text.strip()):
            raise _invalid("there is neither an instruction nor a text")
        if not (self.model or provider.models):
            raise _invalid(f"provider {self.provider!r} has no default model: name one (model=…)")
        if self.schema is not None and not isinstance(self.schema, Mapping):
            raise _invalid("schema is a JSON Schema as a dict (of pydantic: model_json_schema())")
        if self.max_tokens < 1 or self.timeout_s <= 0:
            raise _invalid("max_tokens and timeout_s are greater than 0")
        if isinstance(self.images, str | bytes) or not isinstance(self.images, Sequence):
            raise _invalid("images is a list")
        object.__setattr__(self, "model", self.model or provider.models[0])
        object.__setattr__(self, "images", tuple(map(Image.of, self.images)))


@dataclass(frozen=True, slots=True)
class LLMUsage:
    """Tokens of one answer, as the provider counts them for its bill."""

    input_tokens: int = 0
    """All that was read, `cached_tokens` included."""
    output_tokens: int = 0
    """All that was written, the model's own thinking included."""
    cached_tokens: int = 0
    """Of the input: read from the provider's prompt cache, at a lower price."""


@dataclass(frozen=True, slots=True)
class LLMAnswer:
    """A model's answer."""

    data: Any
    """What the schema asked for; the text where there was no schema."""
    text: str
    """The answer as the model wrote it."""
    provider: str
    model: str
    """The model as the provider names it in its answer."""
    usage: LLMUsage
    """Tokens when it was answered; of a kept answer as well."""
    cost: float | None
    """US dollars spent on this call: 0 for a kept answer and for a local model, None where the
    model's price is not known."""
    cached: bool = False
    """Whether it is an earlier answer to the same question."""


def digest(image: Image) -> str:
    """Stands for a picture in a cache key."""
    return f"{image.mime_type} {hashlib.sha256(image.data).hexdigest()}"


def _bytes(given: object) -> bytes:
    if isinstance(given, bytes | bytearray | memoryview):
        return bytes(given)
    if isinstance(given, str) and given.startswith("data:"):
        return _from_data_uri(given)
    if isinstance(given, str) and "://" in given[:12] and not given.startswith("file://"):
        raise _invalid(f"image {given[:80]!r} is a URL: download it (open_asset) and give its path")
    if isinstance(given, str | Path):
        path = Path(str(given).removeprefix("file://"))
        try:
            return path.read_bytes()
        except OSError as error:
            raise _invalid(f"image {path} cannot be read ({error.strerror})") from error
    raise _invalid(f"an image is a path, bytes or a PIL image, not {type(given).__name__}")


def _from_data_uri(uri: str) -> bytes:
    head, _, body = uri.partition(",")
    try:
        if not head.endswith(";base64"):
            raise ValueError
        return base64.b64decode(body, validate=True)
    except (ValueError, binascii.Error) as error:
        raise _invalid("an image's data: URI is `data:image/…;base64,…`") from error


def _mime_type(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    for start, mime_type in _KINDS:
        if data.startswith(start):
            return mime_type
    raise _invalid("an image is neither PNG, JPEG, GIF nor WebP; convert it first")


def _invalid(what: str) -> InvalidInputError:
    return InvalidInputError(f"LLM request: {what}.")
