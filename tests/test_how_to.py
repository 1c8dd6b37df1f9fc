"""notebooks/how_to: the pages say what the code says, and what they show is what it does."""

from __future__ import annotations

import argparse
import re
import shlex

import pytest
from how_to_pages import FOLDER, PAGES, blocks, by_hand, parts_of, with_parts
from how_to_parts import (
    PARTS,
    ROOT,
    command_parsers,
    error_classes,
    examples,
    magics,
    operations,
    told_of,
)
from how_to_running import is_what_it_prints, page_shell, run, run_page
from how_to_widgets import SCRIPTS, WIDGETS, keys_in_code, keys_told, members, widget_class

from mixpeek_lab import errors
from mixpeek_lab.api.openapi import OPERATIONS
from mixpeek_lab.assets import AssetLimits
from mixpeek_lab.cli import _parser, main
from mixpeek_lab.llm.providers import PROVIDERS
from mixpeek_lab.magics.collections import COLLECTION_ACTIONS
from mixpeek_lab.magics.extractors import ACTIONS, TAKES
from mixpeek_lab.magics.retrievers import RETRIEVER_ACTIONS
from mixpeek_lab.serving.rollout import LOAD_SECONDS
from mixpeek_lab.settings import SETTINGS

MAGICS = magics()
WORDS = {
    "bucket": ("delete",),
    "collection": COLLECTION_ACTIONS,
    "evaluate": ("list", "show", "compare"),
    "extractor": ACTIONS,
    "lab": ("start", "status", "stop"),
    "retriever": RETRIEVER_ACTIONS,
    "secret": ("set", "list", "delete"),
}
"""Magic → the sub-commands that it takes."""
NOT_RUN = {
    "bucket": ["an object store"],
    "extractor": ["Ray", "Ray", "a hosted platform"],
    "http": ["Ray", "Ray"],
    "lab": ["Ray", "Ray"],
    "secret": ["somebody who types"],
}
"""Page → why some of its blocks cannot run here; all others do."""
COMMAND = re.compile(r"^ {4}(mixpeek-lab .+)$", re.MULTILINE)


def _name(path):
    return path.stem


def page(name):
    return (FOLDER / f"{name}.md").read_text()


# ---------------------------------------------------------------- the generated parts


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_generated_parts_are_what_the_code_says(path):
    text = path.read_text()
    assert with_parts(text) == text, "run: python tests/how_to_pages.py"
    assert (
        text.count("<!-- generated") == text.count("<!-- end of generated") == len(parts_of(text))
    )


def test_every_part_is_on_a_page_and_each_magic_has_a_page_of_its_name():
    found = set().union(*(parts_of(path.read_text()) for path in PAGES))
    alone = set(PARTS) - {"magic", "widget"}
    assert found == {f"magic {m}" for m in MAGICS} | {f"widget {w}" for w in WIDGETS} | alone
    for name in MAGICS:
        assert f"magic {name}" in parts_of(page(name))


def test_the_index_links_every_page():
    linked = set(re.findall(r"\]\((\w+)\.md\)", page("README")))
    assert linked == {path.stem for path in PAGES} - {"README"}


def test_a_change_of_the_code_is_noticed(monkeypatch):
    action = MAGICS["search"].parser._option_string_actions["--limit"]
    monkeypatch.setattr(action, "help", "to show (default: 7)")
    assert with_parts(page("search")) != page("search")


# ---------------------------------------------------------------- the code blocks


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_the_blocks_run_and_print_what_the_page_says(path):
    text = path.read_text()
    outputs = run_page(text)
    for block in blocks(text):
        if block.shown is not None:
            printed = outputs[block.line]
            assert is_what_it_prints(block.shown, printed), f"{path.name}:{block.line}\n{printed}"


def test_what_cannot_run_here_says_why():
    found = {path.stem: [b.needs for b in blocks(path.read_text()) if b.needs] for path in PAGES}
    assert {name: reasons for name, reasons in found.items() if reasons} == NOT_RUN


@pytest.mark.ray
def test_the_blocks_that_need_ray_run_where_it_is(served_lab):
    with page_shell(engine="ray") as shell:
        for block in blocks(page("README")):
            run(shell, block)
        for name in ("lab", "extractor", "http"):
            for block in blocks(page(name)):
                if block.needs == "Ray":
                    shown = run(shell, block)
        assert "docs_words" in shown


