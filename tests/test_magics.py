"""The magics, through a real IPython shell; and what only a real kernel can show."""

from __future__ import annotations

import json
import os
import shutil
import threading
import time

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from media_files import png, wav
from packages import HASH_EMBEDDER
from ray_workers import gone, workers

import mixpeek_lab
from mixpeek_lab.magics import session
from mixpeek_lab.widgets.cards import (
    BucketCard,
    BucketList,
    ExtractorCard,
    ExtractorList,
    FactsCard,
    PreviewCard,
    Results,
    RetrieverCard,
    RetrieverList,
    RunCard,
    StageList,
    TablePage,
)

TYPED = """%%extractor counter
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature

NOTE = "{braces} $HOME {x!r}"

manifest = ExtractorManifest(
    feature_extractor_name="counter",
    version="1.0.0",
    description="Counts letters",
    features=[Feature.embedding("letters", dim=2)],
)


class Counter(BatchProcessor):
    def process(self, batch):
        batch["letters"] = [[float(len(text)), 1.0] for text in batch["data"]]
        batch["note"] = NOTE
        return batch
"""

WRONG_KEYS = """%%extractor wrong
metadata = {"feature_extractor_name": "wrong", "version": "1.0.0"}
features = [{"type": "embedding", "name": "e", "dimensions": 4, "distance": "cosine"}]


class Processor:
    def __call__(self, batch):
        return batch
"""

RETRIEVER = """%%retriever find
collection: docs_hash_embedder
searches:
  - feature: hash_embedding
  - lexical: true
    weight: 0.5
fusion: rrf
"""


class Notebook:
    """Runs cells. `run` gives the last value, `fail` the error that is shown."""

    def __init__(self, shell, capsys):
        self.shell, self._capsys = shell, capsys

    def run(self, cell):
        done = self.shell.run_cell(cell)
        assert done.success, self.printed()
        return done.result

    def fail(self, cell):
        self._capsys.readouterr()
        done = self.shell.run_cell(cell)
        assert not done.success
        return done.error_in_exec or done.error_before_exec

    def printed(self):
        return self._capsys.readouterr().out


@pytest.fixture
def notebook(home, monkeypatch, capsys):
    """A shell with the extension, and a lab that starts nothing by itself."""
    monkeypatch.setenv("MIXPEEK_LAB_AUTOSTART", "0")
    monkeypatch.setenv("MIXPEEK_LAB_HOME", str(home))
    monkeypatch.chdir(home.parent)
    shell = InteractiveShell.instance(colors="nocolor")
    shell.run_line_magic("load_ext", "mixpeek_lab")
    yield Notebook(shell, capsys)
    shell.run_line_magic("unload_ext", "mixpeek_lab")
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def processed(notebook):
    """Ten documents of `hash_embedder` in docs_hash_embedder, and the retriever `find`."""
    notebook.run(f"%extractor load {HASH_EMBEDDER}")
    names = ["red apple", "green pear", "blue plum", "sour cherry", "sweet melon"]
    notebook.run(f"rows = [f'{{name}} number {{n}}' for n in range(2) for name in {names}]")
    notebook.run("%bucket docs rows")
    notebook.run("%process docs hash_embedder --engine kernel")
    notebook.run(RETRIEVER)
    return notebook


def test_an_extractor_that_is_a_service_alone_is_tested(notebook):
    notebook.run(f"%extractor load {HASH_EMBEDDER.parent / 'text_stats'}")
    assert "answers 2 texts" in str(notebook.run("%extractor test text_stats"))
    notebook.run("rows = ['one text']")
    assert "answers 1 text" in str(notebook.run("%extractor test text_stats rows"))


class TestQuotes:
    def test_names_with_spaces_stand_in_quotes_everywhere(self, notebook):
        notebook.run(f'%extractor load "{HASH_EMBEDDER}"')
        notebook.run("rows = ['red apple', 'green pear']")
        notebook.run('%bucket "my fruit" rows')
        notebook.run("""%process 'my fruit' "hash_embedder" --into "my docs" --engine kernel""")
        cell = RETRIEVER.replace("%%retriever find", '%%retriever "find it"')
        notebook.run(cell.replace("docs_hash_embedder", "my docs"))
        assert notebook.run('%retriever "find it"').name == "find it"
        for line in ('"find it" red apple', '--limit 1 "find it" "red apple"',
                     "'find it' red apple --limit 1"):  # fmt: skip
            found = notebook.run(f"%search {line}")
            assert found.result.hits[0].fields["data"] == "red apple", line
        assert len(notebook.run('%inspect "my docs"').table) == 2
        assert len(notebook.run('%inspect SELECT * FROM "my docs" LIMIT 1').table) == 1
        notebook.run('%retriever export "find it" "my file.json"')
        assert notebook.run('%retriever import "my file.json" "find again"').name == "find again"
        notebook.run('%extractor commit "hash_embedder" -m "first \'words\'" --as "1.5"')
        assert "hash_embedder 1.5.0" in notebook.printed()
        assert "first 'words'" in str(notebook.run('%extractor log "hash_embedder"'))
        notebook.run('%extractor tag "hash_embedder" "good"')
        assert "1.5.0" in str(notebook.run('%extractor checkout "hash_embedder@good"'))
        assert "mmr" in str(notebook.run('%retriever stages "mmr"'))


