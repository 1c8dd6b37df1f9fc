"""Versions in the notebook and from a terminal: the same calls, as cards and as lines."""

from __future__ import annotations

import argparse
import json
import re

import pytest
from hosted_servers import served
from packages import HASH_EMBEDDER
from platform_host import Host
from test_hosted import KEY
from test_magics import RETRIEVER, TYPED, notebook, processed  # noqa: F401 - fixtures
from test_versions import NAME, define, edited

from mixpeek_lab import cli
from mixpeek_lab.api import create_app
from mixpeek_lab.cli import extractor as extractor_command
from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics import session
from mixpeek_lab.magics.extractors import ACTIONS
from mixpeek_lab.magics.retrievers import RETRIEVER_ACTIONS
from mixpeek_lab.source import write_source
from mixpeek_lab.widgets.cards import DiffCard, LogCard
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend
from mixpeek_lab.workbench.retriever_exports import hosted_problems
from mixpeek_lab.workbench.versions import EvaluationChange, FileChange, VersionDiff, Versions
from mixpeek_lab.workbench.versions.changes import ManifestChange

BODY = {
    "collection": "c",
    "description": "Finds texts",
    "searches": [
        {"feature": "hash_embedding", "weight": 0.8, "top_k": 50, "name": "by meaning"},
        {"lexical": True, "weight": 0.5, "filters": {"field": "n", "operator": "gte", "value": 1}},
        {"feature": "hash_embedding", "query": {"input_mode": "vector", "value": [1.0] * 16}},
    ],
    "fusion": "rrf",
    "group_by": {"field": "n", "limit": 5, "group_size": 2},
    "limit": 7,
}


@pytest.fixture
def committed(notebook):  # noqa: F811
    """A notebook with 1.0.0 and 1.0.1 committed."""
    notebook.run(f"%extractor load {HASH_EMBEDDER}")
    notebook.run(f'%extractor commit {NAME} -m "first words"')
    define(session.current_lab(), session.current_lab().home.parent, edited("two"))
    notebook.run(f"%extractor commit {NAME} -m second")
    notebook.printed()
    return notebook


