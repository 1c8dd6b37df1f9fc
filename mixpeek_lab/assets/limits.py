"""How much an asset may cost: bytes, seconds and redirects, and which hosts may be local."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mixpeek_lab.assets.problems import AssetError
from mixpeek_lab.errors import InvalidInputError

ALL_HOSTS = "*"
ALLOW_LOCAL = "MIXPEEK_LAB_ALLOW_LOCAL_URLS"


def _setting(name: str, default: float) -> Callable[[], float]:
    """Reads a number from the environment when an AssetLimits is made."""

    def read() -> float:
        text = os.environ.get(name, "")
        try:
            return float(text) if text else default
        except ValueError:
            raise InvalidInputError(
                f"{name}={text!r} is not a number: unset or change it."
            ) from None

    return read


def _local_hosts() -> tuple[str, ...]:
    """`1` is every host, `0` or nothing is none, anything else a list with commas."""
    text = os.environ.get(ALLOW_LOCAL, "").strip()
    if text in ("", "0"):
        return ()
    return (ALL_HOSTS,) if text == "1" else tuple(filter(None, map(str.strip, text.split(","))))


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetLimits:
    """What one download may take. What is not given comes from the environment, else the default.

    Attributes:
        max_bytes: the most bytes of one asset; 2 GiB (`MIXPEEK_LAB_ASSET_MAX_BYTES`).
        connect_seconds: until a server accepts; 10 (`MIXPEEK_LAB_ASSET_CONNECT_SECONDS`).
        read_seconds: between two pieces of an answer; 30 (`MIXPEEK_LAB_ASSET_READ_SECONDS`).
        total_seconds: for one asset, redirects included; 600 (`MIXPEEK_LAB_ASSET_TOTAL_SECONDS`).
        max_redirects: followed for one asset; 5 (`MIXPEEK_LAB_ASSET_MAX_REDIRECTS`).
        local_hosts: hosts (`"nas.lan"`, `"127.0.0.1:9000"`) that may be at a loopback or private
            address, `("*",)` for all; none (`MIXPEEK_LAB_ALLOW_LOCAL_URLS`, 1 for all, or hosts
            with commas). Link-local addresses, where clouds keep credentials, stay refused.

    Raises InvalidInputError where a limit is not a positive number.
    """

    max_bytes: float = field(default_factory=_setting("MIXPEEK_LAB_ASSET_MAX_BYTES", 2 << 30))
    connect_seconds: float = field(
        default_factory=_setting("MIXPEEK_LAB_ASSET_CONNECT_SECONDS", 10)
    )
    read_seconds: float = field(default_factory=_setting("MIXPEEK_LAB_ASSET_READ_SECONDS", 30))
    total_seconds: float = field(default_factory=_setting("MIXPEEK_LAB_ASSET_TOTAL_SECONDS", 600))
    max_redirects: float = field(default_factory=_setting("MIXPEEK_LAB_ASSET_MAX_REDIRECTS", 5))
    local_hosts: tuple[str, ...] = field(default_factory=_local_hosts)

    def __post_init__(self) -> None:
        for name in ("max_bytes", "connect_seconds", "read_seconds", "total_seconds"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise InvalidInputError(f"{name}={value!r}: give a positive number.")
        if not (math.isfinite(self.max_redirects) and self.max_redirects >= 0):
            raise InvalidInputError(f"max_redirects={self.max_redirects!r}: give 0 or more.")
        if not isinstance(self.local_hosts, tuple):
            raise InvalidInputError(f"local_hosts={self.local_hosts!r}: give a tuple of hosts.")

    def allows_local(self, host: str, port: int) -> bool:
        """Whether this host may be at a loopback or private address."""
        named = {entry.lower() for entry in self.local_hosts}
        return bool(named & {ALL_HOSTS, host.lower(), f"{host.lower()}:{port}"})

    def check_size(self, size: int, shown: str) -> None:
        """Raise AssetError for more bytes than `max_bytes`."""
        if size > self.max_bytes:
            raise AssetError(
                f"{shown} is larger than {self.max_bytes:,.0f} bytes. "
                "Raise MIXPEEK_LAB_ASSET_MAX_BYTES, or AssetLimits(max_bytes=…), if it should be."
            )

    def deadline(self) -> Deadline:
        """The end of `total_seconds`, from now."""
        return Deadline(self.total_seconds, time.monotonic() + self.total_seconds)


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment by which an asset must be there."""

    total_seconds: float
    at: float
    """In seconds of `time.monotonic`."""

    def remaining(self) -> float:
        """Seconds until then; 0 when it has passed."""
        return max(0.0, self.at - time.monotonic())

    def late(self, shown: str) -> AssetError:
        """The error of an asset that was not there in time."""
        return AssetError(
            f"{shown} did not arrive within {self.total_seconds:g} s. Raise "
            "MIXPEEK_LAB_ASSET_TOTAL_SECONDS, or AssetLimits(total_seconds=…), for a slow server."
        )

    def check(self, shown: str) -> None:
        """Raise AssetError once the moment has passed."""
        if not self.remaining():
            raise self.late(shown)