class TestExtractor:
    def test_a_typed_cell_is_checked_and_kept(self, notebook):
        card = notebook.run(TYPED)
        assert isinstance(card, ExtractorCard)
        assert card.state == "defined"
        sheet = notebook.run("%extractor show counter")
        assert str(sheet).startswith(str(card).splitlines()[0])
        assert "counter" in str(notebook.run("%extractor list"))
        assert isinstance(notebook.run("%extractor"), ExtractorList)

    def test_braces_and_dollars_stay(self, notebook):
        notebook.run("x = 1")
        notebook.run(TYPED)
        source = session.current_lab().extractor("counter").source
        assert "{braces} $HOME {x!r}" in "".join(text for _, text in source.files)

    def test_a_dockerfile_is_printed_or_written(self, notebook, tmp_path):
        notebook.run(TYPED)
        text = session.current_lab().dockerfile("counter")
        notebook.printed()
        notebook.run("%extractor dockerfile counter")
        assert notebook.printed() == text
        notebook.run(f"%extractor dockerfile counter {tmp_path}")
        assert (tmp_path / "Dockerfile").read_text() == text
        assert "cannot be written" in str(
            notebook.fail(f"%extractor dockerfile counter {tmp_path}/no/folder")
        )

    def test_samples_run_at_once_in_the_kernel(self, notebook):
        notebook.run(TYPED)
        notebook.run("rows = ['a', 'bcd']")
        card = notebook.run("%extractor test counter rows")
        assert isinstance(card, PreviewCard)
        assert card.to_pandas()["letters"].tolist()[1].tolist() == [3.0, 1.0]
        assert notebook.run("%extractor test counter").rows_in == 3
        assert session.current_lab().status().ray == "Ray: off"

    def test_parameters_of_a_test(self, notebook):
        notebook.run(f"%extractor load {HASH_EMBEDDER}")
        notebook.run("rows = ['a|b']")
        card = notebook.run("%extractor test hash_embedder rows --param chunk=true")
        assert card.documents.num_rows == 2

    def test_quick_checks_stand_below_the_samples(self, notebook):
        notebook.run(f"%extractor load {HASH_EMBEDDER}")
        card = notebook.run("%extractor test hash_embedder --no-parity 'on purpose'")
        assert card.report.result("TST306").outcome == "passed"
        assert card.report.result("TST602").message == "Parity was not asked for: on purpose"
        lines = str(card).splitlines()
        assert lines[0] == "hash_embedder: 3 rows in, 3 documents out"
        assert lines[5] == "  checks: 21 passed, 1 warned, 5 skipped"
        assert lines[6].startswith("  warned TST403 A row without data is taken: ")
        assert "warned TST403" in card._repr_html_()

    def test_what_a_test_has_to_remark_is_on_the_card(self, notebook):
        notebook.run(f"%extractor load {HASH_EMBEDDER}")
        notebook.run("rows = [{'text': 'a'}, {'text': None}]")
        card = notebook.run("%extractor test hash_embedder rows")
        for shown in (str(card), card._repr_html_()):
            assert "1 of 2 rows have no text in text (row 2)" in shown

    def test_wrong_keys_show_the_fix_fail_and_keep_nothing(self, notebook):
        error = notebook.fail(WRONG_KEYS)
        assert type(error).__name__ == "ManifestError"
        assert len(error.findings) == 4
        shown = notebook.printed()
        assert '"feature_name": "e", "embedding_dim": 4' in shown
        assert "(cell line 3)" in shown
        assert "Traceback" not in shown
        assert "No extractors yet" in str(notebook.run("%extractor list"))

    def test_the_fixes_of_a_cell_are_shown_and_written_into_it(self, notebook, monkeypatch):
        written = []
        monkeypatch.setattr(
            notebook.shell, "set_next_input", lambda text, replace: written.append((text, replace))
        )
        notebook.fail(WRONG_KEYS)
        assert "`%extractor fix wrong` writes" in notebook.printed()
        card = notebook.run("%extractor fix wrong")
        assert '+features = [{"feature_type": "embedding", "feature_name": "e"' in str(card)
        assert "AGR002 processors/core.py:1 (cell line 6)" in str(card), "as the editor counts"
        [(text, is_replaced)] = written
        assert is_replaced
        assert text.startswith("%%extractor wrong\nmetadata")
        assert notebook.run(text).state == "defined"
        assert "nothing that was found" in str(notebook.run("%extractor fix wrong"))
        notebook.run(f"%extractor load {HASH_EMBEDDER}")
        assert "nothing that was found" in str(notebook.run("%extractor fix hash_embedder"))

    def test_the_sheet_tells_of_tests_versions_deployments_and_costs(self, processed):
        text = str(processed.run("%extractor show hash_embedder"))
        assert "test: not in this session" in text
        assert "parity: not tested in this session" in text
        assert "versions: none committed" in text
        assert "what a run would compute: 0 of 10 rows of 1 collection" in text
        assert "deployed: no" in text
        processed.run("%extractor test hash_embedder")
        processed.run('%extractor commit hash_embedder -m "first <b>one</b>"')
        sheet = processed.run("%extractor show hash_embedder")
        assert "versions: 1 committed, head 1.0.0" in str(sheet)
        assert "passed" in str(sheet)
        html = sheet._repr_html_()
        assert html.count("<details") >= 5
        assert "first &lt;b&gt;one" in html
        assert "<script" not in html
        source = session.current_lab().extractor("hash_embedder").source
        core = source.text("processors/core.py")
        processed.run(f"%%extractor hash_embedder processors/core.py\n{core}\n# changed\n")
        text = str(processed.run("%extractor show hash_embedder"))
        assert "10 of 10 rows of 1 collection" in text
        assert "before the last change" in text
        assert "changed since: +" in text

    def test_lint_says_that_it_found_nothing(self, notebook):
        notebook.run(f"%extractor load {HASH_EMBEDDER}")
        card = notebook.run("%extractor lint hash_embedder")
        assert isinstance(card, ExtractorCard)
        assert str(card).splitlines()[0].endswith("· defined, no findings")
        assert "no findings" in card._repr_html_()
        notebook.run(TYPED.replace('features=[Feature.embedding("letters", dim=2)],', ""))
        found = notebook.run("%extractor lint counter")
        assert "warning MAN008" in str(found)
        assert "no findings" not in str(found) + found._repr_html_()

    def test_a_keyword_is_refused_as_a_name(self, notebook):
        message = str(notebook.fail(TYPED.replace("%%extractor counter", "%%extractor class", 1)))
        assert "'class' cannot name an extractor" in message
        assert "Call it 'class_extractor'" in message
        assert "SYN001" not in notebook.printed()
        message = str(notebook.fail("%%extractor raise manifest.py\nmetadata = {}"))
        assert "'raise_extractor'" in message
        assert "No extractors yet" in str(notebook.run("%extractor list"))

    def test_a_folder_called_by_a_keyword_has_its_manifests_name(self, notebook, tmp_path):
        shutil.copytree(HASH_EMBEDDER, tmp_path / "import")
        notebook.run(f"%extractor load {tmp_path}/import")
        assert "hash_embedder" in str(notebook.run("%extractor list"))

    def test_an_error_in_a_new_version_keeps_the_old_one(self, notebook):
        notebook.run(TYPED)
        before = session.current_lab().extractor("counter").source
        notebook.fail(TYPED.replace('"letters", dim=2', '"letters", dim="two"'))
        assert session.current_lab().extractor("counter").source == before

    def test_one_cell_per_file(self, notebook):
        files = sorted(HASH_EMBEDDER.rglob("*.py"), key=lambda path: path.name == "manifest.py")
        for path in files:
            place = path.relative_to(HASH_EMBEDDER).as_posix()
            card = notebook.run(f"%%extractor hash_embedder {place}\n{path.read_text()}")
            assert card.state.startswith("defined" if place == "manifest.py" else "a draft")
        assert notebook.run("%extractor test hash_embedder").documents.num_rows == 3

    def test_a_syntax_error_names_the_line_that_the_editor_shows(self, notebook):
        message = str(notebook.fail("%%extractor broken\n\nx = (\n"))
        assert "line 3" in message

    def test_save_and_load(self, notebook, home):
        notebook.run(TYPED)
        notebook.run("%extractor save counter saved")
        assert "Saved counter to saved/counter: manifest.py" in notebook.printed()
        notebook.run("%extractor pack counter saved/counter.zip")
        assert "Packed counter as saved/counter.zip: 3 files" in notebook.printed()
        mine = home.parent / "saved" / "counter" / "processors" / "mine.py"
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("X = 1\n")
        notebook.run('%extractor save "counter" "saved"')
        printed = notebook.printed()
        assert "mine.py" not in printed.splitlines()[0]
        assert "Still in saved/counter, and no part of it: processors/mine.py" in printed
        mine.unlink()
        before = session.current_lab().extractor("counter").source
        card = notebook.run("%extractor load saved/counter")
        assert card.name == "counter"
        assert notebook.run("%extractor load saved/counter.zip").name == "counter"
        assert session.current_lab().extractor("counter").source == before
        cell = notebook.shell.rl_next_input
        assert cell.startswith("%%extractor counter\n# file: manifest.py\n")
        notebook.run(cell)
        assert session.current_lab().extractor("counter").source == before

    @pytest.mark.parametrize(
        ("line", "words"),
        [
            ("%extractor frobnicate", "there is no such action"),
            ("%extractor show", "needs an extractor's name"),
            ("%extractor show nope", "No extractor called 'nope'"),
            ("%extractor load nowhere", "nowhere"),
            ("%%extractor\nx = 1", "needs a name"),
            ("%extractor test --param", "--param needs a value"),
        ],
    )
    def test_mistakes_are_one_message(self, notebook, line, words):
        assert words in str(notebook.fail(line))
        shown = notebook.printed()
        assert words in shown
        assert "Traceback" not in shown
        assert len(shown.strip().splitlines()) < 8


