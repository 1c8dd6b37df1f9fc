"""mixpeek_lab.source: folders and values, byte for byte."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import seed
from hypothesis import given
from hypothesis import strategies as st

from mixpeek_lab import source as source_module
from mixpeek_lab.errors import SourceError
from mixpeek_lab.source import (
    ExtractorSource,
    parse_python,
    python_lines,
    read_source,
    write_source,
)

EXAMPLES = ["seed_plain/my_extractor", "seed_typed/my_embedder", "seed_sec/sec_filing_embedder"]


@pytest.mark.parametrize("block", seed.BLOCKS, ids=lambda block: block.path)
def test_the_fixtures_are_mixpeeks_own_examples(block):
    assert (seed.FIXTURES / block.path).read_text(encoding="utf-8") == seed.cut(block)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "demo"
    (root / "processors").mkdir(parents=True)
    (root / "manifest.py").write_bytes(b"name = 'x'\r\nlast = 1")
    (root / "processors" / "core.py").write_text("class A: ...\n")
    return root


def test_reads_bytes_exactly_and_in_order(folder):
    (folder / "requirements.txt").write_text("numpy\n")
    read = read_source(folder)
    assert read.name == "demo"
    assert read.paths == ("manifest.py", "processors/core.py", "requirements.txt")
    assert read.text("manifest.py") == "name = 'x'\r\nlast = 1"
    assert read.text("absent.py") is None


def test_leaves_out_hidden_cached_foreign_and_linked_files(folder, tmp_path):
    (folder / ".git").mkdir()
    (folder / ".git" / "config.py").write_text("")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "a.py").write_text("")
    (folder / ".secret.py").write_text("")
    (folder / "weights.bin").write_bytes(b"\xff\x00")
    (tmp_path / "outside.py").write_text("")
    (folder / "linked.py").symlink_to(tmp_path / "outside.py")
    (folder / "alias.py").symlink_to(folder / "manifest.py")
    assert read_source(folder).paths == ("alias.py", "manifest.py", "processors/core.py")


def test_digest_follows_content_and_nothing_else(folder):
    first = read_source(folder)
    assert first == read_source(folder)
    assert first.digest == ExtractorSource("other", tuple(reversed(first.files))).digest
    assert first.package == f"extractor_demo_{first.digest[:12]}"
    changed = first.with_file("processors/core.py", "class B: ...\n")
    assert changed.digest != first.digest
    assert changed.paths == first.paths
    # A separator that a text could hold would let two packages share a digest.
    assert ExtractorSource("a", (("x", "y"),)).digest != ExtractorSource("a", (("xy", ""),)).digest


def test_travels_by_pickle(folder):
    read = read_source(folder)
    _ = read.digest
    again = pickle.loads(pickle.dumps(read))
    assert again == read
    assert again.digest == read.digest


@pytest.mark.parametrize("example", EXAMPLES)
def test_save_load_save_is_byte_identical(example, tmp_path):
    first = read_source(seed.FIXTURES / example)
    assert write_source(first, tmp_path / first.name) == ()
    again = read_source(tmp_path / first.name)
    assert again == first
    for path, _ in first.files:
        saved = (tmp_path / first.name / path).read_bytes()
        assert saved == (seed.FIXTURES / example / path).read_bytes()


def test_writing_removes_nothing_and_says_what_else_is_there(folder):
    (folder / "old.py").write_text("kept\n")
    (folder / "data.bin").write_bytes(b"\x00")
    assert write_source(ExtractorSource("demo", (("manifest.py", "a\r\n"),)), folder) == (
        "old.py",
        "processors/core.py",
    )
    assert (folder / "manifest.py").read_bytes() == b"a\r\n"
    assert (folder / "old.py").read_text() == "kept\n"
    assert (folder / "data.bin").exists()
    assert not [p for p in folder.rglob("*") if "saving" in p.name]


def test_writing_does_not_follow_a_link_out(folder, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (folder / "lib").symlink_to(outside)
    with pytest.raises(SourceError, match="link out of"):
        write_source(ExtractorSource("demo", (("lib/a.py", ""),)), folder)
    assert not list(outside.iterdir())


def test_a_folder_without_manifest_is_told_what_a_package_looks_like(folder, tmp_path):
    with pytest.raises(SourceError, match=r"(?s)no manifest\.py.*Did you mean .*demo.*core\.py"):
        read_source(tmp_path)
    with pytest.raises(SourceError, match=r"There is no folder .*absent\..* holds"):
        read_source(tmp_path / "absent")


def test_not_utf8_names_file_byte_and_line(folder):
    (folder / "processors" / "core.py").write_bytes(b"# ok\n# caf\xe9\n")
    with pytest.raises(SourceError, match=r"processors/core\.py is not UTF-8: byte 10 \(line 2\)"):
        read_source(folder)


def test_another_declared_encoding_is_refused():
    with pytest.raises(SourceError, match="latin-1"):
        ExtractorSource("a", (("manifest.py", "# -*- coding: latin-1 -*-\n"),))
    ExtractorSource("a", (("manifest.py", "# -*- coding: UTF-8 -*-\n"),))


def test_limits(folder, monkeypatch):
    monkeypatch.setattr(source_module, "MAX_FILES", 1)
    with pytest.raises(SourceError, match="at most 1"):
        read_source(folder)
    monkeypatch.setattr(source_module, "MAX_FILES", 10)
    monkeypatch.setattr(source_module, "MAX_BYTES", 5)
    with pytest.raises(SourceError, match="model weights"):
        read_source(folder)


@pytest.mark.parametrize("path", ["/a.py", "../a.py", "a//b.py", "./a.py", "a\\b.py", "", "a\0.py"])
def test_paths_stay_inside(path):
    with pytest.raises(SourceError, match="not a path inside"):
        ExtractorSource("a", ((path, ""),))


def test_a_path_names_one_file():
    with pytest.raises(SourceError, match="given twice"):
        ExtractorSource("a", (("m.py", "1"), ("m.py", "2")))


def test_names_are_identifiers(folder):
    with pytest.raises(SourceError, match="'my_extractor'"):
        read_source(folder, "my-extractor")


def test_syntax_errors_name_line_column_and_text():
    with pytest.raises(SourceError, match=r"a\.py, line 2, column \d+: .*`def f\(:`"):
        parse_python("a.py", "x = 1\ndef f(:\n")
    with pytest.raises(SourceError, match="'return' outside function"):
        parse_python("a.py", "return 1\n")
    with pytest.raises(SourceError):
        parse_python("a.py", "x = 1\0\n")


@pytest.mark.parametrize("line", ["!pip install x", "%pip install x", "files = !ls", "print?"])
def test_notebook_syntax_is_named(line):
    with pytest.raises(SourceError, match=r"line 2.*of the notebook, not Python"):
        parse_python("cell", f"x = 1\n{line}\n")


@given(st.text(alphabet="ab#\n\r\x0c\x1c\u2028 "))
def test_lines_are_those_of_the_tokenizer(text):
    lines = python_lines(text)
    assert "".join(lines) == text
    assert all(not line[:-1].strip("ab# \x0c\x1c\u2028\r") for line in lines)
    assert all("\n" not in line[:-1] for line in lines)


@given(st.dictionaries(st.sampled_from(["manifest.py", "a.py", "b/c.txt"]), st.text(max_size=40)))
def test_any_text_survives_a_disk(tmp_path_factory, files):
    try:
        first = ExtractorSource("demo", tuple({"manifest.py": "", **files}.items()))
    except SourceError:
        return  # half a surrogate pair, or a declared encoding
    folder = tmp_path_factory.mktemp("saved") / "demo"
    write_source(first, folder)
    assert read_source(folder) == first
