"""Secrets: kept encrypted, read by extractors, and absent from whatever is printed or saved."""

from __future__ import annotations

import io
import json
import logging
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.fernet import Fernet

from mixpeek_lab.container import SecretsHandle
from mixpeek_lab.errors import InvalidInputError, LabError, NotFoundError
from mixpeek_lab.secrets import SecretStore, redact, redacted, watch
from mixpeek_lab.secrets.store import KEY_VARIABLE
from mixpeek_lab.secrets.streams import RedactingStream
from mixpeek_lab.source import ExtractorSource, write_source
from mixpeek_lab.workbench import Lab

VALUE = 'sk-live/Ünique "quoted"+value=='


@pytest.fixture(autouse=True)
def _own_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A configuration folder that no other test and no user has."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def store(home: Path) -> SecretStore:
    return SecretStore(home)


class TestStore:
    def test_what_is_set_is_read_until_it_is_deleted(self, store: SecretStore) -> None:
        assert store.names() == []
        store.set("API_KEY", "first value")
        store.set("API_KEY", VALUE)
        store.set("OTHER", "other value")
        assert SecretStore(store.home).get("API_KEY") == VALUE
        assert store.names() == ["API_KEY", "OTHER"]
        store.delete("OTHER")
        assert store.names() == ["API_KEY"]
        with pytest.raises(NotFoundError, match=r"Did you mean 'API_KEY'.*%secret set API_KEYS"):
            store.get("API_KEYS")
        with pytest.raises(NotFoundError):
            store.delete("OTHER")

    def test_no_file_holds_the_value_and_others_cannot_read_them(
        self, store: SecretStore, tmp_path: Path
    ) -> None:
        store.set("API_KEY", VALUE)
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert {path.name for path in files} == {"secrets.json", "secrets.lock", "secrets.key"}
        for path in files:
            assert VALUE.encode() not in path.read_bytes()
            if path.name != "secrets.lock":
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert not (store.home / "secrets.key").exists(), "the key is not beside the secrets"

    @pytest.mark.parametrize(
        ("name", "value", "message"),
        [
            ("", VALUE, "letters, digits"),
            ("A B", VALUE, "letters, digits"),
            ("../x", VALUE, "letters, digits"),
            ("A" * 101, VALUE, "letters, digits"),
            ("A", "", "at least 4"),
            ("A", "  abc ", "at least 4"),
        ],
    )
    def test_bad_names_and_values(
        self, store: SecretStore, name: str, value: str, message: str
    ) -> None:
        with pytest.raises(InvalidInputError, match=message):
            store.set(name, value)
        assert store.names() == []

    def test_another_key(self, store: SecretStore, monkeypatch: pytest.MonkeyPatch) -> None:
        store.set("API_KEY", VALUE)
        monkeypatch.setenv(KEY_VARIABLE, Fernet.generate_key().decode())
        with pytest.raises(LabError, match="another key"):
            store.get("API_KEY")
        assert store.values() == {}
        store.set("NEW", "new value")
        assert store.values() == {"NEW": "new value"}
        monkeypatch.setenv(KEY_VARIABLE, "no key")
        with pytest.raises(LabError, match=f"{KEY_VARIABLE} does not hold a key"):
            store.get("NEW")
        monkeypatch.delenv(KEY_VARIABLE)
        assert store.get("API_KEY") == VALUE

    def test_a_key_that_is_gone(self, store: SecretStore, tmp_path: Path) -> None:
        store.set("API_KEY", VALUE)
        (tmp_path / "config" / "mixpeek-lab" / "secrets.key").unlink()
        with pytest.raises(LabError, match="is gone"):
            store.get("API_KEY")

    def test_a_damaged_file_is_told_and_kept(self, store: SecretStore) -> None:
        store.set("API_KEY", VALUE)
        (store.home / "secrets.json").write_text("{")
        with pytest.raises(LabError, match="cannot be read"):
            store.set("OTHER", "other value")
        assert (store.home / "secrets.json").read_text() == "{"

    def test_many_writers_lose_nothing(self, store: SecretStore) -> None:
        names = [f"KEY_{n}" for n in range(40)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda name: store.set(name, f"value of {name}"), names))
        assert store.values() == {name: f"value of {name}" for name in names}