class TestData:
    def test_a_bucket_from_a_frame(self, notebook):
        notebook.shell.user_ns["frame"] = pd.DataFrame({"body": ["a", "b"], "year": [1, 2]})
        card = notebook.run("%bucket docs frame --text body")
        assert isinstance(card, BucketCard)
        assert str(card) == "Bucket docs: 2 objects with body (text), year (integer)"
        assert str(notebook.run("%bucket docs")) == str(card)
        assert isinstance(notebook.run("%bucket"), BucketList)

    def test_replace_and_append(self, notebook):
        notebook.run("rows = [{'_id': 'a', 'text': 'x'}]")
        notebook.run("%bucket docs rows")
        notebook.run("rows = [{'_id': 'b', 'text': 'y'}]")
        assert "2 objects" in str(notebook.run("%bucket docs rows --append"))
        assert "1 object " in str(notebook.run("%bucket docs rows"))

    def test_a_folder(self, notebook, tmp_path):
        (tmp_path / "my notes").mkdir()
        (tmp_path / "my notes" / "a.md").write_text("hello")
        assert "1 object" in str(notebook.run("%bucket notes 'my notes'"))

    def test_files_left_out_are_shown_each_time_the_bucket_is_made(self, notebook, tmp_path):
        (tmp_path / "mixed").mkdir()
        (tmp_path / "mixed" / "a.md").write_text("hello")
        (tmp_path / "mixed" / "b.png").write_bytes(b"\x89")
        for _ in range(2):
            card = notebook.run("%bucket notes mixed")
            for shown in (str(card), card._repr_html_()):
                assert "1 file was left out" in shown
                assert "(1 .png): b.png." in shown
        assert "Warning" not in notebook.printed()

    def test_files_of_every_kind_and_columns_of_paths(self, notebook, tmp_path):
        (tmp_path / "media").mkdir()
        (tmp_path / "media" / "a.png").write_bytes(png())
        (tmp_path / "media" / "b.wav").write_bytes(wav())
        card = notebook.run("%bucket m media")
        assert str(card) == (
            "Bucket m: 2 objects with image (image), audio (audio), path (string), "
            "folder (string), suffix (string)"
        )
        notebook.run("shop = [{'title': 'x', 'picture': 'media/a.png', 'sound': 'media/b.wav'}]")
        line = "%bucket s shop --text title --blob picture:image --blob sound"
        assert str(notebook.run(line)) == (
            "Bucket s: 1 object with title (text), image (image), sound (audio)"
        )
        for option, message in (
            ("nope", "There is no column 'nope'"),
            (":image", "write COLUMN or COLUMN:NAME"),
            ("picture:image --blob sound:image", "two columns are called 'image'"),
            ("picture:audio", "row 1, column 'picture': media/a.png holds image/png, which is no"),
        ):
            assert message in str(notebook.fail(f"%bucket s shop --blob {option}"))

    def test_columns_are_completed(self, notebook):
        notebook.run("import pandas as pd; shop = pd.DataFrame({'title': ['x'], 'picture': ['y']})")
        notebook.run("dicts = [{'about': 'x'}]")
        complete = notebook.shell.complete
        assert complete("", "%bucket s shop --blob pi", 24)[1] == ["picture"]
        assert set(complete("", "%bucket s shop --text ", 22)[1]) >= {"title", "picture"}
        assert complete("", "%bucket s dicts --key ab", 24)[1] == ["about"]
        assert "--blob" in complete("", "%bucket s shop --b", 18)[1]

    def test_what_is_neither_variable_nor_file(self, notebook):
        message = str(notebook.fail("%bucket docs frmae"))
        assert message.startswith("There is no variable 'frmae', nor a file or folder")

    def test_process_gives_the_report(self, processed):
        card = processed.run("%process docs hash_embedder --engine kernel")
        assert isinstance(card, RunCard)
        assert card.report.reused == 10
        again = processed.run(
            "report = %process docs hash_embedder --into other --engine kernel --param chunk=true "
            "--index hash_embedding=hnsw --analyzer plain\nreport"
        )
        assert again.report.documents == 10
        collection = session.current_lab().collection("other")
        assert collection.parameters == {"chunk": True}
        assert collection.settings.analyzer == "plain"
        assert collection.settings.kinds == {"hash_embedding": "hnsw"}

    def test_process_needs_two_names(self, notebook):
        message = str(notebook.fail("%process docs"))
        assert message.startswith("%process: extractor missing. It reads: %process source")
        assert "%process?" in message

    def test_a_pair_without_a_value(self, processed):
        line = "%process docs hash_embedder --param chunk --engine kernel"
        assert "KEY=VALUE" in str(processed.fail(line))

    def test_failures_are_in_the_report(self, processed):
        processed.run("rows = ['good', 'FAIL one']")
        processed.run("%bucket docs rows")
        text = str(processed.run("%process docs hash_embedder --engine kernel"))
        assert "ValueError × 1" in text
        assert "processors/core.py" in text

    def test_interrupting_says_how_far_it_was(self, processed, monkeypatch):
        def leave(progress):
            raise KeyboardInterrupt

        monkeypatch.setattr("mixpeek_lab.magics.run._Watch.tell", lambda self, p: leave(p))
        error = processed.fail("%process docs hash_embedder --into other --engine kernel")
        assert isinstance(error, KeyboardInterrupt)
        assert str(error) == (
            "The run was stopped after 0 of 0 rows. The collection keeps what it had."
        )
        assert "Traceback" not in processed.printed()


