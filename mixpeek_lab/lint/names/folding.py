"""Pure operations on constants, done as Python does them, in bounded time and space.

Beside `manifests.folding`, which reads declarations and says why it cannot: here strings are
decoded, reversed and joined, because that is how names are hidden.
"""

from __future__ import annotations

import ast
import base64
import binascii
import codecs
import html
import json
import operator
import re
import string
import textwrap
import unicodedata
import urllib.parse
import zlib
from collections.abc import Callable, Mapping
from typing import Any

MAX_SIZE = 20_000
"""Elements, or characters, of a value that is followed."""
MAX_BITS = 256

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Mod: operator.mod,
    ast.FloorDiv: operator.floordiv, ast.Div: operator.truediv, ast.BitXor: operator.xor,
    ast.BitAnd: operator.and_, ast.BitOr: operator.or_, ast.RShift: operator.rshift,
    ast.LShift: operator.lshift,
}  # fmt: skip
_CONVERSIONS: dict[int, Callable[[Any], str]] = {ord("r"): repr, ord("s"): str, ord("a"): ascii}
_LONG_NUMBER = re.compile(r"\d{4}|\*")
_FIELD = re.compile(r"\{[^{}]*\}|%[^a-zA-Z%]*[a-zA-Z]")

_STRING_METHODS = frozenset(
    {
        "join", "replace", "lower", "upper", "strip", "lstrip", "rstrip", "split", "rsplit",
        "splitlines", "title", "capitalize", "swapcase", "casefold", "encode", "decode",
        "translate", "removeprefix", "removesuffix", "partition", "rpartition", "hex", "fromhex",
        "find", "rfind", "index", "rindex", "count", "startswith", "endswith", "maketrans",
        "isidentifier", "tobytes", "__str__", "__add__", "__mod__", "__getitem__", "__len__",
    }
)  # fmt: skip
_LIST_METHODS = frozenset({"index", "count", "__getitem__", "__len__"})
_TABLE_METHODS = frozenset({"keys", "items"})

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **{
        f"builtins.{function.__name__}": function
        for function in (
            chr, ord, str, bytes, bytearray, int, float, bool, hex, oct, bin, len, abs, min, max,
            sum, sorted, list, tuple, set, frozenset, dict, repr, ascii, divmod, any, all, round,
        )
    },
    "builtins.reversed": lambda items: list(reversed(items)),
    "builtins.zip": lambda *items: list(zip(*items, strict=False)),
    "builtins.enumerate": lambda items, start=0: list(enumerate(items, start)),
    "builtins.range": lambda *given: list(_small_range(*given)),
    "builtins.iter": list,
    "builtins.memoryview": bytes,
    "builtins.bytes.fromhex": bytes.fromhex,
    "builtins.bytearray.fromhex": bytes.fromhex,
    "builtins.str.maketrans": str.maketrans,
    "base64.b64decode": base64.b64decode,
    "base64.urlsafe_b64decode": base64.urlsafe_b64decode,
    "base64.standard_b64decode": base64.standard_b64decode,
    "base64.decodebytes": base64.decodebytes,
    "base64.b32decode": base64.b32decode,
    "base64.b16decode": base64.b16decode,
    "base64.a85decode": base64.a85decode,
    "base64.b85decode": base64.b85decode,
    "base64.b64encode": base64.b64encode,
    "binascii.unhexlify": binascii.unhexlify,
    "binascii.a2b_hex": binascii.a2b_hex,
    "binascii.a2b_base64": binascii.a2b_base64,
    "codecs.decode": lambda text, encoding="utf-8": codecs.decode(text, _harmless(encoding)),
    "codecs.encode": lambda text, encoding="utf-8": codecs.encode(text, _harmless(encoding)),
    "zlib.decompress": lambda data: zlib.decompressobj().decompress(data, MAX_SIZE),
    "json.loads": json.loads,
    "ast.literal_eval": ast.literal_eval,
    "urllib.parse.unquote": urllib.parse.unquote,
    "urllib.parse.unquote_plus": urllib.parse.unquote_plus,
    "html.unescape": html.unescape,
    "textwrap.dedent": textwrap.dedent,
    "sys.intern": str,
    "copy.copy": lambda value: value,
    "copy.deepcopy": lambda value: value,
    "os.fsdecode": lambda value: value.decode() if isinstance(value, bytes) else value,
    "unicodedata.normalize": unicodedata.normalize,
    "operator.add": operator.add,
    "operator.concat": operator.concat,
    "operator.mod": operator.mod,
    "operator.getitem": operator.getitem,
    "operator.xor": operator.xor,
}  # fmt: skip
"""Functions that depend on nothing but their arguments, by full name."""

