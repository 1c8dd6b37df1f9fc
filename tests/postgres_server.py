"""A PostgreSQL server of its own on loopback, for tests; it is gone with them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

MISSING = "" if shutil.which("postgres") and shutil.which("initdb") else "needs postgres and initdb"
OWNER_PASSWORD = "owner-secret"


@contextlib.contextmanager
def postgres_server() -> Iterator[str]:
    """Yields the URL of a superuser of an empty database."""
    folder = Path(tempfile.mkdtemp(prefix="mixpeek-pg-"))
    port = _free_port()
    user = _someone_else(folder)
    try:
        secret = folder / "password"
        secret.write_text(OWNER_PASSWORD)
        secret.chmod(0o644)
        data = folder / "data"
        made = ["initdb", "-D", data, "-U", "owner", "--auth=scram-sha-256", "--pwfile", secret,
                "--no-sync", "-E", "UTF8", "--locale=C"]  # fmt: skip
        subprocess.run(made, check=True, capture_output=True, cwd=folder, **user)
        options = {"listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        named = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        server = subprocess.Popen(
            ["postgres", "-D", data, "-p", str(port), *named],
            cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **user,
        )  # fmt: skip
        url = f"postgresql://owner:{OWNER_PASSWORD}@127.0.0.1:{port}/postgres"
        try:
            _wait(url, server)
            yield url
        finally:
            server.send_signal(2)  # "fast" in the server's words
            server.wait(20)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _someone_else(folder: Path) -> dict[str, Any]:
    """PostgreSQL does not run as root: who it runs as then."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    chosen = names.get("postgres") or names["nobody"]
    os.chown(folder, chosen.pw_uid, chosen.pw_gid)
    return {"user": chosen.pw_uid, "group": chosen.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _wait(url: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert server.poll() is None, "the server ended"
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(url):
            return
        time.sleep(0.1)
    raise AssertionError("the server does not answer")