class TestInspect:
    def test_a_table_by_its_name(self, processed):
        page = processed.run("%inspect docs_hash_embedder")
        assert isinstance(page, TablePage)
        assert page.table.num_rows == 10

    def test_sql_in_a_line_and_in_a_cell(self, processed):
        line = processed.run(
            "%inspect SELECT count(*) AS n FROM docs_hash_embedder WHERE data LIKE '%a%'"
        )
        cell = processed.run(
            "%%inspect\nSELECT count(*) AS n\nFROM docs_hash_embedder\nWHERE data LIKE '%a%'"
        )
        assert line.table == cell.table

    def test_pages(self, processed):
        text = str(processed.run("%inspect --page 2 --size 3 SELECT data FROM docs_hash_embedder"))
        assert text.endswith("10 rows, page 2 of 4")
        assert len(text.splitlines()) == 1 + 3 + 1
        assert "count from 1" in str(processed.fail("%inspect --page 0 runs"))

    def test_into_variables(self, processed):
        processed.run("%%inspect --df frame --arrow table\nSELECT data FROM docs_hash_embedder")
        assert processed.shell.user_ns["frame"].shape == (10, 1)
        assert processed.shell.user_ns["table"].num_rows == 10

    def test_mistakes(self, processed):
        assert "Tables: documents" in str(processed.fail("%inspect SELECT * FROM nowhere"))
        assert "needs a table's name" in str(processed.fail("%inspect"))