class TestNotebook:
    def test_commit_log_tag_and_checkout(self, committed):
        log = committed.run(f"%extractor log {NAME}")
        text = str(log)
        assert re.search(r"^\*\s+1\.0\.1\s+second .*1\.0\.0 ", text, re.MULTILINE)
        assert re.search(r"^\s+1\.0\.0\s+first words ", text, re.MULTILINE)
        assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d", log._repr_html_())
        assert re.search(r"second .*\d{4}-\d\d-\d\d \d\d:\d\d", text)
        committed.run(f"%extractor tag {NAME} stable v1")
        assert f"{NAME}@stable is 1.0.0" in committed.printed()
        assert "stable: 1.0.0" in str(committed.run(f"%extractor tag {NAME}"))
        card = committed.run(f"%extractor checkout {NAME} stable")
        assert str(card).startswith(f"{NAME} is at 1.0.0")
        cell = committed.shell.rl_next_input
        assert cell.startswith(f"%%extractor {NAME}\n")
        committed.run(cell)  # the cell that it offers is that version
        assert "nothing to commit" in str(committed.run(f"%extractor status {NAME}"))
        committed.run(f"%extractor tag {NAME} stable --delete")
        assert "stable" not in str(committed.run(f"%extractor log {NAME}"))

    def test_a_commit_without_changes_says_so_and_the_notebook_goes_on(self, committed):
        for line in (f"%extractor commit {NAME} -m again", f"%extractor commit {NAME}"):
            assert committed.run(line) is None
            assert f"Nothing changed since {NAME} 1.0.1" in committed.printed()
        assert "again" not in str(committed.run(f"%extractor log {NAME}"))

    def test_status_and_difference(self, committed):
        define(session.current_lab(), session.current_lab().home.parent,
               edited("three", manifest=("dim=16", "dim=32")))  # fmt: skip
        status = committed.run(f"%extractor status {NAME}")
        assert "changed since 1.0.1; this would be 1.0.2" in str(status)
        assert "changed: manifest.py (+1 -1)" in str(status)
        diff = committed.run(f"%extractor diff {NAME} 1.0.0")
        assert "feature hash_embedding: 16 floats, cosine → 32 floats, cosine" in str(diff)
        assert "breaks: Vectors of the two do not compare" in str(diff)
        assert "+# three" in str(diff)
        html = diff._repr_html_()
        assert "<script" not in html
        assert "+# three" in html
        two = str(committed.run(f"%extractor diff {NAME} 1.0.0 1.0.1"))
        assert "1.0.0 → 1.0.1: 1 file differs" in two

    def test_a_version_beside_itself_is_said_in_words(self, committed):
        card = committed.run(f"%extractor diff {NAME} 1.0.1 1.0.1")
        assert "1.0.1 → 1.0.1: one and the same version, nothing differs" in str(card)
        assert "nothing differs" in card._repr_html_()
        assert "nothing differs" in str(committed.run(f"%extractor diff {NAME}"))
        assert "nothing differs" not in str(committed.run(f"%extractor diff {NAME} 1.0.0"))

    def test_status_tells_that_a_refused_cell_was_not_taken(self, committed):
        cell = committed.run(f"%extractor checkout {NAME}@1.0.0") and committed.shell.rl_next_input
        committed.fail(cell.replace("time.sleep", "eval"))
        status = committed.run(f"%extractor status {NAME}")
        assert "your last cell was not taken, this is still 1.0.0: as 1.0.0 has it" in str(status)
        assert "not taken" in status._repr_html_()
        committed.run(cell)
        assert "not taken" not in str(committed.run(f"%extractor status {NAME}"))

    def test_status_of_what_was_never_taken_says_why(self, notebook):  # noqa: F811
        notebook.fail(TYPED.replace("= NOTE\n", "= eval(NOTE)\n"))
        assert "eval" in str(notebook.fail("%extractor status counter"))

    def test_a_version_is_named_in_one_word_or_in_two(self, committed):
        committed.run(f"%extractor tag {NAME}@1.0.0 first")
        assert "is at 1.0.0" in str(committed.run(f"%extractor checkout {NAME}@first"))
        assert committed.shell.rl_next_input.startswith(f"%%extractor {NAME}\n")
        diff = committed.run(f"%extractor diff {NAME}@first 1.0.1")
        assert "1.0.0 → 1.0.1" in str(diff)
        assert "Say it once" in str(committed.fail(f"%extractor diff {NAME}@first v1 1.0.1"))
        assert "Say it once" in str(committed.fail(f"%extractor checkout {NAME}@first 1.0.1"))
        assert "no version behind" in str(committed.fail(f"%extractor checkout {NAME}@"))

    def test_a_lower_number_than_the_heads_is_counted_from_the_head(self, notebook):  # noqa: F811
        notebook.run(TYPED)
        assert "message" in str(notebook.fail("%extractor commit counter"))
        notebook.run("%extractor commit counter -m first --as 2.0.0")
        card = str(notebook.run(TYPED.replace("Counts letters", "Counts all letters")))
        assert "The manifest says 1.0.0, and this comes from counter 2.0.0: this is 2.0.1" in card
        notebook.run("%extractor commit counter -m second")
        assert "counter 2.0.1" in notebook.printed()

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("%extractor log", "needs an extractor's name"),
            (f"%extractor checkout {NAME}", "which version"),
            (f"%extractor checkout {NAME} 7", "No version called"),
            (f"%extractor diff {NAME} nope", "is not understood"),
            (f"%extractor tag {NAME} v1", "cannot be a tag"),
            (f"%extractor push {NAME}", "where to"),
            (f"%extractor pull {NAME}", "where from"),
            (f"%extractor push {NAME} --to http://example.invalid", "plain HTTP"),
            ("%retriever export", "which one"),
            ("%retriever import", "which file"),
            ("%retriever import nowhere.json", "There is no file"),
            ("%retriever export nope", "No retriever called"),
            ("%%retriever export\ncollection: c", "needs a name"),
        ],
    )
    def test_mistakes_are_one_message(self, committed, line, words):
        assert words in str(committed.fail(line))
        assert "Traceback" not in committed.printed()

    def test_later_messages_count_the_cells_lines_alike(self, notebook):  # noqa: F811
        notebook.run(TYPED)
        wrong = TYPED.replace("= NOTE\n", "= eval(NOTE)\n")
        line = wrong[: wrong.index("eval")].count("\n") + 1
        notebook.fail(wrong)
        assert f"(cell line {line})" in notebook.printed()
        assert f"(cell line {line})" in str(notebook.fail("%extractor commit counter -m x"))
        assert f"(cell line {line})" in str(notebook.run("%extractor status counter"))

    def test_a_switch_is_not_called_a_change_of_objects(self, committed):
        committed.run("rows = ['one', 'two']")
        committed.run("%bucket docs rows")
        committed.run(f"%process docs {NAME}@1.0.0 --engine kernel")
        card = str(committed.run(f"%process docs {NAME}@1.0.1 --engine kernel"))
        assert "2 documents from before: replaced, or their objects are gone" in card

    def test_every_action_is_explained(self, notebook):  # noqa: F811
        for magic, actions in (("extractor", ACTIONS), ("retriever", RETRIEVER_ACTIONS)):
            text = notebook.shell.find_line_magic(magic).__doc__
            for action in actions:
                assert f"%{magic} {action}" in text, (magic, action)

    def test_tab(self, committed):
        committed.run(f"%extractor tag {NAME} stable")

        def tab(text):
            return committed.shell.complete("", text, len(text))[1]

        assert tab(f"%extractor checkout {NAME} ") == ["1.0.1", "1.0.0", "stable"]
        assert tab(f"%extractor diff {NAME} 1.0.0 st") == ["stable"]
        assert tab(f"%extractor tag {NAME} new 1.0.") == ["1.0.1", "1.0.0"]
        assert tab("%extractor log ha") == [NAME]
        assert "--message" in tab(f"%extractor commit {NAME} --")
        assert tab("%retriever ex") == ["export"]

    def test_push_and_pull(self, committed, tmp_path, monkeypatch):
        there = tmp_path / "there"
        monkeypatch.setenv("MIXPEEK_API_KEY", KEY)
        with served(create_app(Backend(there, Host(there)), KEY)) as url:
            card = committed.run(f"%extractor push {NAME}@1.0.0 --to {url}")
            assert f"{NAME} 1.0.0 is there: {url}" in str(card)
            assert "id there: hash_embedder_1_0_0" in str(card)
            card = committed.run(f"%extractor pull {NAME} --from {url}")
            assert f"{NAME} 1.0.0 was here already" in str(card)
        assert KEY not in committed.printed()

    def test_a_retriever_goes_out_and_comes_back(self, processed):  # noqa: F811
        processed.run("%retriever export find out.json")
        assert "Wrote out.json" in processed.printed()
        before = session.current_lab().export_retriever("find")
        card = processed.run("%retriever import out.json again")
        assert card.name == "again"
        after = session.current_lab().export_retriever("again")
        assert after == {**before, "retriever_name": "again"}
        processed.printed()
        processed.run("%retriever export find")
        assert json.loads(processed.printed()) == before
        assert processed.shell.complete("", "%retriever export f", 19)[1] == ["find"]
        assert RETRIEVER.startswith("%%retriever find")