class TestRedaction:
    def test_every_spelling(self, store: SecretStore) -> None:
        store.set("API_KEY", VALUE)
        watch(store)
        for text in (VALUE, json.dumps([VALUE]), repr(VALUE), quote(VALUE, safe="")):
            told = redact(f"<{text}>")
            assert "[secret API_KEY]" in told
            assert "live" not in told
        assert redacted({"a": [f"x {VALUE}", 1], VALUE: None}) == {
            "a": ["x [secret API_KEY]", 1],
            "[secret API_KEY]": None,
        }
        assert redact("nothing of it") == "nothing of it"

    def test_one_that_is_set_later_and_one_inside_another(self, store: SecretStore) -> None:
        watch(store)
        store.set("SHORT", "secret-part")
        assert redact("a secret-part here") == "a [secret SHORT] here"
        store.set("LONG", "the secret-part and more")
        assert redact("the secret-part and more") == "[secret LONG]"
        store.delete("SHORT")
        assert redact("a secret-part here") == "a secret-part here"

    def test_streams_pass_everything_else(self, store: SecretStore) -> None:
        store.set("API_KEY", VALUE)
        watch(store)
        below = io.StringIO()
        stream: Any = RedactingStream(below)
        print("key:", VALUE, file=stream)
        stream.writelines([VALUE, "\n"])
        assert below.getvalue() == "key: [secret API_KEY]\n[secret API_KEY]\n"
        assert stream.getvalue() == below.getvalue()


READS = """
import asyncio
import logging


class Reads:
    def __init__(self, config):
        self.secrets = config["secrets"]

    def __call__(self, batch):
        key = asyncio.run(self.secrets.get("API_KEY"))
        print("the key is", key)
        logging.getLogger("mine").warning("asked with %s", key)
        for text in batch["data"]:
            if "FAIL" in text:
                raise ValueError(f"401 for {key}")
        batch["length"] = [len(key)] * len(batch)
        batch["names"] = [",".join(asyncio.run(self.secrets.list()))] * len(batch)
        batch["hash_embedding"] = [[1.0] + [0.0] * 15] * len(batch)
        return batch
"""
BUILDS = """
from .processors.core import Reads


def build_steps(extractor_request, container=None, **kwargs):
    return {"steps": [Reads({"secrets": container.secrets})]}
"""


@pytest.fixture
def reading(hash_source: ExtractorSource, tmp_path: Path) -> Path:
    """An extractor that reads, prints and logs a secret."""
    source = hash_source.with_file("processors/core.py", READS).with_file("pipeline.py", BUILDS)
    write_source(source, tmp_path / "hash_embedder")
    return tmp_path / "hash_embedder"


def check_run(lab: Lab, engine: str) -> None:
    """A run reads the secret, and its failures do not tell it."""
    lab.bucket("b", ["good row", "FAIL row"])
    report = lab.process("b", "hash_embedder", "c", engine=engine)
    assert (report.documents, report.failed) == (1, 1)
    assert report.failures[0].message == "401 for [secret API_KEY]"
    (row,) = lab.sql("SELECT * FROM c").table.to_pylist()
    assert (row["length"], row["names"]) == (len(VALUE), "API_KEY")
    assert VALUE not in str(lab.sql("SELECT * FROM failures").table.to_pylist())