class TestRetriever:
    def test_yaml_and_json_are_the_same(self, processed):
        by_yaml = processed.run("%retriever find")
        by_json = processed.run(
            '%%retriever find\n{"collection": "docs_hash_embedder", "fusion": "rrf", "searches": '
            '[{"feature": "hash_embedding"}, {"lexical": true, "weight": 0.5}]}'
        )
        assert isinstance(by_json, RetrieverCard)
        assert str(by_yaml) == str(by_json)
        assert isinstance(processed.run("%retriever list"), RetrieverList)
        assert isinstance(processed.run("%retriever"), RetrieverList)

    def test_the_stages_there_are(self, processed):
        found = processed.run("%retriever stages")
        assert isinstance(found, StageList)
        assert "Choose documents that are relevant and unlike" in str(found)
        card = str(processed.run("%retriever stages mmr"))
        assert "diversity_fields" in card
        assert "Did you mean 'mmr'" in str(processed.fail("%retriever stages mmrr"))
        assert "what is 'mmr' for?" in str(processed.fail("%retriever find mmr"))
        assert "needs a name" in str(processed.fail("%%retriever stages\ncollection: docs"))

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ("collection: [docs\n", "Line 3, column 1: this is neither YAML nor JSON"),
            ("- a\n", "A retriever is a mapping"),
            ("collection: docs_hash_embedder\nsearches:\n  - lexical: true\n    weigth: 3\n",
             "Line 5: searches[0].weigth"),
            ("collection: docs_hash_embedder\nsearches:\n  - lexical: true\n    weight: x\n",
             "Line 5: searches[0].weight"),
            ("collection: docs_hash_embedder\n", "searches is missing"),
            ("collection: docs_hash_embedder\nsearches:\n  - feature: hash_embeding\n",
             "Did you mean 'hash_embedding'?"),
            ("collection: nope\nsearches:\n  - lexical: true\n", "No collection called 'nope'"),
        ],
    )  # fmt: skip
    def test_mistakes_name_the_line(self, processed, body, words):
        assert words in str(processed.fail(f"%%retriever bad\n{body}"))
        assert "Traceback" not in processed.printed()

    def test_search_takes_the_words_as_they_are(self, processed):
        processed.run("x = 1")
        found = processed.run('%search find what\'s {x} $x "red" apple')
        assert isinstance(found, Results)
        assert found.result.query == {"query": 'what\'s {x} $x "red" apple'}
        assert processed.run('%search find "red apple?"').result.query == {"query": "red apple?"}

    def test_limit(self, processed):
        for line in (
            "%search find --limit 2 red apple",
            "%search --limit=2 find red apple",
            "%search find red apple --limit 2",
            "%search find 'red apple' --limit=2",
        ):
            result = processed.run(line).result
            assert (len(result.hits), result.query) == (2, {"query": "red apple"})
        quoted = processed.run('%search find "red apple --limit 2"').result
        assert quoted.query == {"query": "red apple --limit 2"}

    def test_search_mistakes(self, processed):
        assert "there is no query" in str(processed.fail("%search find"))
        assert "Did you mean 'find'" in str(processed.fail("%search fin apple"))
        assert "No retriever called 'nope'" in str(processed.fail("%playground nope"))
        assert "No retriever called 'nope'" in str(processed.fail("%retriever nope"))


