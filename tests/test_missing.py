"""A path that leads nowhere: the message says where it was looked for, and what is near."""

from __future__ import annotations

from functools import partial

import pytest

from mixpeek_lab.errors import InvalidInputError, SourceError
from mixpeek_lab.examples import FILE_EMBEDDER
from mixpeek_lab.missing import no_path
from mixpeek_lab.workbench.retriever_exports import read_export


@pytest.fixture
def user(tmp_path, monkeypatch):
    """Somebody's home folder, and the current one in it."""
    for name in ("Documents/Papers/2024", "Documents/letters", "Documents/.git", "empty"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "Documents/films.csv").write_text("text\none\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path / "Documents")
    return tmp_path


@pytest.mark.parametrize(
    ("given", "looked", "hint"),
    [
        ("~/Documents/papers", "Documents/papers", "Did you mean {}/Documents/Papers?"),
        ("~/documents/papers/2024", "documents/papers/2024", "Did you mean {}/Documents?"),
        ("Paper/2024", "Documents/Paper/2024", "Did you mean {}/Documents/Papers/2024?"),
        ("../empty/a/b", "empty/a/b", "The nearest folder, {}/empty, is empty."),
        ("x", "Documents/x", "The nearest folder, {}/Documents, holds Papers, films.csv, letters."),
        ("films.csv/y", "Documents/films.csv/y", "Did you mean {}/Documents/films.csv?"),
        (".gti", "Documents/.gti", "Did you mean {}/Documents/.git?"),
    ],
)
def test_it_says_where_it_looked_what_was_given_and_what_is_near(user, given, looked, hint):
    told = no_path(given)
    assert told == (
        f"There is no file or folder {user / looked} ({given!r} was given). {hint.format(user)}"
    )


def test_a_whole_path_is_said_once_and_long_folders_are_cut(user):
    for number in range(9):
        (user / "empty" / f"page-{number}").touch()
    told = no_path(user / "empty" / "zzz", "folder")
    assert told.startswith(f"There is no folder {user}/empty/zzz. The nearest")
    assert told.endswith("page-5 and 3 more.")


def test_a_user_that_nobody_knows_is_no_traceback(user, kernel_lab):
    for act in (partial(kernel_lab.bucket, "b"), kernel_lab.load):
        with pytest.raises((InvalidInputError, SourceError), match="'~nobody-at-all/x' was given"):
            act("~nobody-at-all/x")


@pytest.mark.parametrize(
    "act",
    [
        lambda lab: lab.bucket("b", "~/documents"),
        lambda lab: lab.bucket("b", "~/documents/*.md"),
        lambda lab: lab.bucket("b", "~/documents/films.csv"),
        lambda lab: lab.load("~/documents"),
        lambda lab: lab.load("~/documents.zip"),
        lambda lab: lab.models.add("~/documents", "mine"),
        lambda _: read_export("~/documents.json"),
    ],
)
def test_each_place_that_takes_a_path_says_where_it_looked(user, kernel_lab, act):
    with pytest.raises((InvalidInputError, SourceError)) as caught:
        act(kernel_lab)
    assert str(user / "documents") in str(caught.value)


def test_a_glob_that_fits_nothing_says_where(user, kernel_lab):
    with pytest.raises(InvalidInputError, match=rf"Nothing in {user}/Documents fits '\*\.md'"):
        kernel_lab.bucket("b", "*.md")


def test_what_is_written_goes_to_the_home_folder(user, kernel_lab):
    kernel_lab.load(FILE_EMBEDDER)
    kernel_lab.save("file_embedder", "~/empty")
    kernel_lab.pack("file_embedder", "~/empty")
    assert {path.name for path in (user / "empty").iterdir()} == {
        "file_embedder", "file_embedder.zip",
    }  # fmt: skip
    assert kernel_lab.load("~/empty/file_embedder.zip").is_kept