def test_an_extractor_reads_a_secret_here(
    home: Path,
    reading: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    lab = Lab(home)
    assert lab.load(reading).is_kept
    SecretStore(home).set("API_KEY", VALUE)
    factory = logging.getLogRecordFactory()
    streams = sys.stdout, sys.stderr
    try:
        check_run(lab, "kernel")
    finally:
        sys.stdout, sys.stderr = streams
        logging.setLogRecordFactory(factory)
    told = capsys.readouterr()
    assert "the key is [secret API_KEY]" in told.out
    assert "asked with [secret API_KEY]" in caplog.text
    assert VALUE not in told.out + told.err + caplog.text


@pytest.mark.ray
def test_an_extractor_reads_a_secret_in_a_worker(
    lab: Lab, tmp_path: Path, reading: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Lab(tmp_path / "ray_home") as own:  # on the tests' Ray
        assert own.load(reading).is_kept
        SecretStore(own.home).set("API_KEY", VALUE)
        check_run(own, "ray")
    told = capfd.readouterr()
    assert VALUE not in told.out + told.err


def test_a_secret_that_is_not_set_is_named(home: Path, reading: Path) -> None:
    lab = Lab(home)
    lab.load(reading)
    lab.bucket("b", ["good row"])
    report = lab.process("b", "hash_embedder", "c", engine="kernel")
    assert "No secret called 'API_KEY'" in report.failures[0].message
    assert "%secret set API_KEY" in report.failures[0].message


def test_the_handle_needs_no_more_than_its_folder(store: SecretStore) -> None:
    import asyncio
    import pickle

    store.set("API_KEY", VALUE)
    handle = pickle.loads(pickle.dumps(SecretsHandle(store)))
    streams, factory = (sys.stdout, sys.stderr), logging.getLogRecordFactory()
    try:
        assert asyncio.run(handle.get("API_KEY")) == VALUE
    finally:
        sys.stdout, sys.stderr = streams
        logging.setLogRecordFactory(factory)


def command(home: Path, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mixpeek_lab.cli", "secret", *arguments, "--home", str(home)],
        input=typed, capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_from_a_terminal(home: Path) -> None:
    assert command(home, "list").stdout == "There is no secret yet.\n"
    done = command(home, "set", "API_KEY", typed=f"{VALUE}\n")
    assert (done.returncode, VALUE in done.stdout + done.stderr) == (0, False)
    assert SecretStore(home).get("API_KEY") == VALUE
    assert command(home, "list").stdout == "API_KEY\n"
    assert command(home, "delete", "API_KEY").returncode == 0
    refused = command(home, "set")
    assert (refused.returncode, "Name the secret" in refused.stderr) == (1, True)


CELLS = {
    "printed": "key = store.get('API_KEY'); print('it is', key)",
    "shown": "key",
    "table": "import pandas; pandas.DataFrame({'k': [key]})",
    "raised": "raise ValueError(f'refused {key}')",
    "logged": "import logging; logging.warning('with %s', key)",
}


def test_a_notebook_neither_shows_nor_saves_it(home: Path) -> None:
    from jupyter_client.manager import start_new_kernel

    environment = {**os.environ, "MIXPEEK_LAB_HOME": str(home), "MIXPEEK_LAB_AUTOSTART": "0"}
    manager, client = start_new_kernel(kernel_name="python3", env=environment)
    prompts: list[dict[str, Any]] = []

    def answer(message: dict[str, Any]) -> None:
        prompts.append(message["content"])
        client.input(VALUE)

    def run(cell: str, *, can_ask: bool = True) -> list[Any]:
        sent: list[Any] = []
        client.execute_interactive(
            cell,
            output_hook=lambda message: sent.append((message["msg_type"], message["content"])),
            stdin_hook=answer,
            allow_stdin=can_ask,
            timeout=120,
        )
        return [entry for entry in sent if entry[0] != "execute_input"]

    try:
        run("%load_ext mixpeek_lab")
        assert "mixpeek-lab secret set API_KEY" in str(run("%secret set API_KEY", can_ask=False))
        assert "Delete this cell" in str(run("%secret set API_KEY sk-typed-here"))
        for typed in ("set API_KEY=sk-typed-here", "set API_KEY = sk-typed-here",
                      "API_KEY=sk-typed-here", "get sk-typed-here"):  # fmt: skip
            told = str(run(f"%secret {typed}"))
            assert "InvalidInputError" in told
            assert "sk-typed-here" not in told  # nor is anybody asked
        told = run("%secret set API_KEY")
        assert prompts == [{"prompt": "API_KEY: ", "password": True}]
        assert "Secret API_KEY is kept" in str(told)
        assert "API_KEY" in str(run("%secret list"))
        run("from mixpeek_lab.secrets import SecretStore")
        run(f"store = SecretStore(__import__('pathlib').Path({str(home)!r}))")
        for name, cell in CELLS.items():
            said = json.dumps(run(cell), default=str, ensure_ascii=False)
            assert "[secret API_KEY]" in said, name
            assert VALUE not in said, name
            assert "nique" not in said, name
        assert VALUE not in str(run("%history -n"))
        assert SecretStore(home).get("API_KEY") == VALUE
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_value_beside_the_name_is_not_repeated_in_a_terminal(home: Path, capsys: Any) -> None:
    from mixpeek_lab.cli import main

    assert main(["secret", "set", "API_KEY=sk-typed-here", "--home", str(home)]) == 1
    told = "".join(capsys.readouterr())
    assert "Its value is asked for" in told
    assert "sk-typed-here" not in told