class TestEmbeddingMap:
    def test_a_collections_vectors_become_a_map(self, processed):
        shown = processed.run("m = %embedding_map docs_hash_embedder --color length\nm")
        assert str(shown).startswith("EmbeddingMap(docs_hash_embedder · hash_embedding, 10 points")
        assert (shown.color, shown.method) == ("length", "pca")
        assert shown.about["code"] == "%embedding_map docs_hash_embedder --color length"
        line = "%embedding_map docs_hash_embedder --method tsne --set perplexity=2 --wait"
        assert processed.run(line).status["shown"] == "tsne"

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("nope", "No collection called 'nope'"),
            ("docs_hash_embedder other", "No feature called 'other'"),
            ("docs_hash_embedder --color nope", "No field to colour by called 'nope'"),
            ("docs_hash_embedder --method nope", "none of pca, umap, tsne"),
            ("docs_hash_embedder --set x=1", "pca: no parameter 'x'"),
        ],
    )
    def test_a_map_says_what_there_is_not(self, processed, line, said):
        assert said in str(processed.fail(f"%embedding_map {line}"))


class TestExtension:
    def test_the_state_of_the_lab(self, notebook, home):
        card = notebook.run("%lab")
        assert isinstance(card, FactsCard)
        assert dict(card.facts)["Ray"] == "off"
        assert dict(card.facts)["Home"] == str(home.resolve())
        assert "'frobnicate' is none of 'start'" in str(notebook.fail("%lab frobnicate"))
        assert f"lab is at {home.resolve()} already" in str(notebook.fail("%lab --home elsewhere"))
        assert notebook.run(f"%lab --home {home}").facts == card.facts
        assert mixpeek_lab.current_lab() is session.current_lab()

    def test_stopping_what_does_not_run(self, notebook):
        notebook.run("%lab stop")
        assert "stopped" in notebook.printed()

    def test_unload_and_load_again(self, notebook):
        for _ in range(2):
            notebook.shell.run_line_magic("unload_ext", "mixpeek_lab")
            assert notebook.shell.find_line_magic("extractor") is None
            assert notebook.shell.find_cell_magic("extractor") is None
            assert notebook.shell.find_line_magic("time") is not None
            notebook.shell.run_line_magic("load_ext", "mixpeek_lab")
            assert notebook.shell.find_cell_magic("extractor") is not None
        notebook.shell.run_line_magic("reload_ext", "mixpeek_lab")
        assert len(notebook.shell.Completer.custom_matchers) == 1

    def test_unloading_takes_completion_away(self, processed):
        assert processed.shell.complete("", "%search fi", 10)[1] == ["find"]
        processed.shell.run_line_magic("unload_ext", "mixpeek_lab")
        assert "find" not in processed.shell.complete("", "%search fi", 10)[1]
        processed.shell.run_line_magic("load_ext", "mixpeek_lab")