class TestTerminal:
    @pytest.fixture
    def call(self, home, tmp_path, capsys):
        write_source(edited("one"), tmp_path / "one" / NAME)
        write_source(edited("two"), tmp_path / "two" / NAME)

        def call(*words, code=0, home=home):
            assert cli.main([*words, "--home", str(home)]) == code
            out, err = capsys.readouterr()
            assert "Traceback" not in out + err
            return out + err

        return call

    def test_the_same_from_a_terminal(self, call, tmp_path):
        first = ("extractor", "commit", NAME, "-m", "first", "--load", str(tmp_path / "one" / NAME))
        assert "Committed hash_embedder 1.0.0" in call(*first)
        told = call(*first, code=1)  # as git does
        assert told.startswith(f"Nothing changed since {NAME} 1.0.0: there is nothing to commit.")
        assert "note: " not in call("extractor", "log", NAME)
        again = (*first[:4], "second", "--load", str(tmp_path / "two" / NAME))
        told = call(*again)
        assert "Committed hash_embedder 1.0.1" in told
        assert "1.0.0 is committed with other contents: this is 1.0.1" in told
        log = call("extractor", "log", NAME)
        assert re.search(r"1\.0\.1\s+second .*\d{4}-\d\d-\d\d \d\d:\d\d", log)
        assert "+# two" in call("extractor", "diff", NAME, "1.0.0", "1.0.1")
        assert "nothing to commit" in call("extractor", "status", NAME)
        assert "nothing differs" in call("extractor", "diff", NAME, "v1", "1.0.0")
        call("extractor", "tag", f"{NAME}@v1", "old")
        call("extractor", "checkout", f"{NAME}@1.0.1")
        assert "is at 1.0.0" in call("extractor", "checkout", f"{NAME}@old")
        call("extractor", "tag", NAME, "old", "--delete")
        assert "Which version" in call("extractor", "checkout", NAME, code=1)
        assert f"{NAME}@stable is 1.0.0" in call("extractor", "tag", NAME, "stable")
        assert "stable 1.0.0" in call("extractor", "tag", NAME)
        assert "forgotten" in call("extractor", "tag", NAME, "stable", "--delete")
        assert "No tags yet" in call("extractor", "tag", NAME)
        assert "No version called" in call("extractor", "checkout", NAME, "9", code=1)

    def test_push_and_pull(self, call, tmp_path, monkeypatch):
        monkeypatch.setenv("MIXPEEK_API_KEY", KEY)
        call("extractor", "commit", NAME, "-m", "first", "--load", str(tmp_path / "one" / NAME))
        there = tmp_path / "there"
        with served(create_app(Backend(there, Host(there)), KEY)) as url:
            out = call("push", NAME, "--to", url)
            assert "Sending the archive." in out
            assert "state: NOT_DEPLOYED" in out
            came = call("pull", NAME, "--from", url, home=tmp_path / "other")
            assert f"{NAME} 1.0.0 came" in came
        assert "RemoteError" in call("push", f"{NAME}@1.0.0", "--to", url, code=1)
        assert KEY not in out + came

    def test_the_key_is_no_argument(self):
        for name in ("push", "pull"):
            parser = argparse.ArgumentParser()
            getattr(__import__("mixpeek_lab.cli", fromlist=[name]), name).add_arguments(parser)
            options = " ".join(parser._option_string_actions)
            assert "key" not in options
            assert "token" not in options

    def test_the_help_names_every_action(self, capsys):
        with pytest.raises(SystemExit):
            cli.main(["extractor", "--help"])
        text = capsys.readouterr().out
        for action, purpose in extractor_command.ACTIONS.items():
            assert action in text
            assert purpose.split(":")[0] in " ".join(text.split())
            with pytest.raises(SystemExit):
                cli.main(["extractor", action, "--help"])
            assert "--home" in capsys.readouterr().out

    def test_retrievers_and_their_stages(self, call, home):
        assert "mmr" in call("retriever", "stages")
        card = call("retriever", "stages", "limit")
        assert card.startswith("limit · ")
        assert "(required)" in card or "default" in card
        assert not home.exists()  # nothing of a lab is needed
        assert "Did you mean 'limit'" in call("retriever", "stages", "limt", code=1)
        assert "No retrievers" in call("retriever", "list")
        lab = Lab(home)
        lab.load(HASH_EMBEDDER)
        lab.bucket("b", ["fox"])
        lab.process("b", NAME, "c", engine="kernel")
        lab.retriever("r", BODY)
        assert "Retriever r · over c" in call("retriever", "list")
        assert "Say which" in call("retriever", "export", code=1)
        assert "what is 'r' for" in call("retriever", "list", "r", code=1)

    def test_a_retriever_as_a_file(self, call, home, tmp_path):
        lab = Lab(home)
        lab.load(HASH_EMBEDDER)
        lab.bucket("b", [{"text": "fox", "n": 1}])
        lab.process("b", NAME, "c", engine="kernel")
        lab.retriever("r", BODY)
        file = tmp_path / "r.json"
        assert "Wrote" in call("retriever", "export", "r", str(file))
        assert "again" in call("retriever", "import", str(file), "again")
        assert json.loads(call("retriever", "export", "r")) == json.loads(file.read_text())
        file.write_text("[1]")
        assert "is an object" in call("retriever", "import", str(file), code=1)
        file.write_text("{")
        assert "is no JSON" in call("retriever", "import", str(file), code=1)


