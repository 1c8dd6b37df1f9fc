"""`mixpeek-lab serve`, as a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import pytest

TOKEN = "the-token-of-this-test"


def command(home: Path, *options: str) -> list[str]:
    return [sys.executable, "-m", "mixpeek_lab.cli", "serve", "--home", str(home), *options]


def refused(home: Path, *options: str, token: str = TOKEN) -> str:
    """What it says where it does not start."""
    begun = time.perf_counter()
    done = subprocess.run(
        command(home, *options), env={**os.environ, "MIXPEEK_LAB_TOKEN": token},
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in (1, 2), done.stdout
    assert "Traceback" not in done.stderr
    assert "Starting" not in done.stdout, "Ray would be for nothing"
    assert time.perf_counter() - begun < 30
    return done.stderr


def test_a_port_that_is_taken_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        said = refused(tmp_path, "--port", str(port))
    assert re.fullmatch(rf"EngineError: Port {port} on 127\.0\.0\.1 cannot be used: .*\n", said)


@pytest.mark.parametrize("port", ["-1", "65536", "http", "8000.5"])
def test_what_is_no_port(tmp_path: Path, port: str) -> None:
    assert f"{port} is no port" in refused(tmp_path, f"--port={port}")


def test_a_weak_token(tmp_path: Path) -> None:
    said = refused(tmp_path, token="weak")
    assert "MIXPEEK_LAB_TOKEN is weak" in said
    assert "secrets.token_urlsafe" in said


@pytest.mark.ray
def test_it_serves_until_it_is_told_to_stop(tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = subprocess.Popen(
        command(home), env={**os.environ, "MIXPEEK_LAB_TOKEN": TOKEN},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        told = _until(process, "Ctrl+C")
        url = re.search(r"URL: +(http://127\.0\.0\.1:\d+/v1)", told)
        assert url is not None, told
        assert re.search(rf"Token: {TOKEN}\n", told)
        curl = re.search(r"curl (.*)", told)
        assert curl is not None
        done = subprocess.run(
            f"curl -s {curl[1]}", shell=True, capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout)["results"][0]["object"] == "namespace"
        assert _status(f"{url[1]}/namespaces") == 401
        assert _status(f"{url[1]}/health") == 200
        address = url[1].removesuffix("/v1") + "/openapi.json"
        with urllib.request.urlopen(
            urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
        ) as answer:
            assert json.load(answer)["openapi"].startswith("3.")
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()
        _, alive = psutil.wait_procs(children, timeout=15)
        assert alive == []
        with pytest.raises(OSError):
            _status(f"{url[1]}/health")
    finally:
        process.kill()
        process.communicate()


def _until(process: Any, word: str) -> str:
    said = ""
    for line in process.stdout:
        said += line
        if word in line:
            break
    return said


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code