@pytest.mark.parametrize("path", PAGES, ids=_name)
def test_commands_on_the_pages_are_commands(path):
    for line in COMMAND.findall(path.read_text()):
        _parser().parse_args(shlex.split(line, comments=True)[1:])  # SystemExit where it is none


# ---------------------------------------------------------------- magics


@pytest.mark.parametrize("name", sorted(MAGICS))
def test_every_option_is_shown_in_use_and_says_its_default(name):
    text = by_hand(page(name))
    for action in MAGICS[name].parser._actions:
        assert action.help, action.dest
        if action.option_strings:
            assert action.option_strings[-1] in text, f"{name}.md shows no {action.option_strings}"
        if action.default not in (None, "", [], False):
            assert told_of(action)[1] == str(action.default), action.dest


@pytest.mark.parametrize("name", sorted(WORDS))
def test_every_sub_command_is_explained_and_shown_in_use(name):
    lines = [line for line, _ in examples(MAGICS[name].about)]
    code = "".join(block.code for block in blocks(page(name)))
    for word in WORDS[name]:
        assert any(line.startswith(f"%{name} {word}") for line in lines), word
        is_default = any(a.default == word for a in MAGICS[name].parser._actions)
        used = rf"%{name} {word}\b" + (rf"|%{name}$" if is_default else "")
        assert re.search(used, code, re.MULTILINE), f"{name}.md shows no %{name} {word}"


def test_the_actions_of_extractors_know_what_they_take():
    taken = {name for names in TAKES.values() for name in names}
    assert set(TAKES) == set(ACTIONS)
    assert taken == {action.dest for action in MAGICS["extractor"].parser._actions} - {"action"}


@pytest.mark.parametrize("name", sorted(MAGICS))
def test_help_has_purpose_examples_usage_and_the_page(name, capsys):
    told = MAGICS[name].__doc__
    assert re.match(r"[A-Z][^\n]+\.\n\n%", told)
    assert all(meaning for _, meaning in examples(MAGICS[name].about))
    assert f"\nUsage: %{name}" in told
    assert f"notebooks/how_to/{name}.md" in told
    assert max(map(len, told.splitlines())) <= 100
    with page_shell() as shell:
        shell.run_line_magic("load_ext", "mixpeek_lab")
        shown = shell.object_inspect_mime(f"%{name}")["text/plain"]
        capsys.readouterr()
        shell.run_line_magic(name, "--help")
        assert capsys.readouterr().out.strip() == told.strip()
    assert all(line in shown for line in told.splitlines())


MISUSE = [
    ("%process", "source and extractor missing. It reads: %process source"),
    ("%process docs words --forse", "no option --forse: did you mean --force?"),
    ("%process docs words --engine gpu", "--engine: 'gpu' is none of 'ray', 'kernel'"),
    ("%search", "%search: name missing"),
    ("%search find cats --limit x", "--limit: 'x' is no whole number"),
    ("%playground find --limit 0", "--limit: 0 hits cannot be shown"),
    ("%bucket delete", "%bucket delete NAME: which one?"),
    ("%bucket --append", "--append says how to read a source"),
    ('%bucket notes ["a", "b"]', '`rows = ["a", "b"]`, then `%bucket notes rows`'),
    ("%bucket a b c d", "what is 'd' for?"),
    ("%extractor shwo words", "Did you mean show?"),
    ("%extractor show words --full", "%extractor show: what is --full for?"),
    ("%extractor list words", "what is 'words' for?"),
    ("%extractor tag words --delete", "%extractor tag NAME TAG: which tag?"),
    ("%process docs words --param size", "'size' should read KEY=VALUE: size=…"),
    ("%evaluate list words", "%evaluate list: what is 'words' for?"),
    ("%evaluate find qrels --depth", "--depth needs a value"),
    ("%inspect failurs", "Did you mean 'failures'?"),
    ("%inspect --df 1a failures", "'1a' cannot be a variable's name"),
    ("%explore failurs", "Did you mean 'failures'?"),
    ("%lab run", "'run' is none of 'start', 'status', 'stop'"),
]


def test_misuse_says_what_is_wrong_and_what_was_meant(capsys):
    with page_shell() as shell:
        shell.run_line_magic("load_ext", "mixpeek_lab")
        for cell, told in MISUSE:
            done = shell.run_cell(cell)
            assert isinstance(done.error_in_exec, errors.LabError), cell
            assert told in str(done.error_in_exec), cell
            assert "Traceback" not in capsys.readouterr().out, cell