COMPLETIONS = [
    ("%extractor sh", ["show"]),
    (
        "%extractor ",
        [
            "list",
            "show",
            "lint",
            "fix",
            "test",
            "save",
            "pack",
            "load",
            "deploy",
            "dockerfile",
            "delete",
            "status",
            "commit",
            "log",
            "diff",
            "checkout",
            "tag",
            "push",
            "pull",
        ],
    ),
    ("%extractor test ha", ["hash_embedder"]),
    ("%%extractor ha", ["hash_embedder"]),
    ("%%extractor hash_embedder pro", ["processors/core.py"]),
    ("%lab st", ["start", "status", "stop"]),
    ("%bucket do", ["docs"]),
    ("%bucket docs ro", ["rows"]),
    ("%bucket delete do", ["docs"]),
    ("%collection de", ["delete"]),
    ("%collection delete do", ["docs_hash_embedder"]),
    ("%retriever delete fi", ["find"]),
    ("%process ", ["docs", "docs_hash_embedder"]),
    ("%process docs ha", ["hash_embedder"]),
    ("%process docs hash_embedder --in", ["--index", "--into"]),
    ("%process docs hash_embedder --into do", ["docs_hash_embedder"]),
    ("%process docs hash_embedder --engine ", ["kernel", "ray"]),
    ("%search fi", ["find"]),
    ("hits = %search fi", ["find"]),
    ("x = 1\n%playground ", ["find"]),
    ("%embedding_map docs_", ["docs_hash_embedder"]),
    ("%embedding_map docs_hash_embedder ha", ["hash_embedding"]),
    ("%embedding_map docs_hash_embedder --method t", ["tsne"]),
    ("%retriever l", ["list"]),
    ("%retriever st", ["stages"]),
    ("%retriever stages sort", ["sort_relevance", "sort_attribute"]),
    ("%%retriever new\nstages:\n  - attr", ["attribute_filter:"]),
    ("%%retriever new\ncollection: docs_", ["docs_hash_embedder"]),
    ("%%retriever new\nsea", ["searches:"]),
    ("%inspect SELECT * FROM docs_", ["docs_hash_embedder"]),
    ("%%inspect\nSELECT * FROM docs_", ["docs_hash_embedder"]),
]


class Kernel:
    """A real kernel with the extension; `run` gives the messages that a cell sends."""

    def __init__(self, environment, *arguments):
        from jupyter_client.manager import start_new_kernel

        self.manager, self.client = start_new_kernel(
            kernel_name="python3", env=environment, extra_arguments=list(arguments)
        )

    def run(self, cell, on_message=lambda message: None):
        messages = []

        def take(message):
            messages.append((message["msg_type"], message["content"]))
            on_message(message)

        reply = self.client.execute_interactive(cell, output_hook=take, timeout=120)
        return reply["content"]["status"], messages

    def complete(self, text):
        self.client.complete(text, len(text))
        return self.client.get_shell_msg(timeout=30)["content"]["matches"]

    def close(self):
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


def kernel_environment(home, **more):
    return {**os.environ, "MIXPEEK_LAB_HOME": str(home), "HF_HUB_OFFLINE": "1", **more}


PREPARE = (
    f"%extractor load {HASH_EMBEDDER}",
    "rows = ['red apple', 'green pear']",
    "%bucket docs rows",
    "%process docs hash_embedder --engine kernel",
    RETRIEVER,
)