class TestRetrieverJSON:
    @pytest.fixture
    def searched(self, kernel_lab):
        kernel_lab.bucket("b", [{"text": "fox tree", "n": 1}, {"text": "river", "n": 0}])
        kernel_lab.process("b", NAME, "c", engine="kernel")
        kernel_lab.retriever("r", BODY)
        return kernel_lab

    @pytest.fixture(scope="class")
    def models(self):
        from mixpeek import models  # seconds, and these tests' alone

        return models

    def test_mixpeeks_own_client_takes_it(self, searched, models):
        body = searched.export_retriever("r")
        request = models.CreateRetrieverRequest.from_dict(json.loads(json.dumps(body)))
        assert request.collection_identifiers == ["c"]  # names, not ids of this lab
        assert hosted_problems(body) == []
        (stage,) = body["stages"]
        parameters = stage["config"]["parameters"]
        searches = [
            models.StageDefsFeatureSearchConfig.from_dict(s) for s in parameters["searches"]
        ]
        assert {s.feature_uri for s in searches} == {f"mixpeek://{NAME}@1.0.0/hash_embedding"}
        assert [(s.weight, s.lexical) for s in searches] == [
            (0.8, False), (0.5, True), (1.0, False),
        ]  # fmt: skip
        group = models.StageDefsFeatureSearchGroupBy.from_dict(parameters["group_by"])
        assert (group.max_per_group, parameters["final_top_k"]) == (2, 7)

    def test_it_comes_back_equal(self, searched):
        before = searched.retriever("r", BODY)
        exported = json.loads(json.dumps(searched.export_retriever("r")))
        imported = searched.import_retriever(exported)
        assert imported.body == before.body
        found = searched.search("r", "fox").hits
        assert [hit.fields["n"] for hit in found] == [1, 0]
        assert searched.search(imported.body, "fox").hits == found
        # What somebody changed in the file stays changed.
        search = exported["stages"][0]["config"]["parameters"]["searches"][0]
        search |= {"top_k": 9, "name": "mine"}
        changed = searched.import_retriever(exported, "other")
        first = changed.body["stages"][0]["config"]["parameters"]["searches"][0]
        assert (first["top_k"], first["name"]) == (9, "mine")
        exported["stages"][0]["config"]["parameters"]["searches"].pop()
        with pytest.raises(InvalidInputError, match="Remove metadata"):
            searched.import_retriever(exported)

    def test_ids_of_this_lab_stay_here(self, searched):
        collection = searched.collection("c").collection_id
        found = searched.search("r", "fox").hits[0].document_id
        like = {"document_ref": {"collection_id": collection, "document_id": found}}
        body = {"collection_ids": [collection],
                "searches": [{"feature": "hash_embedding", "query": like}]}  # fmt: skip
        searched.retriever("like", body)
        exported = searched.export_retriever("like")
        assert collection not in json.dumps(exported)
        again = searched.import_retriever(json.loads(json.dumps(exported)), "again")
        assert searched.export_retriever("again") == {**exported, "retriever_name": "again"}
        assert searched.search(again.name, "").hits == searched.search("like", "").hits

    def test_later_stages_come_along(self, searched, models):
        stages = [{"mmr": {"lambda": 0.5}}, {"limit": {"limit": 1}}]
        before = searched.retriever("s", {**BODY, "stages": stages})
        exported = json.loads(json.dumps(searched.export_retriever("s")))
        assert models.CreateRetrieverRequest.from_dict(exported)
        assert searched.import_retriever(exported).body == before.body

    def test_our_own_server_takes_it(self, searched, tmp_path):
        exported = searched.export_retriever("r")
        exported["retriever_name"] = "posted"
        app = create_app(Backend(searched.home, Host(searched.home)), KEY)
        with served(app) as url:
            import httpx

            headers = {"authorization": f"Bearer {KEY}"}
            answer = httpx.post(f"{url}/v1/retrievers", json=exported, headers=headers)
            assert answer.status_code == 200, answer.text

    def test_what_mixpeek_would_not_take_is_said(self, searched):
        searched.retriever("w", {**BODY, "searches": [{"lexical": True, "weight": 3}]})
        (problem,) = hosted_problems(searched.export_retriever("w"))
        assert problem == "searches[0].weight is 3: Mixpeek's are 0 to 1."


