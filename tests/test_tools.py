"""run_tool: what it takes and refuses, where a tool runs, how it ends, and its output.

The tools here are scripts; the real ones are in test_real_tools.py.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import pickle
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from mixpeek_lab.errors import ExtractorRunError, InvalidInputError, MissingDependencyError
from mixpeek_lab.sdk import ToolError, ToolTimeoutError, parallel_io, run_tool

ROOT = Path(__file__).parents[1]
ALL = [
    "ffmpeg", "ffprobe", "convert", "identify", "magick", "exiftool", "mediainfo", "sox", "soxi",
    "REDline", "art-cmd",
]  # fmt: skip
RECORDER = """
printf '%s\\0' "$0" "$@" > "$RECORD"
echo decoded
"""


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Puts a shell script on PATH: `tools(name, text)`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)

    def add(name, text):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
        return folder / name

    return add


@pytest.fixture
def only_ours(tmp_path, tools, monkeypatch):
    """`tools`, with nothing else on PATH."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    return tools


def recorder(tools, name, record):
    tools(name, RECORDER.replace("$RECORD", str(record)))


def recorded(record):
    return record.read_text().split("\0")[:-1]


def is_gone(pid):
    """No such process, or one that only waits for its parent to notice."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def wait_until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


FAMILY = """
sleep 300 & echo $! >> PIDS
sh -c 'sleep 300 & echo $! >> PIDS; wait' & echo $! >> PIDS
echo $$ >> PIDS; echo halfway >&2; touch PIDS.done
wait
"""


def family(tools, tmp_path):
    """A tool with children and a grandchild that runs for minutes; the file of their numbers."""
    pids = tmp_path / "pids"
    tools("REDline", FAMILY.replace("PIDS", str(pids)).replace("; touch", "; sleep 0.2; touch"))
    return pids


def members(pids):
    found = [int(line) for line in pids.read_text().split()]
    assert len(found) == 4
    return found


# ------------------------------------------------------------------------------ what it runs


def test_the_raw_formats_of_the_contract_reach_their_tools(tools, tmp_path):
    record = tmp_path / "record"
    recorder(tools, "REDline", record)
    given = ["--i", "/a clip.R3D", "--o", "/out.mov", "--format", "201", "--resize", "2"]
    result = run_tool("REDline", given, timeout=600)
    assert recorded(record)[1:] == given
    assert (result.returncode, result.stdout, result.args[1:]) == (0, "decoded\n", given)
    recorder(tools, "art-cmd", record)
    given = ["--input", "/a.ari", "--output", "/out dir", "--format", "prores"]
    assert run_tool("art-cmd", given, 600).stdout.strip() == "decoded"
    assert recorded(record)[1:] == given


def test_arguments_pass_no_shell(tools, tmp_path):
    record = tmp_path / "record"
    recorder(tools, "REDline", record)
    given = ["$HOME `id` $(id)", "a;b|c&", "", "*", "\"quoted\" 'so'", "-x", "två\nrader", "\\"]
    run_tool("REDline", given)
    assert recorded(record)[1:] == given


def test_paths_and_numbers_are_arguments_too(tools, tmp_path):
    record = tmp_path / "record"
    recorder(tools, "REDline", record)
    given = (tmp_path / "a.mp4", 23, 0.5, np.int64(7), np.float64(1.5), np.float32(2.5), b"raw")
    run_tool("REDline", given)
    assert recorded(record)[1:] == [f"{tmp_path}/a.mp4", "23", "0.5", "7", "1.5", "2.5", "raw"]


def test_it_works_inside_a_running_loop_and_many_at_once(tools):
    tools("REDline", 'echo "$1"')

    async def call():
        return run_tool("REDline", ["inside"]).stdout

    assert asyncio.run(call()) == "inside\n"
    results = parallel_io(range(24), lambda i: run_tool("REDline", [i]).stdout, max_workers=8)
    assert list(results) == [f"{i}\n" for i in range(24)]


# ------------------------------------------------------------------------------ what it refuses


def test_a_string_of_arguments_is_refused_with_the_list_to_write():
    with pytest.raises(InvalidInputError) as caught:
        run_tool("ffmpeg", "-y -i 'my clip.mp4' out.mp4")
    assert 'run_tool("ffmpeg", ["-y", "-i", "my clip.mp4", "out.mp4"])' in str(caught.value)
    with pytest.raises(InvalidInputError, match=r"\[\"it's\", \"open\"\]"):
        run_tool("ffmpeg", "it's open")


@pytest.mark.parametrize(
    ("tool", "hint"),
    [
        ("rm", ""),
        ("/usr/bin/ffmpeg", '"ffmpeg"'),
        ("redline", '"REDline"'),
        (None, ""),
        (["a"], ""),
    ],
)
def test_another_tool_is_refused_with_the_list_of_tools(tool, hint):
    with pytest.raises(InvalidInputError) as caught:
        run_tool(tool, [])
    assert all(name in str(caught.value) for name in ALL)
    assert (f"Did you mean {hint}?" in str(caught.value)) == bool(hint)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "Argument 1 of ffmpeg is None, of type NoneType"),
        (True, "of type bool"),
        (float("nan"), "of type float"),
        (["nested"], "of type list"),
        ("a\0b", "NUL character"),
    ],
)
def test_an_argument_that_is_none_is_refused(value, words):
    with pytest.raises(InvalidInputError, match=words):
        run_tool("ffmpeg", ["-i", value])


@pytest.mark.parametrize("args", [None, {"-i": "a"}, b"-i a", 5, {"-i"}])
def test_arguments_that_are_no_list_are_refused(args):
    with pytest.raises(InvalidInputError, match=f"of type {type(args).__name__}; .* takes a list"):
        run_tool("ffmpeg", args)


@pytest.mark.parametrize("timeout", [0, -1, None, "60", True, float("inf"), float("nan")])
def test_a_timeout_is_a_positive_number(timeout):
    with pytest.raises(InvalidInputError, match=r"timeout is .* positive number of seconds"):
        run_tool("ffmpeg", [], timeout=timeout)


def test_more_arguments_than_the_system_takes_are_refused(tools):
    tools("REDline", "true")
    with pytest.raises(InvalidInputError, match="60000 arguments are more than the system"):
        run_tool("REDline", ["x" * 200] * 60_000)


@pytest.mark.parametrize("tool", ALL)
def test_a_missing_tool_is_told_with_its_package_or_vendor(only_ours, tool):
    with pytest.raises(MissingDependencyError) as caught:
        run_tool(tool, [])
    packages = {
        "ffmpeg": "apt-get install ffmpeg ", "ffprobe": "apt-get install ffmpeg ",
        "convert": "apt-get install imagemagick ", "identify": "apt-get install imagemagick ",
        "magick": "apt-get install imagemagick ", "sox": "apt-get install sox ",
        "soxi": "apt-get install sox ", "exiftool": "apt-get install libimage-exiftool-perl ",
        "mediainfo": "apt-get install mediainfo ", "REDline": "RED Digital Cinema",
        "art-cmd": "ARRI",
    }  # fmt: skip
    assert packages[tool] in str(caught.value)
    assert f'run_tool("{tool}", …) needs' in str(caught.value)


# ------------------------------------------------------------------------------ other names


@pytest.mark.parametrize(
    ("asked", "args", "there", "becomes"),
    [
        ("magick", ["a", "b"], "convert", ["a", "b"]),
        ("magick", ["identify", "a"], "identify", ["a"]),
        ("magick", ["mogrify", "a"], "mogrify", ["a"]),
        ("magick", ["convert", "a"], "convert", ["a"]),
        ("convert", ["a", "b"], "magick", ["convert", "a", "b"]),
        ("identify", ["a"], "magick", ["identify", "a"]),
        ("soxi", ["-r", "a"], "sox", ["--info", "-r", "a"]),
    ],
)
def test_a_tool_that_is_there_under_its_other_name_runs(
    only_ours, tmp_path, asked, args, there, becomes
):
    record = tmp_path / "record"
    recorder(only_ours, there, record)
    result = run_tool(asked, args)
    assert recorded(record)[1:] == becomes
    assert result.args == [str(tmp_path / "bin" / there), *becomes]


def test_its_own_name_comes_first_and_links_keep_their_name(only_ours, tmp_path):
    record = tmp_path / "record"
    recorder(only_ours, "magick", record)
    (tmp_path / "bin" / "convert").symlink_to("magick")
    run_tool("convert", ["a"])
    assert recorded(record) == [str(tmp_path / "bin" / "convert"), "a"]


# ------------------------------------------------------------------------------ where it runs


def test_it_runs_in_a_directory_of_its_own_without_input_keys_or_tokens(
    tools, tmp_path, monkeypatch
):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    monkeypatch.setenv("LD_PRELOAD", "")
    monkeypatch.setenv("LANG", "C.UTF-8")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    tools("REDline", 'pwd; wc -c; echo "$TMPDIR"; command env')
    cwd, size, temporary, *lines = run_tool("REDline", []).stdout.splitlines()
    seen = dict(line.split("=", 1) for line in lines)
    assert size.strip() == "0"
    assert Path(cwd) != tmp_path
    assert not Path(cwd).exists()
    assert not Path(temporary).exists()
    assert (seen["LANG"], seen["HOME"], seen["PATH"]) == (
        "C.UTF-8", str(tmp_path), os.environ["PATH"],
    )  # fmt: skip
    assert not {"OPENAI_API_KEY", "LD_PRELOAD"} & set(seen)


CHILDREN = Path(f"/proc/self/task/{os.getpid()}/children")


@pytest.mark.skipif(not CHILDREN.exists(), reason="needs Linux's list of children")
def test_a_tool_has_no_children_and_no_open_files_of_ours(tools):
    tools("REDline", 'read -r kids < /proc/$$/task/$$/children; echo "($kids)"; ls /proc/$$/fd')
    children, *files = run_tool("REDline", []).stdout.split()
    assert children == "()"
    assert {"0", "1", "2"} <= set(files)
    assert "3" not in files


@pytest.mark.parametrize("argument", ["out.png", "png:out.png"])
def test_output_lost_with_the_directory_is_an_error(tools, argument):
    tools("REDline", "touch out.png")
    with pytest.raises(ToolError, match=r"wrote out\.png into its own (?s:.*)absolute path"):
        run_tool("REDline", [argument])


def test_a_log_lost_with_the_directory_is_told(tools, caplog):
    tools("REDline", "touch some.log")
    with caplog.at_level(logging.WARNING):
        assert run_tool("REDline", ["/a/out.mov"]).returncode == 0
    assert "REDline left some.log in its working directory" in caplog.text


def test_a_relative_path_that_fails_is_explained(tools, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.mp4").touch()
    tools("REDline", 'cat "$2"')
    with pytest.raises(ToolError) as caught:
        run_tool("REDline", ["--i", "in.mp4"])
    assert f"give absolute paths, '{tmp_path}/in.mp4' for 'in.mp4'" in str(caught.value)


# ------------------------------------------------------------------------------ how it ends


def test_a_failure_carries_the_command_and_the_last_lines(tools):
    tools("REDline", "echo partial; for i in $(seq 50); do echo line $i >&2; done; exit 3")
    with pytest.raises(ExtractorRunError) as caught:
        run_tool("REDline", ["--i", "my clip"])
    error, message = caught.value, str(caught.value)
    assert message.startswith("REDline ended with status 3.\nCommand: REDline --i 'my clip'\n")
    assert "line 50" in message
    assert "line 38" not in message
    assert (error.returncode, error.stdout, error.stderr.count("\n")) == (3, "partial\n", 50)
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.stdout.raw) == (ToolError, message, b"partial\n")


def test_a_failure_without_errors_shows_the_output_and_a_signal_its_name(tools):
    tools("REDline", "echo on stdout; kill -9 $$")
    with pytest.raises(
        ToolError, match=r"was ended by SIGKILL \(out of memory\?\)(?s:.*)on stdout"
    ):
        run_tool("REDline", [])
    tools("REDline", "exit 1")
    with pytest.raises(ToolError, match="It printed nothing"):
        run_tool("REDline", [])


def test_at_the_time_limit_the_whole_family_is_killed(tools, tmp_path):
    pids = family(tools, tmp_path)
    start = time.monotonic()
    with pytest.raises(ToolTimeoutError, match=r"killed after 1.5 s(?s:.*)halfway") as caught:
        run_tool("REDline", [], timeout=1.5)
    assert time.monotonic() - start < 5
    wait_until(lambda: all(map(is_gone, members(pids))))
    assert isinstance(caught.value, TimeoutError)
    assert isinstance(caught.value, ToolError)
    assert isinstance(pickle.loads(pickle.dumps(caught.value)), ToolTimeoutError)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_cell_and_a_killed_worker_leave_no_tool_running(tools, tmp_path, how):
    pids = family(tools, tmp_path)
    code = "from mixpeek_lab.sdk import run_tool; run_tool('REDline', [], timeout=250)"
    environ = {**os.environ, "TMPDIR": str(tmp_path)}  # a killed caller leaves its folder
    caller = subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stderr=subprocess.PIPE, env=environ
    )
    wait_until((tmp_path / "pids.done").exists, 60)
    assert not any(map(is_gone, members(pids)))
    caller.send_signal(how)
    _, errors = caller.communicate(timeout=30)
    assert (b"KeyboardInterrupt" in errors) == (how is signal.SIGINT)
    wait_until(lambda: all(map(is_gone, members(pids))))


def test_what_a_tool_leaves_running_is_killed_and_does_not_hold_the_call(tools, tmp_path):
    pids = tmp_path / "pids"
    tools("REDline", f"sleep 300 & echo $! > {pids}; echo $$ >> {pids}; echo done")
    start = time.monotonic()
    assert run_tool("REDline", []).stdout == "done\n"
    assert time.monotonic() - start < 5
    background, group = map(int, pids.read_text().split())
    wait_until(lambda: is_gone(background))
    wait_until(lambda: not [p for p in psutil.pids() if _group_of(p) == group and not is_gone(p)])


def _group_of(pid):
    try:
        return os.getpgid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def test_a_tool_that_closes_its_output_and_goes_on_is_waited_for(tools, tmp_path):
    done = tmp_path / "done"
    tools("REDline", f"exec >&- 2>&-; sleep 0.5; touch {done}")
    assert run_tool("REDline", []).returncode == 0
    assert done.exists()


# ------------------------------------------------------------------------------ output


def test_output_is_text_and_bytes(tools):
    tools("REDline", r"""printf '\303\244 \377\000\n'; printf '{"x": 1}' >&2""")
    result = run_tool("REDline", [])
    assert result.stdout == "ä �\0\n"
    assert result.stdout.raw == b"\xc3\xa4 \xff\x00\n"
    assert result.stdout.decode("latin-1") == "Ã¤ ÿ\0\n"
    with pytest.raises(UnicodeDecodeError):
        result.stdout.decode()
    assert json.loads(result.stderr) == json.loads(result.stderr.decode()) == {"x": 1}
    assert pickle.loads(pickle.dumps(result)).stdout.raw == result.stdout.raw


def test_endless_output_is_cut_where_it_says_so(tools):
    tools("REDline", "head -c 70000000 /dev/zero | tr '\\0' x; echo end")
    out = run_tool("REDline", []).stdout
    assert out.startswith("xxx")
    assert out.dropped == 70_000_004 - (64 << 20)
    assert out.endswith(
        f"[run_tool: {out.dropped} bytes of stdout dropped; these are the first 64 MiB. "
        "Let the tool write to a file instead.]\n"
    )
    for use in (lambda: out.raw, out.decode):
        with pytest.raises(
            ExtractorRunError, match=r"wrote 70000004 bytes, of which \d+ were drop"
        ):
            use()


def test_of_endless_errors_the_end_is_kept(tools):
    tools("REDline", "(head -c 5000000 /dev/zero | tr '\\0' x; echo; echo reason) >&2; exit 1")
    with pytest.raises(ToolError, match="reason") as caught:
        run_tool("REDline", [])
    stderr = caught.value.stderr
    assert stderr.startswith(
        f"[run_tool: {5_000_008 - (1 << 20)} bytes of stderr dropped; these ar"
    )
    assert stderr.endswith("x\nreason\n")
    assert len(str(caught.value)) < 5000
