"""Every shorter code block of Mixpeek's page runs as it stands there, its placeholders filled.

Whole files run in test_seed_examples.py, the `curl` blocks in test_seed_curl.py. What a block takes
for granted (a name imported above it, a path) is what is filled in.
"""

from __future__ import annotations

import asyncio
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import seed
from llm_servers import ProtocolServer
from packages import HASH_EMBEDDER
from seed_snippets import SNIPPETS, lines, section, snippet, span

from mixpeek_lab import compat
from mixpeek_lab.cli import main
from mixpeek_lab.container import Container
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.sdk import ResourceType, StepDefinition
from mixpeek_lab.secrets import SecretStore
from mixpeek_lab.source import ExtractorSource

FIXTURES = Path(__file__).parent / "fixtures"
PLAIN = FIXTURES / "seed_plain" / "my_extractor"


@pytest.fixture(autouse=True)
def names():
    compat.install()


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Puts a program on PATH that writes down its name and arguments: `tools(name)`; its file."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=":")

    def add(name):
        record = tmp_path / f"{name}.called"
        script = f"#!/bin/sh\nprintf '%s\\n' \"$(basename $0)\" \"$@\" > '{record}'\n"
        (folder / name).write_text(script)
        (folder / name).chmod(0o755)
        return record

    return add


def run(name, **given):
    """Execute a block in a module that has the given names; what it has afterwards."""
    exec(compile(snippet(name), f"<{name}>", "exec"), given)
    return given


def manifest_with(text):
    """What is read from the plain example's manifest with more text at its end."""
    manifest = (PLAIN / "manifest.py").read_text() + text
    return read_manifest(ExtractorSource("my_extractor", (("manifest.py", manifest),)))


class Model:
    """Stands where the page's text has a loaded model: letters and vowels of each text."""

    def __init__(self):
        self.calls = 0

    def encode(self, texts):
        import numpy as np

        self.calls += 1
        many = [texts] if isinstance(texts, str) else texts
        found = np.array([[len(t), sum(c in "aeiou" for c in t)] for t in many], dtype=float)
        return found[0] if isinstance(texts, str) else found


def test_the_layout_is_the_one_that_is_shown_to_users():
    from mixpeek_lab.source import LAYOUT

    def files(text):
        return [line.split("#")[0].split("  ")[0].strip("├─│└ ") for line in text.splitlines()]

    assert files(LAYOUT) == files(snippet("layout"))


def test_compute_profile():
    profile = manifest_with(snippet("compute_profile")).manifest.compute_profile
    assert (profile.resource_type, profile.batch_size, profile.max_concurrency) == ("cpu", 32, 4)


def test_container_image_and_its_base(kernel_lab):
    filled = snippet("container_image").replace("<your-org-id>", "acme")
    reading = manifest_with(filled)
    assert [f for f in reading.findings if f.severity == "error"] == []
    assert reading.manifest.container_image.endswith("/extractors-acme/my-image:1.0.0")
    base, install = snippet("dockerfile").splitlines()
    kernel_lab.load(PLAIN)
    source = (PLAIN / "manifest.py").read_text() + filled
    kernel_lab.define("my_extractor", source + 'system_packages = ["libmagic1"]\n', "manifest.py")
    written = kernel_lab.dockerfile("my_extractor")
    assert base in written.splitlines()
    assert install.removesuffix("libcustom-sdk ...").split()[:3] == ["RUN", "apt-get", "update"]
    assert re.search(r"apt-get install -y (\S+ )*\\?\s*libmagic1", written)


def test_system_packages():
    reading = manifest_with(snippet("system_packages"))
    assert reading.manifest.system_packages == ("ffmpeg", "libmagic1", "tesseract-ocr")


@pytest.mark.parametrize(("name", "calls"), [("row_by_row", 3), ("batched", 1)])
def test_batched_processing(name, calls):
    batch = pd.DataFrame({"data": ["a", "bcd", "aeio"], "embedding": [None] * 3})
    processor = SimpleNamespace(_model=Model())
    run(name, batch=batch, self=processor)
    assert [list(v) for v in batch["embedding"]] == [[1, 1], [3, 0], [4, 4]]
    assert processor._model.calls == calls


def test_the_wrong_way_is_told_and_the_right_one_is_not():
    from mixpeek_lab.lint import lint

    def rules(block):
        body = "\n".join(f"        {line}" for line in block.splitlines())
        core = f"class MyProcessor:\n    def __call__(self, batch):\n{body}\n        return batch\n"
        files = (("manifest.py", (PLAIN / "manifest.py").read_text()), ("processors/core.py", core))
        return {f.rule for f in lint(ExtractorSource("my_extractor", files))}

    assert {rule for rule in rules(snippet("row_by_row")) if rule.startswith("SEQ")}
    assert not {rule for rule in rules(snippet("batched")) if rule.startswith("SEQ")}


def test_built_in_models():
    found = run("built_in", StepDefinition=StepDefinition, ResourceType=ResourceType, e5_config={})
    assert callable(found["E5Batch"])
    assert callable(found["WhisperBatch"])