@pytest.mark.parametrize("experimental", ["True", "False"])
def test_tab_in_a_kernel(home, experimental):
    environment = kernel_environment(home, MIXPEEK_LAB_AUTOSTART="0")
    kernel = Kernel(environment, f"--IPKernel.use_experimental_completions={experimental}")
    try:
        for cell in ("%load_ext mixpeek_lab", *PREPARE):
            assert kernel.run(cell)[0] == "ok"
        found = {text: kernel.complete(text) for text, _ in COMPLETIONS}
        assert found == dict(COMPLETIONS)
        assert "print" in kernel.complete("pri"), "the rest of completion is as it was"
    finally:
        kernel.close()


def test_an_error_is_an_error_for_whoever_runs_the_notebook(home):
    kernel = Kernel(kernel_environment(home, MIXPEEK_LAB_AUTOSTART="0"))
    try:
        kernel.run("%load_ext mixpeek_lab")
        status, messages = kernel.run(WRONG_KEYS)
        assert status == "error"
        (error,) = [content for kind, content in messages if kind == "error"]
        assert error["ename"] == "ManifestError"
        assert len(error["traceback"]) == 1
        assert not [content for kind, content in messages if kind == "stream"]
    finally:
        kernel.close()


@pytest.mark.ray
def test_a_kernel_with_ray(home):
    """Loading is quick, a run can be interrupted, and no cell holds a word of Ray's."""
    kernel = Kernel(kernel_environment(home))
    try:
        kernel.run("import time; begun = time.perf_counter(), time.thread_time()")
        _, messages = kernel.run("%load_ext mixpeek_lab")
        _, told = kernel.run("time.perf_counter() - begun[0], time.thread_time() - begun[1]")
        waited, worked = json.loads(text_of(told).translate({ord("("): "[", ord(")"): "]"}))
        assert worked < 0.3
        assert waited < 3, "Ray takes longer: it was waited for"
        (said,) = [content["text"] for kind, content in messages if kind == "stream"]
        assert len(said.strip().splitlines()) == 1
        kernel.run(f"%extractor load {HASH_EMBEDDER}")
        kernel.run("rows = [f'row {n}' for n in range(600)]")
        kernel.run("%bucket docs rows")
        kernel.run("%process docs hash_embedder --engine kernel")
        interrupt_a_run(kernel)
        finish_a_run(kernel)
        _, messages = kernel.run("%lab stop")
        streams = [content["text"] for kind, content in messages if kind == "stream"]
        assert len(streams) == 1
        assert streams[0].startswith("Mixpeek Lab is stopped.")
    finally:
        kernel.close()


MADE = "%inspect SELECT count(*), any_value(_run_id) FROM docs_hash_embedder"


def interrupt_a_run(kernel):
    sent, made = [], text_of(kernel.run(MADE)[1])

    def when_rows_are_done(message):
        state = message["content"].get("data", {}).get("state", {}).get("state", {})
        if not sent and message["msg_type"] == "comm_msg" and state.get("done", 0) > 0:
            sent.append(time.perf_counter())
            threading.Thread(target=kernel.manager.interrupt_kernel).start()

    status, messages = kernel.run(
        "%process docs hash_embedder --param seconds=2", when_rows_are_done
    )
    assert sent, messages
    assert status == "error"
    assert time.perf_counter() - sent[0] < 10, "a batch takes 16 s: it was waited for"
    (error,) = [content for kind, content in messages if kind == "error"]
    assert error["ename"] == "KeyboardInterrupt"
    assert len(error["traceback"]) == 1
    assert "of 600 rows" in error["evalue"]
    assert not [content for kind, content in messages if kind == "stream"]
    # IPython holds the traceback: the actors are gone all the same.
    assert gone(lambda: workers(kernel.manager.provisioner.pid))
    _, messages = kernel.run("%inspect SELECT state FROM runs")
    assert "interrupted" in text_of(messages)
    assert text_of(kernel.run(MADE)[1]) == made, "what was there before is kept"


def finish_a_run(kernel):
    status, messages = kernel.run("%process docs hash_embedder --into other")
    assert status == "ok"
    assert "vectors hash_embedding  600" in text_of(messages)
    views = [content["data"] for kind, content in messages if kind == "display_data"]
    assert [list(view) for view in views] == [
        ["application/vnd.jupyter.widget-view+json", "text/html"]
    ]
    assert "%process docs hash_embedder --into other" in views[0]["text/html"]
    assert [content["data"] for kind, content in messages if kind == "update_display_data"] == [{}]
    assert not [content for kind, content in messages if kind == "stream"]


def text_of(messages):
    return "".join(
        content["data"]["text/plain"] for kind, content in messages if kind == "execute_result"
    )
