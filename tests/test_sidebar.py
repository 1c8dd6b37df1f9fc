"""What JupyterLab's sidebar asks of the kernel: overview, pages, cells, deletions, findings."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
import threading
import time
from pathlib import Path

import pytest
from packages import HASH_EMBEDDER

from mixpeek_lab import Lab
from mixpeek_lab.catalog import Catalog
from mixpeek_lab.magics.findings import marks
from mixpeek_lab.sidebar.actions import ACTIONS
from mixpeek_lab.sidebar.requests import PAGE, Requests
from mixpeek_lab.sidebar.sections import FIRST_EXTRACTOR, SECTIONS
from mixpeek_lab.sidebar.watching import Watch
from mixpeek_lab.widgets.messages import answer

RETRIEVER = {
    "collection": "docs_hash_embedder",
    "searches": [{"feature": "hash_embedding"}, {"lexical": True, "weight": 0.5}],
}


@pytest.fixture
def filled(home):
    lab = Lab(home, engine="kernel")
    lab.load(HASH_EMBEDDER)
    lab.bucket("docs", ["hello world", "revenue grew", "FAIL here", "good news"])
    lab.process("docs", "hash_embedder")
    lab.retriever("find", RETRIEVER)
    return lab


def ask(lab, kind, **body):
    """A request as it arrives, and its answer as it leaves: through the JSON of the messages."""
    requests = Requests(lambda: lab, lambda: False)
    reply = answer(requests.handlers, {"id": "1", "type": kind, **body})
    assert reply.header["ok"], reply.header
    return json.loads(reply.body)


def items(lab, section, **body):
    return ask(lab, "items", section=section, **body)["items"]


def only(lab, section):
    (item,) = items(lab, section)
    return item


# ---------------------------------------------------------------- looking


def test_without_a_lab_there_is_a_state_and_nothing_is_made(monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_ENGINE", "ray")
    told = ask(None, "overview")
    assert told["lab"]["state"] == "not started"
    assert {s["name"]: s["count"] for s in told["sections"]} == dict.fromkeys(SECTIONS, 0)
    assert ask(None, "items", section="runs") == {"total": 0, "items": []}
    starting = Requests(lambda: None, lambda: True).handlers["overview"]({})
    assert starting["lab"]["state"] == "starting"


def test_the_overview_counts_what_there_is(filled):
    counts = {s["name"]: s["count"] for s in ask(filled, "overview")["sections"]}
    assert counts == {
        "extractors": 1, "buckets": 1, "collections": 1, "runs": 1, "retrievers": 1, "endpoints": 0,
    }  # fmt: skip


def test_items_say_what_they_are(filled):
    assert only(filled, "extractors")["detail"] == "1.0.0"
    assert only(filled, "extractors")["part_count"] == 0
    assert only(filled, "buckets")["detail"] == "4 objects"
    assert only(filled, "collections")["detail"] == "3 docs"
    run = only(filled, "runs")
    assert (run["detail"], run["state"]) == ("1 failed", "warning")
    assert ["Rows", "4 computed, 0 kept"] in run["facts"]
    assert only(filled, "retrievers")["detail"] == "docs_hash_embedder"


def test_versions_and_uncommitted_changes_are_shown(filled):
    filled.versions.commit("hash_embedder", "the first one")
    filled.versions.tag("hash_embedder", "good")
    item = only(filled, "extractors")
    assert (item["state"], item["parts"], item["part_count"]) == ("", "versions", 1)
    (version,) = items(filled, "versions", of="hash_embedder")
    assert (version["name"], version["detail"], version["state"]) == ("1.0.0", "good", "ok")
    assert ["Message", "the first one"] in version["facts"]
    assert "checkout" in version["without"], "it is the working state"
    source = filled.extractor("hash_embedder").source
    filled.define("hash_embedder", source.text("realtime.py") + "\n# changed\n", "realtime.py")
    assert only(filled, "extractors")["note"] == "changes since the last commit"
    (version,) = items(filled, "versions", of="hash_embedder")
    assert not {"checkout", "diff"} & set(version["without"])
    filled.versions.commit("hash_embedder", "the second one")
    assert [v["name"] for v in items(filled, "versions", of="hash_embedder")] == ["1.0.1", "1.0.0"]


def test_the_kinds_of_failures_are_told_with_their_numbers(filled):
    facts = only(filled, "runs")["facts"]
    assert ["Failed", "1 row"] in facts
    (kind,) = [fact for fact in facts if fact[0].startswith("· ")]
    assert kind == ["· ValueError", "1: cannot embed 'FAIL here'"]


def test_a_run_that_did_not_come_through_says_why(filled):
    def stop(_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        filled.process("docs", "hash_embedder", "stopped", on_progress=stop)
    run = next(item for item in items(filled, "runs") if item["name"] == "stopped")
    assert (run["detail"], run["state"]) == ("0 docs", "warning")
    assert next(value for name, value in run["facts"] if name == "Why").startswith("KeyboardInterr")


def test_where_the_kernel_answers_no_endpoint_is_offered(filled):
    told = ask(filled, "overview")
    assert (told["lab"]["state"], told["lab"]["engine"]) == ("ready", "kernel")
    (endpoints,) = [s for s in told["sections"] if s["name"] == "endpoints"]
    assert "no HTTP endpoint runs: it was asked for" in endpoints["empty"]
    assert endpoints["code"] == ""
    assert "deploy" in only(filled, "extractors")["without"]
    assert "serve" in only(filled, "retrievers")["without"]
    assert "deploy" not in only(Lab(filled.home, engine="ray"), "extractors")["without"]


def test_deployments_say_how_far_they_are_and_why_they_failed(filled):
    lab, digest = Lab(filled.home, engine="ray"), filled.extractor("hash_embedder").source.digest
    catalog = Catalog(filled.home / "catalog.sqlite")
    with lab._runtime.deploying(lab.home, "hash_embedder", digest):
        item = only(lab, "endpoints")
        assert (item["detail"], item["state"], item["note"]) == ("1.0.0", "busy", "loads")
    assert items(lab, "endpoints") == []
    catalog.put_deployment("hash_embedder", digest, "api", "QUEUED")
    catalog.put_deployment("hash_embedder", digest, "api", "FAILED", "realtime.py:3: no module x")
    item = only(lab, "endpoints")
    assert (item["state"], item["note"]) == ("error", "failed")
    assert ["Error", "realtime.py:3: no module x"] in item["facts"]
    assert "deploy" not in item["without"], "it can be tried again"
    assert only(filled, "endpoints")["note"].endswith("the kernel answers here")
    assert ask(lab, "undeploy", key=item["key"]) == {
        "told": "hash_embedder is not served any more."
    }
    assert items(lab, "endpoints") == []


def test_deleting_a_version_says_what_becomes_of_the_working_state(filled):
    filled.versions.commit("hash_embedder", "the first one")
    asked = {"section": "versions", "name": "hash_embedder@1.0.0"}
    told = ask(filled, "losses", **asked)["losses"]
    assert "hash_embedder itself: it has no other version." in told


def test_pages_are_short_and_filtered_by_name(kernel_lab):
    for number in range(PAGE + 10):
        kernel_lab.bucket(f"bucket {number:02}", ["a"])
    page = ask(kernel_lab, "items", section="buckets", limit=10_000)
    assert (len(page["items"]), page["total"]) == (PAGE, PAGE + 10)
    rest = items(kernel_lab, "buckets", offset=PAGE)
    assert [item["name"] for item in rest][-1] == f"bucket {PAGE + 9:02}"
    found = ask(kernel_lab, "items", section="buckets", filter="BUCKET 1")
    assert found["total"] == 10
    assert len(json.dumps(page)) < 30_000


def test_an_unknown_request_or_section_is_answered_with_what_there_is(kernel_lab):
    requests = Requests(lambda: kernel_lab, lambda: False)
    for body in ({"type": "rows"}, {"type": "items", "section": "rows"}, {"type": "cell"}):
        reply = answer(requests.handlers, {"id": "1", **body})
        assert not reply.header["ok"]
        assert "there is" in reply.header["error"]["message"].lower()


# ---------------------------------------------------------------- what can be done


@pytest.fixture
def shell(filled, monkeypatch):
    from IPython.core.interactiveshell import InteractiveShell

    from mixpeek_lab.magics import session

    monkeypatch.setenv("MIXPEEK_LAB_AUTOSTART", "0")
    monkeypatch.setattr(session, "_lab", filled)
    monkeypatch.chdir(filled.home.parent)
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "mixpeek_lab")
    yield shell
    monkeypatch.setattr(session, "_lab", None)  # the fixture's lab is not ours to stop
    shell.run_line_magic("unload_ext", "mixpeek_lab")


COMPLETE = [
    (section, action)
    for section, actions in ACTIONS.items()
    for action in actions
    if action.code and "«" not in action.code and section != "endpoints"
    and action.id not in ("deploy", "serve")  # need Ray
]  # fmt: skip


@pytest.mark.parametrize(
    ("section", "action"), COMPLETE, ids=[f"{section}-{action.id}" for section, action in COMPLETE]
)
def test_the_code_of_an_action_runs(shell, filled, section, action, capsys):
    filled.versions.commit("hash_embedder", "the first one")
    (item,) = items(filled, section, of="hash_embedder")
    result = shell.run_cell(action.code.format(**item["fields"]))
    assert result.success, capsys.readouterr().out


HOLES = {
    "bucket": "docs", "extractor": "hash_embedder", "what changed": "it", "tag": "good",
    "version": "1.0.0", "frame_or_folder": "frame", "words": "hello", "some text": "hello",
    "qrels": "qrels --queries queries",
}  # fmt: skip
TO_FILL_IN = [
    (section, action)
    for section, actions in ACTIONS.items()
    for action in actions
    if "«" in action.code
]


@pytest.mark.parametrize(
    ("section", "action"), TO_FILL_IN, ids=[f"{s}-{action.id}" for s, action in TO_FILL_IN]
)
def test_the_code_of_an_action_runs_once_it_is_filled_in(shell, filled, section, action, capsys):
    if action.id != "commit":
        filled.versions.commit("hash_embedder", "the first one")
    key = filled.search("find", "hello").hits[0].document_id
    shell.user_ns.update(
        frame=["more"], queries={"1": "hello world"}, qrels={"1": {key: 1}}
    )  # fmt: skip
    catalog = Catalog(filled.home / "catalog.sqlite")
    catalog.put_deployment(
        "hash_embedder", filled.extractor("hash_embedder").source.digest, "api", "DEPLOYED"
    )
    (item,) = items(filled, section, of="hash_embedder")
    code = re.sub(
        "«([^»]*)»", lambda m: HOLES.get(m[1], m[1]), action.code.format(**item["fields"])
    )
    assert shell.run_cell(code).success, f"{code}\n{capsys.readouterr().out}"


@pytest.mark.parametrize("name", ["my docs", "naïve 本 हिन्दी", "-x", "2024.v-1"])
def test_names_of_all_kinds_are_one_word_of_a_line(shell, filled, name, capsys):
    filled.bucket(name, ["hello", "a", "b"])
    filled.process(name, "hash_embedder", name)
    filled.retriever(name, {**RETRIEVER, "collection": name})
    for section, every in ACTIONS.items():
        if section not in ("buckets", "collections", "runs", "retrievers"):
            continue
        item = next(i for i in items(filled, section) if i["name"] == name)
        for action in every:
            code = action.code.format(**item["fields"]) if action.code else ""
            code = re.sub("«([^»]*)»", lambda m: HOLES.get(m[1], m[1]), code)
            if code and action.id not in ("evaluate", "serve", "failures", "add"):
                assert shell.run_cell(code).success, f"{code}\n{capsys.readouterr().out}"
    for what in ("retriever", "draft"):
        cell = ask(filled, "cell", what=what, name=name)["code"]
        assert shell.run_cell(cell.replace("«", "").replace("»", "")).success, cell


def test_a_bucket_can_be_renamed(filled):
    told = ask(filled, "rename", section="buckets", name="docs", text="my docs")
    assert told == {"told": "docs is called my docs now."}
    assert only(filled, "collections")["fields"]["sources"] == '"my docs"'
    for section, text in (("buckets", "a/b"), ("retrievers", "x")):
        about = {"id": "1", "type": "rename", "section": section, "name": "my docs", "text": text}
        assert not answer(Requests(lambda: filled, lambda: False).handlers, about).header["ok"]


def test_what_an_item_cannot_do_is_not_offered(filled):
    assert "log" in only(filled, "extractors")["without"], "nothing is committed"
    filled.process("docs", "hash_embedder", "with parameters", parameters={"a": 1})
    item = next(i for i in items(filled, "collections") if i["name"] == "with parameters")
    assert "update" in item["without"], "they would have to be said again"


def test_cells_define_what_they_were_made_of(shell, filled):
    for what, name in (("extractor", "hash_embedder"), ("retriever", "find")):
        before = filled.extractor("hash_embedder").source.digest, filled.retrievers()[0].body
        cell = ask(filled, "cell", what=what, name=name)["code"]
        assert shell.run_cell(cell).success, cell
        after = filled.extractor("hash_embedder").source.digest, filled.retrievers()[0].body
        assert after == before


def test_a_drafted_retriever_can_be_run_and_searched(shell, filled):
    cell = ask(filled, "cell", what="draft", name="docs_hash_embedder")["code"]
    assert shell.run_cell(cell.replace("«", "").replace("»", "")).success
    assert filled.search("search_docs_hash_embedder", "revenue").hits


def test_the_first_extractor_is_complete(shell, filled):
    cell = FIRST_EXTRACTOR.replace("«", "").replace("»", "")
    assert [mark for mark in marks(cell) if mark.severity == "error"] == []
    assert shell.run_cell(cell).success
    assert filled.preview("my_extractor", ["four"]).to_pandas()["my_embedding"][0][0] == 4.0
    commands = Path(__file__).parents[1] / "labextension" / "src" / "commands.ts"
    assert f"`{FIRST_EXTRACTOR}`" in commands.read_text()


def test_deleting_is_refused_while_something_needs_it(filled):
    requests = Requests(lambda: filled, lambda: False)

    def delete(section, name):
        return answer(
            requests.handlers, {"id": "1", "type": "delete", "section": section, "name": name}
        ).header

    told = ask(filled, "losses", section="buckets", name="docs")["losses"]
    assert told == ["4 objects.", "Collection docs_hash_embedder needs it: deleting is refused "
                                  "while that is there."]  # fmt: skip
    told = ask(filled, "losses", section="collections", name="docs_hash_embedder")["losses"]
    assert told[0].startswith("3 documents")
    assert told[1].startswith("Retriever find needs it")
    refused = delete("buckets", "docs")
    assert not refused["ok"]
    assert "docs_hash_embedder" in refused["error"]["message"]
    for section, name in (("retrievers", "find"), ("collections", "docs_hash_embedder"),
                          ("buckets", "docs"), ("extractors", "hash_embedder")):  # fmt: skip
        assert delete(section, name)["ok"]
        assert items(filled, section) == []
    assert not delete("runs", "x")["ok"]


def test_a_run_that_goes_on_says_how_far_it_is_and_can_be_stopped(filled):
    begun, go_on = threading.Event(), threading.Event()

    def wait(_):
        begun.set()
        go_on.wait(30)

    told = []
    requests = Requests(lambda: filled, lambda: False)
    watch = Watch(requests.version, told.append, requests.far, pause=0.02, beat=0.02)
    watch.handle({"client": "a", "on": True})

    thread = threading.Thread(
        target=lambda: filled.process("docs", "hash_embedder", "slow", engine="kernel",
                                      on_progress=wait)
    )  # fmt: skip
    thread.start()
    try:
        assert begun.wait(30)
        run = next(i for i in items(filled, "runs") if i["name"] == "slow")
        assert (run["state"], "stop" in run["without"]) == ("busy", False)
        assert run["detail"] == "0 of 4"
        now = {"collection": "slow", "done": 0, "total": 4, "failed": 0, "phase": "starting"}
        assert ask(filled, "overview")["far"] == now
        wait_for(lambda: {"far": now} in told)
        assert ask(filled, "stop", key=run["key"]) == {"interrupt": True}
    finally:
        go_on.set()
        thread.join()
    wait_for(lambda: told[-1] == {"far": None} or {"far": None} in told)
    watch.stop()
    assert ask(filled, "overview")["far"] is None
    header = answer(requests.handlers, {"id": "1", "type": "stop", "key": run["key"]}).header
    assert "just ended" in header["error"]["message"]
    assert all("stop" in item["without"] for item in items(filled, "runs"))


# ---------------------------------------------------------------- live


def wait_for(condition, seconds=5.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_watch_tells_of_changes_while_somebody_looks(filled):
    told = []
    requests = Requests(lambda: filled, lambda: False)
    watch = Watch(requests.version, told.append, pause=0.02)
    watch.handle({"client": "a", "on": True})
    time.sleep(0.1)
    assert told == [], "nothing has changed"
    filled.bucket("more", ["x"])
    wait_for(lambda: told)
    watch.handle({"client": "a", "on": False})
    wait_for(lambda: watch._thread is None)
    told.clear()
    filled.bucket("even more", ["x"])
    time.sleep(0.1)
    assert told == [], "nobody looks"


def test_a_home_that_was_removed_is_told_once_and_looked_for_again(filled):
    told = []
    requests = Requests(lambda: filled, lambda: False)
    watch = Watch(requests.version, told.append, requests.far, pause=0.02)
    watch.handle({"client": "a", "on": True})
    time.sleep(0.1)
    shutil.rmtree(filled.home)
    wait_for(lambda: told)
    time.sleep(0.2)
    assert len(told) == 1, "it does not change any more"
    header = answer(requests.handlers, {"id": "1", "type": "overview"}).header
    assert (header["ok"], header["error"]["kind"]) == (False, "GoneError")
    assert watch._thread is not None
    watch.stop()


def test_a_front_end_that_is_gone_is_forgotten():
    watch = Watch(object, lambda _: None, pause=0.01, lease=0.05)
    watch.handle({"client": "gone", "on": True})
    wait_for(lambda: watch._thread is None)


# ---------------------------------------------------------------- findings in a cell

EXTRACTOR = """%%extractor mine
import os
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature

