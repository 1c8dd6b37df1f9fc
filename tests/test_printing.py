"""What an extractor prints reaches its user: in bounds, told apart, and without secrets."""

from __future__ import annotations

import re
import sys

import pytest
from probes import load_probe

from mixpeek_lab.errors import EngineError
from mixpeek_lab.pipeline.printing import KEPT, LONGEST, Printouts
from mixpeek_lab.secrets import guard_again
from mixpeek_lab.widgets import RunProgress
from mixpeek_lab.widgets.cards import RunCard

NOISY = """
import logging, sys, warnings
from tqdm import tqdm
print("printed", len(batch))
print("on stderr", file=sys.stderr)
logging.getLogger("noisy").error("logged")
warnings.warn("warned")
for _ in tqdm(range(3), desc="bar"):
    pass
print("key:", "sesame" + "-" + "open")
batch["vec"] = [[float(len(t)), 1.0] for t in batch["data"]]
return batch
"""
WORDS = ("printed 3", "on stderr", "logged", "warned", "key: [secret DOOR]")


def run(lab, tmp_path, engine, *process, **options):
    load_probe(lab, tmp_path, *process, name="noisy", **options)
    lab.bucket("said", ["a", "b", "c"])
    seen = []
    report = lab.process(
        "said", "noisy", "said", engine=engine, on_progress=seen.append, force=True
    )
    return report, seen


def secret_set(lab):
    from mixpeek_lab.secrets import SecretStore, watch

    SecretStore(lab.home).set("DOOR", "sesame-open")
    watch(SecretStore(lab.home))


def test_in_this_kernel_nothing_gets_past_it(kernel_lab, tmp_path, capsys):
    secret_set(kernel_lab)
    report, seen = run(kernel_lab, tmp_path, "kernel", NOISY)
    text = "\n".join(line for _, line in seen[-1].printed.lines)
    here = [word for word in WORDS if word not in ("logged", "warned")]  # pytest takes those
    assert [word for word in here if word not in text] == []
    assert "bar" not in text, "a bar that has ended says nothing more"
    assert {step for step, _ in seen[-1].printed.lines} == {"Probe"}
    out, err = capsys.readouterr()
    assert (out, err) == ("", "")
    html = RunCard(report, seen[-1].printed)._repr_html_()
    assert "printed by the extractor" in html
    assert "sesame" not in html


def test_where_nobody_listens_the_kernel_prints_as_python_does(kernel_lab, tmp_path, capsys):
    load_probe(kernel_lab, tmp_path, 'print("to the terminal")\nreturn batch', vectors={})
    kernel_lab.bucket("rows", ["a"])
    kernel_lab.process("rows", "probe", engine="kernel")
    assert capsys.readouterr().out == "to the terminal\n"


@pytest.mark.ray
def test_on_ray_too_with_what_is_not_python(lab, tmp_path, capfd):
    secret_set(lab)
    shell = 'os.write(1, b"by C code\\n")\n'
    _, seen = run(lab, tmp_path, "ray", shell + NOISY)
    text = "\n".join(line for _, line in seen[-1].printed.lines)
    assert [word for word in (*WORDS, "by C code") if word not in text] == []
    assert ":actor_name:" not in text
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


@pytest.mark.ray
def test_the_last_words_of_a_worker_that_dies_are_in_the_error(lab, tmp_path):
    body = 'print("about to leave", flush=True)\nos.write(2, b"gone\\n")\nos._exit(3)'
    load_probe(lab, tmp_path, body, name="leaving")
    lab.bucket("said", ["a"])
    with pytest.raises(EngineError, match=r"It printed last: .*about to leave / gone"):
        lab.process("said", "leaving", "left", engine="ray")


@pytest.mark.ray
def test_hundreds_of_thousands_of_lines_are_bounded(lab, tmp_path):
    body = (
        'for n in range(200_000):\n    print("line", n)\n'
        'batch["vec"] = [[1.0, 1.0] for _ in batch["data"]]\nreturn batch'
    )
    report, seen = run(lab, tmp_path, "ray", body)
    assert max(len(p.printed.lines) for p in seen) <= KEPT
    printed = seen[-1].printed
    assert report.documents == 3
    assert printed.lines[-1] == ("Probe", "line 199999")
    assert len(printed.lines) == KEPT
    assert printed.is_cut
    bar = RunProgress("said")
    bar.update(seen[-1])
    assert len(bar.state["printed"]["lines"]) == 50
    assert re.match(
        r"printed by the extractor: more than [\d,]+ lines", bar.state["printed"]["title"]
    )


def test_who_listens_may_print(kernel_lab, tmp_path, capsys):
    """While the extractor works as well: its listener is asked from a thread beside it."""
    load_probe(kernel_lab, tmp_path, "time.sleep(1.5)\nreturn batch", vectors={})
    kernel_lab.bucket("rows", ["a"])
    seen = []

    def listen(progress):
        seen.append(progress)
        print("heard")

    kernel_lab.process("rows", "probe", engine="kernel", on_progress=listen)
    assert capsys.readouterr().out == "heard\n" * len(seen)
    assert seen[-1].printed.lines == ()


# ---------------------------------------------------------------- the parts


def test_lines_bars_and_long_ones():
    printouts = Printouts()
    printouts.add("a", "one\ntw")
    printouts.add("b", "three\r\n:actor_name:MapWorker\n")
    printouts.add("a", "o\n")
    printouts.add("a", "\r 10%")
    printouts.add("a", "\r 50%")
    assert printouts.look().lines == (("a", "one"), ("b", "three"), ("a", "two"), ("a", " 50%"))
    printouts.add("a", "\r100%\n")
    printouts.add("b", "x" * 10_000 + "\n")
    *_, (step, line) = printouts.look().lines
    assert step == "b"
    assert len(line) == LONGEST + 1
    assert printouts.look().count == 4
    printouts.add("b", "/labs/ex/extractor_a_b_0123456789ab/processors/core.py:3: Warned\n")
    assert printouts.look().lines[-1] == ("b", "processors/core.py:3: Warned")
    printouts.add("a", "".join(f"{n}\n" for n in range(10_000)))
    assert printouts.look().count == 10_005
    assert len(printouts.look().lines) == KEPT


def test_the_streams_are_back_afterwards(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))  # as it is, and so again afterwards
    guard_again()  # where another test's step read a secret, this process is guarded
    printouts = Printouts()
    printouts.is_wanted = True
    before = sys.stdout, sys.stderr

    def step():
        with printouts.taken_from("a"):
            print("here")
            raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        step()
    assert (sys.stdout, sys.stderr) == before
    assert next(line for _, line in printouts.look().lines) == "here"
