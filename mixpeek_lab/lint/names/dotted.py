"""Full names of things outside the package, brought to the one under which they are known."""

from __future__ import annotations

from functools import lru_cache

REEXPORTED = frozenset(
    {
        "os", "sys", "builtins", "subprocess", "socket", "ctypes", "importlib", "io", "posix",
        "pickle", "marshal", "threading", "multiprocessing", "runpy", "codecs", "pathlib", "pty",
        "asyncio", "joblib",
    }
)  # fmt: skip
"""Modules that others import, and so can be reached through: `shutil.os`, `random._os`."""
CLOSED = frozenset(
    {"os", "sys", "builtins", "importlib", "io", "subprocess", "ctypes", "socket", "pty",
     "multiprocessing", "shutil", "marshal", "pickle", "runpy"}
)  # fmt: skip
"""Modules in which a name that is not known may be a dangerous one."""
_SAME = {
    "posix": "os", "nt": "os", "_io": "io", "_pickle": "pickle", "__builtin__": "builtins",
    "_operator": "operator", "_functools": "functools", "_socket": "socket", "_ctypes": "ctypes",
    "_codecs": "codecs", "_signal": "signal", "_asyncio": "asyncio", "_thread": "threading",
    "pathlib.PosixPath": "pathlib.Path", "pathlib.WindowsPath": "pathlib.Path",
    "pathlib._local": "pathlib", "concurrent.futures.process": "concurrent.futures",
    "concurrent.futures.mp": "multiprocessing", "asyncio.subprocess": "asyncio",
    "pickle._Unpickler": "pickle.Unpickler",
}  # fmt: skip
_KEPT = ("torch.multiprocessing", "asyncio.subprocess")
_SAME |= {f"{name}.value": name for name in CLOSED}  # a member of an Enum
MAX_LENGTH = 200


@lru_cache(maxsize=4096)
def normal(name: str) -> str:
    """`shutil.os.system` and `posix.system` → `os.system`."""
    if len(name) > MAX_LENGTH:
        return name[:MAX_LENGTH]
    parts = name.split(".")
    if not name.startswith(_KEPT):
        for index in range(len(parts) - 1, 0, -1):
            if parts[index].lstrip("_") in REEXPORTED and "()" not in "".join(parts[:index]):
                parts = [parts[index].lstrip("_"), *parts[index + 1 :]]
                break
    for length in (4, 3, 2, 1):
        same = _SAME.get(".".join(parts[:length]))
        if same is not None:
            parts = [*same.split("."), *parts[length:]]
            break
    return ".".join(parts)
