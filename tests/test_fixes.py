"""From findings to edits: a cell with its remedies written, and nothing else of it changed."""

from __future__ import annotations

from itertools import pairwise

import pytest

from mixpeek_lab.cells import read_cell
from mixpeek_lab.lint import lint
from mixpeek_lab.lint.fixes import apply_edits, edits_for
from mixpeek_lab.workbench.fixing import fix_cell

CELL = '''from shared.extractors.sdk import BatchProcessor

# Größe: not touched
metadata = {"feature_extractor_name": "wrong", "version": "1.0.0", "inference_type": "embeding"}
features = [{
    "type": "embedding", "name": "größe",  # two of these keys are wrong
    "dimensions": 4, "distance": "cosine",
}, {"type": "embedding", "name": "f", "dimensions": 4, "distance": "cosine"}]
compute_profile = {"batchsize": 3}


class Processor(BatchProcessor):
    def process(self, batch):
        """Não: é assim."""; batch["e"] = [[1.0, 2, 3, 4]] * len(batch["text"])
        return batch
'''


def test_keys_words_and_columns_are_written_and_the_rest_stays():
    fixed = fix_cell("wrong", CELL)
    for text in (
        '"inference_type": "embedding"}',
        '"feature_name": "f", "embedding_dim": 4, "distance_metric": "cosine"}]',
        '{"batch_size": 3}',
        'assim."""; batch["e"] = [[1.0, 2, 3, 4]] * len(batch["data"])',
        "# Größe: not touched",
    ):
        assert text in fixed.after, fixed.after
    assert {finding.rule for finding in fixed.done} >= {"MAN001", "MAN012", "MAN013", "COL001"}
    assert not {"MAN001", "MAN012", "MAN013", "COL001"} & {f.rule for f in fixed.left}
    assert fixed.diff.startswith("--- a/cell\n+++ b/cell\n@@")
    assert fixed.before == CELL


def test_the_mended_cell_can_be_defined_and_has_nothing_more_to_mend():
    again = fix_cell("wrong", fix_cell("wrong", CELL).after)
    assert again.after == again.before
    assert again.done == ()


def test_what_is_not_known_is_not_made_up():
    cell = CELL.replace('"dimensions": 4, ', "")
    fixed = fix_cell("wrong", cell)
    assert '"type": "embedding", "name": "größe"' in fixed.after
    assert "..." not in fixed.after
    assert fixed.has_errors


def test_a_cell_of_one_file_is_mended_in_its_own_lines():
    source = read_cell("wrong", fix_cell("wrong", CELL).after).source
    core = (source.text("processors/core.py") or "").replace('batch["data"]', 'batch["text"]')
    fixed = fix_cell("wrong", core, "processors/core.py", source)
    assert 'len(batch["data"])' in fixed.after
    assert [finding.rule for finding in fixed.done] == ["COL001"]


def test_files_of_a_cell_with_headers_keep_their_lines():
    cell = (
        "# file: manifest.py\n"
        'metadata = {"feature_extractor_name": "wrong", "version": "1.0.0"}\nfeatures = []\n\n'
        "# file: processors/core.py\n"
        'class P:\n    def __call__(self, batch):\n        return batch.assign(e=batch["text"])\n'
    )
    fixed = fix_cell("wrong", cell)
    assert fixed.after == cell.replace('batch["text"]', 'batch["data"]')


@pytest.mark.parametrize("word", ["dimension=4", "dims=4"])
def test_keywords_are_renamed(word):
    cell = (
        "from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature\n"
        'manifest = ExtractorManifest(feature_extractor_name="wrong", version="1.0.0",\n'
        f'    features=[Feature.embedding("e", {word})])\n\n\n'
        "class P(BatchProcessor):\n    def process(self, batch):\n        return batch\n"
    )
    fixed = fix_cell("wrong", cell)
    assert 'Feature.embedding("e", dim=4)' in fixed.after


def test_edits_of_a_source_are_in_order_and_apart():
    source = read_cell("wrong", CELL).source
    edits = [e for e in edits_for(source, lint(source)) if e.path == "manifest.py"]
    places = [(e.line, e.column, e.end_line, e.end_column) for e in edits]
    assert places == sorted(places)
    assert all(a[2:] <= b[:2] for a, b in pairwise(places))
    text = apply_edits(source.text("manifest.py") or "", edits)
    assert "MAN001" not in {f.rule for f in lint(source.with_file("manifest.py", text))}