def test_help_is_asked_at_the_end_of_a_line_but_not_of_a_query(capsys):
    with page_shell() as shell:
        shell.run_line_magic("load_ext", "mixpeek_lab")
        shell.run_cell("%process docs words --help")
        assert "Usage: %process" in capsys.readouterr().out
        done = shell.run_cell("%search find git --help")
        assert "No retriever called 'find'" in str(done.error_in_exec)


def test_options_may_stand_behind_a_table(capsys):
    with page_shell() as shell:
        shell.run_line_magic("load_ext", "mixpeek_lab")
        assert shell.run_cell("%inspect runs --size 3 --df found").success
        assert shell.user_ns["found"].empty


# ---------------------------------------------------------------- widgets


@pytest.mark.parametrize("name", sorted(WIDGETS))
def test_every_public_name_of_a_widget_is_explained(name):
    found = members(widget_class(name))
    public = {n for n in vars(widget_class(name)) if n[0] != "_"}
    assert public <= set(found)
    assert {n for n, (_, _, told) in found.items() if not told} == set()


@pytest.mark.parametrize("name", sorted(SCRIPTS))
def test_the_table_of_keys_has_the_keys_that_are_listened_to(name):
    assert keys_told(page(name)) == keys_in_code(name)


# ---------------------------------------------------------------- the other references


def test_the_settings_are_those_that_the_code_reads():
    sources = {path: path.read_text() for path in (ROOT / "mixpeek_lab").rglob("*.py")}
    text = "".join(text for path, text in sources.items() if path.name != "settings.py")
    read = set(re.findall(r'"(MIXPEEK_[A-Z_]*[A-Z])"', text))
    read |= {provider.url_variable for provider in PROVIDERS.values()} | {"MIXPEEK_LAB_SQL_NAME"}
    assert {setting.name for setting in SETTINGS} == read
    for setting in SETTINGS:
        path = ROOT / "mixpeek_lab" / f"{setting.read_by.replace('.', '/')}.py"
        part = setting.name.removesuffix("NAME") if "SQL" in setting.name else setting.name
        part = "MIXPEEK_LAB_LLM_" if "_LLM_" in part else part
        assert part in path.read_text(), setting


def test_the_settings_defaults_are_those_of_the_code(monkeypatch):
    for setting in SETTINGS:
        monkeypatch.delenv(setting.name, raising=False)
    told = {setting.name.removeprefix("MIXPEEK_LAB_"): setting.default for setting in SETTINGS}
    limits = AssetLimits()
    for name in ("connect_seconds", "read_seconds", "total_seconds", "max_redirects"):
        assert float(told[f"ASSET_{name.upper()}"]) == getattr(limits, name)
    assert told["ASSET_MAX_BYTES"] == f"{limits.max_bytes / 2**30:g} GiB"
    assert float(told["DEPLOY_SECONDS"]) == LOAD_SECONDS
    urls = {provider.url_variable: provider.url or "none" for provider in PROVIDERS.values()}
    assert {f"MIXPEEK_LAB_{n}": each for n, each in told.items() if "LLM" in n} == urls


def test_every_argument_of_a_command_says_what_it_is(capsys):
    for name, parser in command_parsers().items():
        for action in parser._actions:
            is_told = action.help or isinstance(action, argparse._SubParsersAction)
            assert is_told, f"{name}: {action.dest}"
            if action.option_strings and action.default not in (
                None,
                "",
                [],
                False,
                "==SUPPRESS==",
            ):
                assert told_of(action)[1] == str(action.default), f"{name}: {action.dest}"
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "MIXPEEK_LAB_HOME" in capsys.readouterr().out


def test_every_route_has_a_row():
    rows = [route for of in operations().values() for route, *_ in of]
    assert len(rows) == len(set(rows)) >= len(OPERATIONS)
    assert all(f"`{route}`" in page("http") for route in rows)


def test_every_error_is_in_the_tree_and_in_its_picture():
    names = [each.__name__ for each in error_classes()]
    defined = {name for name, each in vars(errors).items()
               if isinstance(each, type) and issubclass(each, Exception)}  # fmt: skip
    assert set(names) == defined
    assert sorted(re.findall(r"(\w+Error)\s", errors.__doc__)) == sorted(names)