class TestCards:
    def test_evaluations_and_switches_are_on_the_card(self):
        change = EvaluationChange("find on qrels", 0.5, 0.625, ("q1", "q2"), ("q9",), 8)
        diff = VersionDiff("x", "1.0.0", "1.0.1", (), (), (change,), ())
        text = str(DiffCard(diff))
        assert (
            "find on qrels: nDCG@10 0.5000 → 0.6250 (+0.1250 over 8 queries, 2 won, 1 lost)" in text
        )
        assert "won: q1, q2" in text
        assert "lost: q9" in DiffCard(diff)._repr_html_()

    def test_one_of_a_thing_is_named_as_one(self):
        breaking = ManifestChange("feature e", "8 floats", "16 floats", "Vectors differ.")
        file = FileChange("a.py", "changed", 1, 1, "+x\n")
        one = VersionDiff("x", "1.0.0", "1.0.1", (file,), (breaking,), (), ())
        assert "1 file differs, 1 breaking change\n" in str(DiffCard(one))
        two = VersionDiff("x", "1.0.0", "1.0.1", (file,), (breaking, breaking), (), ())
        assert "2 breaking changes" in str(DiffCard(two))

    def test_what_others_wrote_is_text(self, kernel_lab):
        kernel_lab.versions.commit(NAME, "<script>alert(1)</script>\nmore\x1b[31m")
        card = LogCard(kernel_lab.versions.log(NAME))
        assert "<script" not in card._repr_html_()
        assert "\x1b" not in str(card)
        change = FileChange("a<b>.py", "changed", 1, 1, "--- a\n+++ b\n+<img src=x>\x1b[2J\n")
        diff = VersionDiff("x", "1.0.0", "1.0.1", (change,), (), (), ())
        assert "<img" not in DiffCard(diff)._repr_html_()
        assert "\x1b" not in str(DiffCard(diff))

    def test_long_differences_are_cut_and_it_is_said(self):
        change = FileChange("a.py", "changed", 2_000, 0, "+x\n" * 2_000)
        card = DiffCard(VersionDiff("x", "1", "2", (change,), (), (), ()))
        assert str(card).endswith("… 1,000 more lines")
        assert len(card._repr_html_()) < 200_000

    def test_a_version_without_a_message_and_one_with_a_long_one(self, kernel_lab):
        catalog, digest = kernel_lab._catalog, kernel_lab.extractor(NAME).source.digest
        catalog.add_commit(NAME, "1.0.0", digest, "", "api", "upload")
        assert "1.0.0" in str(LogCard(kernel_lab.versions.log(NAME)))
        catalog.add_commit(NAME, "1.0.1", "0" * 64, "long " * 99, "api", "upload")
        assert "long long" in str(LogCard(kernel_lab.versions.log(NAME)))
        assert max(map(len, str(LogCard(kernel_lab.versions.log(NAME))).splitlines())) < 160

    def test_nothing_yet(self, kernel_lab):
        assert "Nothing is committed yet" in str(LogCard(kernel_lab.versions.log(NAME)))
        assert isinstance(kernel_lab.versions, Versions)