manifest = ExtractorManifest(
    feature_extractor_name="{name}",
    version="1.0.0",
    features=[Feature.embedding("e", dim={dim})],
    inference_typ="embedding",
)


class P(BatchProcessor):
    def process(self, batch):
        batch["e"] = [os.system(text) for text in batch["text"]]
        return batch
"""


def mended(text):
    """The cell with every edit that is offered."""
    lines = text.split("\n")
    for mark in sorted(marks(text), key=lambda m: (m.line, -m.column)):
        if mark.replacement is not None:
            line, start = lines[mark.line - 1], mark.column - 1
            lines[mark.line - 1] = line[:start] + mark.replacement + line[start + mark.length :]
    return "\n".join(lines)


def test_findings_stand_where_they_are_in_the_cell():
    text = EXTRACTOR.format(name="mine", dim='"16"')
    lines = text.split("\n")
    found = {m.rule: lines[m.line - 1][m.column - 1 : m.column - 1 + m.length] for m in marks(text)}
    assert found["MAN004"] == '"16"'
    assert found["MAN020"] == "inference_typ"
    assert found["SEC002"] == "os.system"
    assert found["COL001"] == 'batch["text"]'


@pytest.mark.parametrize("above", ["", "\n\n"])
def test_edits_put_findings_right(above):
    text = mended(above + EXTRACTOR.format(name="other", dim='"16"'))
    assert 'feature_extractor_name="mine"' in text
    assert "dim=16" in text
    assert 'inference_type="embedding"' in text
    assert 'batch["data"]' in text
    assert {m.rule for m in marks(text) if m.severity == "error"} == {"SEC002"}


def test_edits_put_the_keys_of_a_plain_manifest_right():
    text = (
        '%%extractor plain\n# file: manifest.py\nfeature_extractor_name = "plain"\n'
        'version = "1.0.0"\nfeatures = [{"name": "e", "type": "vector", "dim": "16", '
        '"distance": "l2"}]\n'
    )
    assert '"feature_name": "e", "feature_type": "embedding"' in mended(text)
    assert '"embedding_dim": 16, "distance_metric": "euclid"' in mended(text)


def test_a_syntax_error_is_on_its_line():
    (mark,) = marks("%%extractor mine\nx = 1\nclass A(:\n    pass\n")
    assert mark.line == 3
    assert "Line" not in mark.message


def test_a_retriever_is_checked_and_not_defined(shell, filled):
    text = "%%retriever r\ncollection: docs_hash_embedder\nsearches:\n  - feature: nope\n"
    (mark,) = marks(text)
    assert (mark.line, mark.column, mark.length) == (4, 14, 4)
    assert marks(text.replace("nope", "hash_embedding")) == []
    (mark,) = marks(text.replace("searches:", "searches: ["))
    assert mark.line >= 3
    assert [r.name for r in filled.retrievers()] == ["find"]


def test_a_retriever_is_checked_before_a_lab_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("mixpeek_lab.magics.session._lab", None)
    monkeypatch.setenv("MIXPEEK_LAB_HOME", str(tmp_path / "home"))
    text = "%%retriever r\ncollection: collection\nsearches:\n  - lexical: true\n"
    (mark,) = marks(text)
    assert (mark.line, mark.column, mark.length) == (2, 13, 10)
    assert list(tmp_path.iterdir()) == [], "looking makes no home"


@pytest.mark.parametrize(
    "text", ["", "x = 1", "%%extractor", "%%extractor a", "%%retriever r\n", "%%inspect\nSELECT",
             "%%extractor 'a\nx", "%%time\n%%extractor a\nx ="],
)  # fmt: skip
def test_other_cells_have_no_findings(text):
    assert marks(text) == []


# ---------------------------------------------------------------- completion in bodies


def complete(shell, text):
    """What Tab offers at the end of a cell, as JupyterLab asks it."""
    from IPython.core.completer import provisionalcompleter

    with provisionalcompleter():
        return [text[: c.start] + c.text for c in shell.Completer.completions(text, len(text))]


def test_a_manifest_is_completed_and_python_with_it(shell):
    cell = '%%extractor mine\nimport os\nmetadata = {"feature_'
    found = [text.removeprefix(cell.removesuffix("feature_")) for text in complete(shell, cell)]
    assert {"feature_extractor_name", "feature_type", "feature_name"} <= set(found)
    cell = "%%extractor mine\nimport collections\ncollections.Orde"
    assert any(text.endswith("OrderedDict") for text in complete(shell, cell))


@pytest.mark.parametrize(
    "typed", ["mixpeek", "mixpeek:", "mixpeek://ha", "mixpeek://hash_embedder@1."]
)
def test_the_address_of_a_feature_is_completed(shell, typed):
    cell = f"%%retriever r\nsearches:\n  - feature_uri: {typed}"
    whole = "mixpeek://hash_embedder@1.0.0/hash_embedding"
    assert [text.rpartition(" ")[2] for text in complete(shell, cell)] == [whole]


def test_the_keys_of_json_are_completed_within_their_quotes(shell):
    cell = '%%retriever r\n{"sea'
    assert [text for text in complete(shell, cell) if "search" in text] == [f"{cell}rches"]
    cell = '%%retriever r\n{"collection": "docs_'
    assert f"{cell}hash_embedder" in complete(shell, cell)


@pytest.mark.parametrize(
    ("typed", "whole"),
    [("%search fi", '%search "find it"'), ('%search "fi', '%search "find it"'),
     ("%bucket my", '%bucket "my docs"'),
     ('%process "my docs" ha', '%process "my docs" hash_embedder'),
     ("%playground fin", '%playground "find it"')],
)  # fmt: skip
def test_names_with_spaces_are_completed_in_quotes(shell, filled, typed, whole):
    filled.bucket("my docs", ["x"])
    filled.retriever("find it", RETRIEVER)
    assert whole in complete(shell, typed)


@pytest.mark.parametrize(
    ("typed", "option"),
    [("%inspect --d", "--df"), ("%explore --n", "--name"), ("%%explore --n", "--name"),
     ("%%inspect --a", "--arrow"), ("%embedding_map docs --me", "--method"),
     ("%extractor test x --f", "--force"), ("%process docs x --in", "--into")],
)  # fmt: skip
def test_the_options_of_magics_are_completed(shell, typed, option):
    assert any(text.endswith(option) for text in complete(shell, typed))


def test_stages_and_their_parameters_are_completed(shell):
    cell = "%%retriever r\ncollection: docs_hash_embedder\nstages:\n  - mm"
    assert [text.rpartition(" ")[2] for text in complete(shell, cell)] == ["mmr:"]
    inside = "%%retriever r\nstages:\n  - mmr:\n      lam"
    assert [text.rpartition(" ")[2] for text in complete(shell, inside)] == ["lambda:"]


# ---------------------------------------------------------------- in a kernel

HEAVY = "[n for n in ('pyarrow', 'ray', 'faiss', 'mixpeek_lab.workbench') if n in sys.modules]"


@pytest.fixture
def kernel(tmp_path):
    from jupyter_client.manager import start_new_kernel

    environment = {**os.environ, "MIXPEEK_LAB_AUTOSTART": "0",
                   "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}  # fmt: skip
    manager, client = start_new_kernel(cwd=str(tmp_path), env=environment)
    yield client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def printed(client, code):
    texts = []

    def take(message):
        if message["msg_type"] == "stream":
            texts.append(message["content"]["text"])

    reply = client.execute_interactive(code, output_hook=take, timeout=60)
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(texts).strip()


def over_comm(client, comm_id, **request):
    """Ask as a front end asks: a comm of its own, and the answer in a buffer."""
    for kind, more in (("comm_open", {"target_name": "mixpeek_lab", "data": {}}),
                       ("comm_msg", {"data": request})):  # fmt: skip
        client.shell_channel.send(client.session.msg(kind, {"comm_id": comm_id, **more}))
    while True:
        message = client.get_iopub_msg(timeout=60)
        if message["msg_type"] == "comm_msg" and message["content"]["comm_id"] == comm_id:
            assert message["content"]["data"]["id"] == request["id"]
            return json.loads(bytes(message["buffers"][0]))


def comms(client):
    asked = client.comm_info("mixpeek_lab")
    while True:
        reply = client.get_shell_msg(timeout=60)
        if reply["parent_header"].get("msg_id") == asked:
            return reply["content"]["comms"]


def test_a_kernel_says_that_a_lab_is_there_and_answers(kernel, tmp_path):
    assert comms(kernel) == {}
    told = printed(kernel, f"import sys\n%load_ext mixpeek_lab\nprint({HEAVY})")
    assert told.endswith("[]"), "loading the extension imports nothing heavy"
    assert set(comms(kernel)) == {"mixpeek-lab"}
    assert over_comm(kernel, "mine", id="7", type="overview")["lab"]["state"] == "not started"
    assert over_comm(kernel, "other", id="8", type="items", section="runs")["total"] == 0
    assert list(tmp_path.iterdir()) == [], "looking makes no home"
    printed(kernel, "%unload_ext mixpeek_lab")
    assert "mixpeek-lab" not in comms(kernel)