def test_llm_access(home, monkeypatch):
    texts = ["Ada met Bob", "Nobody came"]
    server = ProtocolServer("google")
    server.says = lambda _: '{"entities": ["Ada", "Bob"]}'
    monkeypatch.setenv("MIXPEEK_LAB_LLM_GOOGLE_URL", server.url)
    monkeypatch.setenv("GOOGLE_API_KEY", "sk-test-0123456789abcdef")
    config = run("llm_config", container=_container(home))["config"]
    found = run("llm_calls", texts=texts, self=SimpleNamespace(_llm=config["llm_service"]))
    assert [answer.data for answer in found["results"]] == [{"entities": ["Ada", "Bob"]}] * 2
    assert server.calls == 2


def test_secrets(home):
    container = _container(home)
    container.secrets.store.set("EXTERNAL_API_KEY", "a value of twenty!")
    function = f"async def read(container):\n    {snippet('secret')}    return api_key\n"
    given = {}
    exec(compile(function, "<secret>", "exec"), given)
    assert asyncio.run(given["read"](container)) == "a value of twenty!"


def _container(home):
    from mixpeek_lab.container import SecretsHandle

    return Container(SecretsHandle(SecretStore(home)))


@pytest.mark.skipif(not shutil.which("ffmpeg"), reason="ffmpeg is not installed")
def test_run_tool_with_the_real_ffmpeg(tmp_path):
    made, output = tmp_path / "in.mp4", tmp_path / "out.mp4"
    from mixpeek_lab.sdk import run_tool

    source = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=5:d=1", "-c:v", "mpeg4"]
    run_tool("ffmpeg", ["-y", *source, str(made)], timeout=60)
    found = run("run_tool", input_path=str(made), output_path=str(output))
    assert found["result"].returncode == 0
    assert output.stat().st_size > 500
    run("playback", run_tool=run_tool, prores_path=str(made), output_mp4=str(tmp_path / "web.mp4"))
    assert (tmp_path / "web.mp4").stat().st_size > 500


@pytest.mark.parametrize(("name", "tool"), [("redline", "REDline"), ("art_cmd", "art-cmd")])
def test_camera_raw_tools_get_the_arguments_of_the_page(tools, name, tool):
    from mixpeek_lab.sdk import run_tool

    record = tools(tool)
    paths = {"input_path": "/in.raw", "output_path": "/out.mov", "output_dir": "/out"}
    run(name, run_tool=run_tool, **paths)
    text = snippet(name)
    for key, value in paths.items():
        text = text.replace(f", {key}", f', "{value}"')
    written = re.findall(r'"([^"]*)"', text)
    assert record.read_text().splitlines() == written


def arguments(name, tmp_path):
    """What the page's command gives to the tool, for a copy of its extractor."""
    folder = tmp_path / "my_extractor"
    shutil.copytree(HASH_EMBEDDER.parent / "seed_plain" / "my_extractor", folder)
    _, command = snippet(name).splitlines()
    assert command.startswith("python scripts/api/extractors.py ")
    return shlex.split(command.replace("path/to/my_extractor", str(folder)))[2:]


def test_lint_of_local_development(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mixpeek_lab.cli", *arguments("lint", tmp_path)],
        capture_output=True, text=True, check=False, cwd=tmp_path, timeout=280,
    )  # fmt: skip
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "my_extractor" in done.stdout


@pytest.mark.ray
@pytest.mark.model
def test_test_of_local_development(served_lab, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = main(arguments("test", tmp_path))
    told = capsys.readouterr()
    assert code == 0, f"{told.out}\n{told.err}"
    assert "my_extractor" in told.out


# ------------------------------------------------------------------ nothing is left out

CODE = re.compile(
    r"(from \S+ import|import \w+$|class \w+\b.*:$|(async )?def |return |@\w|\w+ = |[\w.]+\(.*\)$"
    r"|curl |zip |python \S+\.py|FROM |RUN |  +-[dH] |    +\S)"
)
"""A line of code in Python, of a shell or of a Dockerfile."""


def covered():
    """The numbers of the lines that belong to a block of any of the three files."""
    page = lines()
    found = {i for name in SNIPPETS for i in range(*span(name))}
    for block in seed.BLOCKS:
        heading = page.index(block.heading)
        first = page.index(block.first, heading)
        found |= set(range(first, page.index(block.last, first) + 1))
    return found | _shell_lines()


def _shell_lines():
    """The commands of "End-to-End" and "Upload and Deploy", which test_seed_curl.py runs."""
    page, found, is_inside = lines(), set(), False
    for heading in ("End-to-End: Extractor → Collection → Retriever", "Upload and Deploy"):
        start = page.index(heading)
        for number in range(start, start + len(section(heading)) + 1):
            is_inside = is_inside or page[number].startswith(("curl ", "zip ", "# "))
            if is_inside:
                found.add(number)
            is_inside = is_inside and page[number] != "" and not page[number].endswith("'")
    return found


def test_every_line_of_code_belongs_to_a_block_that_runs():
    blocks, prose = covered(), set(section("Extractor SDK Reference"))
    left = [line for i, line in enumerate(lines()) if i not in blocks and line not in prose]
    assert [line for line in left if CODE.match(line)] == []