CONSTANTS: Mapping[str, object] = {
    **{
        f"string.{name}": getattr(string, name)
        for name in (
            "ascii_letters", "ascii_lowercase", "ascii_uppercase", "digits", "hexdigits",
            "punctuation", "printable", "whitespace",
        )
    },
    "os.sep": "/", "os.name": "posix", "os.curdir": ".", "os.__name__": "os",
    "sys.platform": "linux", "typing.TYPE_CHECKING": False,
}  # fmt: skip
"""Names outside of the package whose values are known."""


class NotFoldedError(ValueError):
    """The operation fails, or would take too much."""


def binary(op: ast.operator, left: Any, right: Any) -> object:
    """`left op right`; NotFoldedError where Python would raise, or the result would be large."""
    operation = _OPERATORS.get(type(op))
    if operation is None:
        raise NotFoldedError
    if isinstance(op, ast.Mult):
        lengths = [len(side) for side in (left, right) if hasattr(side, "__len__")]
        counts = [abs(side) for side in (left, right) if isinstance(side, int)]
        if lengths and max(lengths) * max(counts, default=0) > MAX_SIZE:
            raise NotFoldedError
    if isinstance(op, ast.LShift) and not (isinstance(right, int) and right < MAX_BITS):
        raise NotFoldedError
    if isinstance(op, ast.Mod) and isinstance(left, str | bytes):
        _check_format(str(left))
    return _guarded(operation, left, right)


def method(owner: Any, name: str, args: list[Any], keywords: dict[str, Any]) -> object:
    """`owner.name(*args, **keywords)` for the methods of constants that only compute."""
    if isinstance(owner, str) and name == "format":
        _check_format(owner)
        return _guarded(owner.format, *args, **keywords)
    known = isinstance(owner, str | bytes) and name in _STRING_METHODS
    known = known or (isinstance(owner, list | tuple) and name in _LIST_METHODS)
    known = known or (isinstance(owner, int | float) and name in ("to_bytes", "__str__"))
    if isinstance(owner, dict) and name in _TABLE_METHODS:
        return _guarded(list, getattr(owner, name)())
    if not known:
        raise NotFoldedError
    if name == "replace" and args and len(str(owner)) * len(str(args[-1])) > MAX_SIZE * 10:
        raise NotFoldedError
    if name == "join" and len(owner) * _length(args) > MAX_SIZE:
        raise NotFoldedError
    if name == "to_bytes" and not (args and isinstance(args[0], int) and args[0] <= MAX_BITS):
        raise NotFoldedError
    if name in ("encode", "decode") and args:
        _harmless(args[0])
    found = getattr(owner, name, None)  # str and bytes differ in their methods
    return _guarded(found, *args, **keywords)


def _length(args: list[Any]) -> int:
    return len(args[0]) if args and hasattr(args[0], "__len__") else 0


def function(name: str, args: list[Any], keywords: dict[str, Any]) -> object:
    """One of FUNCTIONS; NotFoldedError where it raises or its result would be large."""
    if name in ("builtins.bytes", "builtins.bytearray") and args and isinstance(args[0], int):
        raise NotFoldedError
    return _guarded(FUNCTIONS[name], *args, **keywords)


def formatted(value: Any, conversion: int, spec: str) -> str:
    """One `{value!r:spec}` of an f-string."""
    if _LONG_NUMBER.search(spec):
        raise NotFoldedError
    convert = _CONVERSIONS.get(conversion)
    return str(_guarded(format, convert(value) if convert else value, spec))


def item(owner: Any, key: Any) -> object:
    """`owner[key]`."""
    return _guarded(operator.getitem, owner, key)


def _guarded(what: Any, *args: Any, **keywords: Any) -> object:
    try:
        found = what(*args, **keywords)
    except Exception as error:
        raise NotFoldedError from error
    size = len(found) if hasattr(found, "__len__") else 0
    if size > MAX_SIZE or (isinstance(found, int) and found.bit_length() > MAX_BITS):
        raise NotFoldedError
    return found


def _check_format(text: str) -> None:
    """Refuse widths of thousands, and fields that walk into attributes."""
    for spec in _FIELD.findall(text):
        if _LONG_NUMBER.search(spec) or (spec.startswith("{") and "." in spec.split(":")[0]):
            raise NotFoldedError


def _harmless(encoding: object) -> str:
    """Codecs that inflate are left out: a few bytes could become gigabytes."""
    name = str(encoding).lower()
    if any(part in name for part in ("zip", "zlib", "bz2", "idna", "punycode")):
        raise NotFoldedError
    return str(encoding)


def _small_range(*given: int) -> range:
    found = range(*given)
    if len(found) > MAX_SIZE:
        raise NotFoldedError
    return found
