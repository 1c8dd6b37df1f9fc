"""Serve the lab's endpoint, without a notebook, until Ctrl+C or SIGTERM.

MIXPEEK_LAB_TOKEN sets the bearer token; without it the home's own is used.
"""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixpeek_lab.workbench import Lab

LOOK = 1.0
"""Seconds between two looks whether the endpoint is still there."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--port", type=_port, default=0, help="on loopback (default: a free one)")
    parser.add_argument("--home", help="folder that keeps the lab's state (default: .mixpeek_lab)")


def run(options: argparse.Namespace) -> int:
    """Start, print where it answers and to whom, and wait for a signal; 1 where it went away."""
    from mixpeek_lab.serving import demand_free
    from mixpeek_lab.workbench import Lab

    demand_free(options.port)
    asked = Event()
    with _stopping(asked), suppress(KeyboardInterrupt):
        lab = Lab(options.home, port=options.port)
        try:
            print("Starting Ray and the endpoint …", flush=True)
            lab.start(wait=True)
            with _stopping(asked):  # again: Ray has put a handler of its own in its place
                return _stay(lab, asked)
        finally:
            with _deaf():
                lab.stop()
    return 0


def _stay(lab: Lab, asked: Event) -> int:
    _introduce(lab)
    while not asked.wait(LOOK):
        if not lab.url:
            print("The endpoint is gone: somebody has stopped its Ray.", flush=True)
            return 1
    return 0


def _introduce(lab: Lab) -> None:
    header = f"Authorization: Bearer {lab.token}"
    print(f"Home:  {lab.home}")
    print(f"URL:   {lab.url}/v1   (its description: {lab.url}/openapi.json)")
    print(f"Token: {lab.token}")
    print(f'Try:   curl -H "{header}" {lab.url}/v1/namespaces')
    print("Ctrl+C stops it.", flush=True)


@contextmanager
def _stopping(asked: Event) -> Iterator[None]:
    """SIGTERM and a closed terminal are as good as Ctrl+C, also while it starts."""

    def stop(_: int, __: FrameType | None) -> None:
        if asked.is_set():
            return
        asked.set()
        raise KeyboardInterrupt

    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, stop) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


@contextmanager
def _deaf() -> Iterator[None]:
    """Nothing interrupts the clean-up: a second signal would leave Ray's processes behind."""
    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {name: signal.signal(name, signal.SIG_IGN) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(name, handler)


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port < 2**16:
        raise argparse.ArgumentTypeError(f"{text} is no port: 1 to 65535, or 0 for a free one.")
    return port
