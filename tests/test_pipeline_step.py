"""What a processor gets, and what becomes of whatever it returns."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pyarrow as pa
import pytest
from probes import probe, rows, run, runners

from mixpeek_lab.loader import ProcessorStep
from mixpeek_lab.models import ComputeProfile
from mixpeek_lab.pipeline import (
    CONTRACT,
    Machine,
    cut_blocks,
    first_batch,
    plan_steps,
    read_stamp,
    run_steps,
    split_failures,
)
from mixpeek_lab.sdk import ResourceType, RowCondition

VEC = 'batch["vec"] = [[float(len(t)), 1.0] for t in batch["data"]]\nreturn batch'
TEXTS = ("a", "bb", "ccc", "dddd", "eeeee", "ffffff", "ggggggg", "hhhhhhhh")


# ---------------------------------------------------------------- what it gets


def test_a_processor_gets_exactly_the_contracts_columns_and_a_range_index(tmp_path):
    source = probe(
        """
        assert type(batch.index) is pd.RangeIndex and batch.index.start == 0
        batch["columns"] = [",".join(batch.columns)] * len(batch)
    """,
        VEC,
    )
    good, failures = run(source, tmp_path, rows(*TEXTS), batch_size=3)
    assert failures == []
    assert {row["columns"] for row in good} == {",".join(CONTRACT)}
    first = good[0]
    assert first["data"] == "a"
    assert (first["blob_type"], first["mime_type"], first["size_bytes"]) == (
        "text",
        "text/plain",
        1,
    )
    assert first["feature_extractor_id"] == "probe@1.0.0"
    assert first["collection_id"] == "col_1"


def test_a_processor_gets_batches_of_at_most_the_batch_size(tmp_path):
    source = probe('batch["n"] = len(batch)', VEC)
    good, _ = run(source, tmp_path, rows(*TEXTS), batch_size=3)
    assert [row["n"] for row in good] == [3, 3, 3, 3, 3, 3, 2, 2]


def test_whole_batches_make_a_block_and_many_rows_make_few_blocks():
    sizes = [block.num_rows for block in cut_blocks(rows(*["x"] * 1000), 7)]
    assert sum(sizes) == 1000
    assert len(sizes) <= 64
    assert all(size % 7 == 0 for size in sizes[:-1])


# ---------------------------------------------------------------- rows out


def test_rows_in_order_with_their_own_values(tmp_path):
    good, _ = run(probe(VEC), tmp_path, rows(*TEXTS), batch_size=3)
    assert [row["data"] for row in good] == list(TEXTS)
    assert [row["vec"] for row in good] == [[float(len(t)), 1.0] for t in TEXTS]


def test_exploded_rows_have_ids_of_their_own_and_one_lineage(tmp_path):
    source = probe(
        """
        batch["data"] = batch["data"].str.split()
        batch = batch.explode("data")
    """,
        VEC,
    )
    table = rows("a b c", "d", "e f")
    parents = table.column("document_id").to_pylist()
    good, _ = run(source, tmp_path, table)
    assert [row["data"] for row in good] == list("abcdef")
    assert [row["document_id"] for row in good] == [
        f"{parents[0]}-0000", f"{parents[0]}-0001", f"{parents[0]}-0002", parents[1],
        f"{parents[2]}-0000", f"{parents[2]}-0001",
    ]  # fmt: skip
    assert [row["blob_id"] for row in good] == ["blob_0"] * 3 + ["blob_1"] + ["blob_2"] * 2
    assert [row["object_id"] for row in good] == ["obj_0"] * 3 + ["obj_1"] + ["obj_2"] * 2


@pytest.mark.parametrize("key", ["document_id", "object_id", "blob_id"])
def test_rows_built_from_dicts_are_traced_by_an_id_they_keep(tmp_path, key):
    source = probe(f"""
        made = []
        for row in batch.to_dict("records"):
            for word in reversed(row["data"].split()):
                made.append({{"{key}": row["{key}"], "data": word, "vec": [1.0, 2.0]}})
        made.reverse()
        return pd.DataFrame(made)
    """)
    good, failures = run(source, tmp_path, rows("a b", "c", "d e"))
    assert failures == []
    assert [(row["blob_id"], row["data"]) for row in good] == [
        ("blob_0", "a"), ("blob_0", "b"), ("blob_1", "c"), ("blob_2", "d"), ("blob_2", "e")
    ]  # fmt: skip
    assert [row["mime_type"] for row in good] == ["text/plain"] * 5


def test_two_blobs_of_one_object_are_not_confused(tmp_path):
    source = probe("""
        made = [
            {"object_id": row["object_id"], "data": word, "vec": [1.0, 2.0]}
            for row in batch.to_dict("records") for word in row["data"].split()
        ]
        return pd.DataFrame(made)
    """)
    good, _ = run(source, tmp_path, rows("a b", "c d", "e f", objects=1))
    assert Counter(row["blob_id"] for row in good) == {"blob_0": 2, "blob_1": 2, "blob_2": 2}
    assert {row["data"]: row["blob_id"] for row in good}["d"] == "blob_1"
    assert len({row["document_id"] for row in good}) == 6


@pytest.mark.parametrize(
    "make",
    [
        # Indexes 0, 1, 0, 0, 1: as if exploded, and not.
        'pd.concat([pd.DataFrame({"data": t.split()}) for t in batch["data"]])',
        'pd.DataFrame({"data": " ".join(batch["data"]).split()})',
        'batch[["data"]].iloc[[0]]',
    ],
)
def test_rows_without_any_id_are_traced_by_calling_row_by_row(tmp_path, make):
    source = probe(f"""
        made = {make}
        made["vec"] = [[1.0, 2.0]] * len(made)
        return made
    """)
    (runner,) = runners(source, tmp_path)
    block = runner(rows("a b", "c", "d e"))
    good, failures, _ = split_failures(block)
    traced = list(zip(*(good.column(n).to_pylist() for n in ("blob_id", "data")), strict=True))
    whole = [("blob_0", "a"), ("blob_0", "b"), ("blob_1", "c"), ("blob_2", "d"), ("blob_2", "e")]
    kept = [("blob_0", "a b"), ("blob_1", "c"), ("blob_2", "d e")]
    assert traced == (kept if "iloc" in make else whole)
    assert failures == []
    (note,) = read_stamp(block).notes
    assert "row by row" in note


def test_row_by_row_calls_are_made_from_then_on(tmp_path):
    log = tmp_path / "calls"
    source = probe(f"""
        note({str(log)!r}, len(batch))
        words = " ".join(batch["data"]).split()
        return pd.DataFrame({{"data": words, "vec": [[1.0, 2.0]] * len(words)}})
    """)
    run(source, tmp_path, rows(*["a b"] * 9), batch_size=3)
    assert log.read_text().split() == ["3"] + ["1"] * 9


def test_fewer_rows(tmp_path):
    source = probe('batch = batch[batch["data"].str.len() > 6].copy()', VEC)
    good, failures = run(source, tmp_path, rows(*TEXTS))
    assert [row["data"] for row in good] == ["ggggggg", "hhhhhhhh"]
    assert [row["blob_id"] for row in good] == ["blob_6", "blob_7"]
    assert failures == []


def test_no_rows_is_no_failure(tmp_path):
    assert run(probe("return batch.iloc[:0]"), tmp_path, rows(*TEXTS)) == ([], [])


@pytest.mark.parametrize("columns", ["batch", 'batch[["data"]].copy()'])
def test_reordered_rows_keep_their_lineage(tmp_path, columns):
    source = probe(f'batch = {columns}\nbatch = batch.sort_values("data", ascending=False)', VEC)
    good, _ = run(source, tmp_path, rows(*TEXTS))
    assert [(row["blob_id"], row["data"]) for row in good] == [
        (f"blob_{number}", text) for number, text in enumerate(TEXTS)
    ]


def test_a_frame_as_long_as_the_batch_without_ids_is_taken_in_order(tmp_path):
    source = probe('return pd.DataFrame({"vec": [[float(len(t)), 0.0] for t in batch["data"]]})')
    good, _ = run(source, tmp_path, rows(*TEXTS))
    assert [row["vec"][0] for row in good] == [float(len(t)) for t in TEXTS]
    assert [row["data"] for row in good] == list(TEXTS)  # what it dropped is given back


def test_a_document_id_of_the_processors_own_does_not_replace_ours(tmp_path):
    source = probe('batch["document_id"] = "mine"', VEC)
    table = rows(*TEXTS)
    good, _ = run(source, tmp_path, table)
    assert [row["document_id"] for row in good] == table.column("document_id").to_pylist()


def test_lineage_cannot_be_overwritten(tmp_path):
    source = probe('batch["object_id"] = "x"\nbatch["mime_type"] = "image/png"', VEC)
    good, _ = run(source, tmp_path, rows("a", "b"))
    assert [row["object_id"] for row in good] == ["obj_0", "obj_1"]
    assert {row["mime_type"] for row in good} == {"text/plain"}


def test_changing_a_batch_in_place_and_failing_does_not_spoil_the_second_try(tmp_path):
    source = probe(
        """
        batch["data"] = batch["data"].str.upper() + "!"
        if (batch["data"] == "CCC!").any():
            raise ValueError("no ccc")
    """,
        VEC,
    )
    good, failures = run(source, tmp_path, rows(*TEXTS))
    assert [row["data"] for row in good] == [f"{t.upper()}!" for t in TEXTS if t != "ccc"]
    assert [(f.kind, f.message) for f in failures] == [("ValueError", "no ccc")]


# ---------------------------------------------------------------- values


def test_vector_columns_become_fixed_size_lists(tmp_path):
    source = probe("""
        batch["one"] = [np.ones(3, dtype=np.float64)] * len(batch)
        batch["two_embedding"] = [[1, 2]] * len(batch)
        return batch
    """)
    (runner,) = runners(source, tmp_path, vectors={"one": 3, "two_embedding": 2})
    table = runner(rows("a", "b"))
    assert table.schema.field("one").type == pa.list_(pa.float32(), 3)
    assert table.column("two_embedding").to_pylist() == [[1.0, 2.0]] * 2


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ("[[1.0, 2.0, 3.0]]", r"'vec' has 3 values, the manifest declares 2"),
        ("[1.5]", r"'vec' has the shape \(\), the manifest declares 2"),
        ("[[[1.0, 2.0]]]", r"'vec' has the shape \(1, 2\), the manifest declares 2"),
        ('[["a", "b"]]', "'vec' does not consist of numbers"),
    ],
)
def test_a_vector_that_does_not_fit_says_how(tmp_path, values, message):
    source = probe(f'batch["vec"] = {values} * len(batch)\nreturn batch')
    _, failures = run(source, tmp_path, rows("a"))
    assert len(failures) == 1
    import re

    assert re.search(message, failures[0].message)


def test_ragged_vectors_fail_alone(tmp_path):
    source = probe(
        'batch["vec"] = [[1.0] * (3 if t == "bb" else 2) for t in batch["data"]]\nreturn batch'
    )
    good, failures = run(source, tmp_path, rows(*TEXTS))
    assert len(good) == 7
    (failure,) = failures
    assert failure.object_id == "obj_1"
    assert "3 values, the manifest declares 2" in failure.message


@pytest.mark.parametrize("missing", ["None", "np.nan", "pd.NA", "np.float32('nan')"])
def test_missing_vectors_are_null_and_no_failure(tmp_path, missing):
    source = probe(f'batch["vec"] = [[1.0, 2.0], {missing}, [3.0, 4.0]]\nreturn batch')
    good, failures = run(source, tmp_path, rows("a", "b", "c"))
    assert [row["vec"] for row in good] == [[1.0, 2.0], None, [3.0, 4.0]]
    assert failures == []


@pytest.mark.parametrize(
    ("value", "kind"), [("object()", "object"), ("2**70", "int"), ("np.ones((2, 2))", "ndarray")]
)
def test_a_column_that_cannot_be_kept_is_named(tmp_path, value, kind):
    source = probe(f'batch["odd"] = [{value} for _ in batch["data"]]', VEC)
    _, failures = run(source, tmp_path, rows("a"))
    (failure,) = failures
    assert f"Column 'odd' holds values of type {kind}" in failure.message


def test_two_columns_of_one_name_are_refused(tmp_path):
    source = probe(
        'batch["x"] = 1\nbatch["y"] = 2\nbatch.columns = [*batch.columns[:-1], "x"]', VEC
    )
    _, failures = run(source, tmp_path, rows("a"))
    assert "two columns called 'x'" in failures[0].message


def test_a_column_of_mixed_types_becomes_text_in_one_call(tmp_path):
    values = '[1, "a", None, 1.5, float("nan"), True]'
    source = probe(
        f'batch["mix"] = [{values}[i % 6] for i in range(len(batch))]\nbatch["rows"] = len(batch)',
        VEC,
    )
    (runner,) = runners(source, tmp_path)
    block = runner(rows(*"abcdefghijkl"))
    assert block.column("mix").to_pylist() == ["1", "a", None, "1.5", None, "true"] * 2
    assert block.column("rows").to_pylist() == [12] * 12
    assert read_stamp(block).notes == ("Column `mix` mixes types: it is kept as text.",)


def test_columns_whose_type_differs_between_batches_become_text(tmp_path):
    source = probe('batch["n"] = 1 if len(batch["data"][0]) < 3 else "many"', VEC)
    (runner,) = runners(source, tmp_path, batch_size=1)
    block = runner(rows("a", "bb", "ccc"))
    assert block.column("n").to_pylist() == ["1", "1", "many"]
    assert read_stamp(block).notes == ("Column `n` mixes types: it is kept as text.",)


def test_categories_and_empty_dicts_can_be_kept(tmp_path):
    source = probe(
        'batch["kind"] = pd.Categorical(["x"] * len(batch))\nbatch["extra"] = [{}] * len(batch)',
        VEC,
    )
    good, _ = run(source, tmp_path, rows("a", "b"))
    assert [(row["kind"], row["extra"]) for row in good] == [("x", "{}")] * 2


def test_columns_may_be_called_feature_or_like_one(tmp_path):
    source = probe('batch["feature"] = "f"\nbatch["feature_embedding"] = 1', VEC)
    good, _ = run(source, tmp_path, rows("a"))
    assert (good[0]["feature"], good[0]["feature_embedding"]) == ("f", 1)


@pytest.mark.parametrize("answer", ["None", "[1]", 'batch["data"]', "{}"])
def test_a_wrong_return_type_says_what_came(tmp_path, answer):
    _, failures = run(probe(f"return {answer}"), tmp_path, rows("a"))
    assert "The processor returned" in failures[0].message
    assert "DataFrame" in failures[0].message


# ---------------------------------------------------------------- failures


def test_a_failing_row_is_recorded_and_takes_no_other_down(tmp_path):
    source = probe(
        """
        for text in batch["data"]:
            if len(text) in (2, 7):
                raise KeyError(f"bad {text}")
    """,
        VEC,
    )
    good, failures = run(source, tmp_path, rows(*TEXTS), batch_size=4)
    assert [row["data"] for row in good] == ["a", "ccc", "dddd", "eeeee", "ffffff", "hhhhhhhh"]
    assert [(f.object_id, f.step, f.kind, f.message) for f in failures] == [
        ("obj_1", "Probe", "KeyError", "'bad bb'"), ("obj_6", "Probe", "KeyError", "'bad ggggggg'")
    ]  # fmt: skip
    lines = source.text("pipeline.py").splitlines()
    line = 1 + next(i for i, text in enumerate(lines) if "raise KeyError" in text)
    assert failures[0].where == f"pipeline.py:{line} in process"


def test_bad_rows_at_the_start_do_not_take_the_rest_down(tmp_path):
    """Sorted data: the first dozen rows are all bad in the same way."""
    texts = ["bad"] * 12 + ["good"] * 500
    source = probe('assert not (batch["data"] == "bad").any()', VEC)
    good, failures = run(source, tmp_path, rows(*texts), batch_size=64)
    assert (len(good), len(failures)) == (500, 12)
    assert not any(f.where.startswith("not tried") for f in failures)


def test_one_bad_row_costs_few_calls(tmp_path):
    log = tmp_path / "calls"
    source = probe(f'note({str(log)!r}, len(batch))\nassert "bad" not in set(batch["data"])', VEC)
    texts = ["good"] * 63 + ["bad"]
    good, failures = run(source, tmp_path, rows(*texts), batch_size=64)
    assert (len(good), len(failures)) == (63, 1)
    assert len(log.read_text().split()) <= 16  # 64 halved six times, and a sample


@pytest.mark.parametrize("good_rows", [{7}, {1, 2, 3}, set(range(64)) - {0, 15, 31, 47, 63}])
def test_good_rows_come_out_wherever_they_are(tmp_path, good_rows):
    """Also where those that are tried first all fail."""
    log = tmp_path / "calls"
    source = probe(f'note({str(log)!r}, len(batch))\nassert "bad" not in set(batch["data"])', VEC)
    texts = ["good" if row in good_rows else "bad" for row in range(64)]
    good, failures = run(source, tmp_path, rows(*texts), batch_size=64)
    assert {row["object_id"] for row in good} == {f"obj_{row}" for row in good_rows}
    assert len(failures) == 64 - len(good_rows)
    assert not any(f.where.startswith("not tried") for f in failures)
    assert len(log.read_text().split()) <= 2 * 64


def test_small_batches_do_not_give_up_early(tmp_path):
    texts = ["bad"] * 100 + ["good"] * 20
    source = probe('assert not (batch["data"] == "bad").any()', VEC)
    good, failures = run(source, tmp_path, rows(*texts), batch_size=4)
    assert (len(good), len(failures)) == (20, 100)


def test_where_all_rows_fail_the_number_of_calls_is_bounded(tmp_path):
    log = tmp_path / "calls"
    source = probe(f'note({str(log)!r}, len(batch))\nraise ValueError(batch["data"][0])')
    texts = [f"text {number}" for number in range(2000)]
    good, failures = run(source, tmp_path, rows(*texts), batch_size=64)
    assert good == []
    assert len(failures) == 2000
    assert len({f.document_id for f in failures}) == 2000
    assert log.read_text().split() == [*["64", *["1"] * 64] * 2]  # and nothing twice
    tried = [f for f in failures if not f.where.startswith("not tried")]
    assert {f.kind for f in failures} == {"ValueError"}
    assert len(tried) == 128
    assert "the first 128 rows failed, and none came through" in failures[-1].where


def test_setup_that_fails_is_tried_once_and_fails_every_row(tmp_path):
    log = tmp_path / "setups"
    source = probe(VEC, setup=f'note({str(log)!r}, "setup")\nraise OSError("no weights")')
    good, failures = run(source, tmp_path, rows(*TEXTS), batch_size=2)
    assert good == []
    assert [(f.kind, f.message) for f in failures] == [("OSError", "no weights")] * 8
    assert failures[0].where.endswith("in setup")
    assert log.read_text().split() == ["setup"]


def test_a_constructor_that_fails_is_told_in_the_users_terms(tmp_path):
    source = probe(VEC)
    code = source.text("pipeline.py").replace(
        "    def setup(self):",
        "    def __init__(self, config):\n        config['model']\n\n    def setup(self):",
    )
    _, failures = run(source.with_file("pipeline.py", code), tmp_path, rows("a", "b"))
    assert [(f.kind, f.message) for f in failures] == [("KeyError", "'model'")] * 2
    assert failures[0].where.endswith("in __init__")


def test_a_new_run_tries_again_what_failed(tmp_path):
    flag = tmp_path / "weights"
    source = probe(VEC, setup=f"Path({str(flag)!r}).read_text()")
    (runner,) = runners(source, tmp_path)
    assert split_failures(runner(rows("a")))[1][0].kind == "FileNotFoundError"
    flag.write_text("there")
    assert split_failures(runner(rows("a")))[1] != []
    runner.forget_failures()
    assert split_failures(runner(rows("a")))[1] == []


def test_sys_exit_in_a_processor_is_a_failure_of_its_row(tmp_path):
    source = probe('if "bb" in set(batch["data"]): raise SystemExit(3)', VEC)
    good, failures = run(source, tmp_path, rows(*TEXTS))
    assert (len(good), failures[0].kind) == (7, "SystemExit")


def test_interrupting_is_no_failure(tmp_path):
    source = probe("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        run(source, tmp_path, rows("a"))


# ---------------------------------------------------------------- several steps, conditions

TWO_STEPS = """
from engine.extractors.probe.pipeline import (
    PipelineDefinition, RowCondition, StepDefinition, build_pipeline_steps,
)


class Second:
    def __init__(self, config):
        self.config = config

    def __call__(self, batch):
        if (batch["data"] == "b").any():
            raise RuntimeError("second says no")
        batch["second"] = [list(v) for v in batch["vec"]]
        return batch


def build_steps(extractor_request, **kwargs):
    steps = [
        StepDefinition(service_class=Probe),
        StepDefinition(service_class=Second, condition=RowCondition.CONDITION, batch_size=2),
    ]
    return {"steps": build_pipeline_steps(PipelineDefinition("probe", "1.0.0", steps))}
"""

EXPLODE = """
batch["data"] = batch["data"].str.split()
batch = batch.explode("data")
"""


def test_several_steps_and_a_chunk_that_fails_in_the_second(tmp_path):
    source = probe(EXPLODE, VEC, pipeline=TWO_STEPS.replace("CONDITION)", "ALWAYS)").replace(
        "RowCondition.CONDITION", "RowCondition.ALWAYS"))  # fmt: skip
    good, failures = run(source, tmp_path, rows("a b c", "d"), vectors={"vec": 2, "second": 2})
    assert [row["data"] for row in good] == ["a", "c", "d"]
    assert [row["second"] for row in good] == [[1.0, 1.0]] * 3
    (failure,) = failures
    assert (failure.step, failure.kind, failure.message) == (
        "Second", "RuntimeError", "second says no"
    )  # fmt: skip
    assert failure.document_id.endswith("-0001")


def test_a_row_condition_lets_other_rows_pass_untouched(tmp_path):
    source = probe(
        VEC, pipeline=TWO_STEPS.replace("RowCondition.CONDITION", "RowCondition.IS_TEXT")
    )
    table = rows("x", "y.png", "z")
    good, failures = run(source, tmp_path, table, vectors={"vec": 2, "second": 2})
    assert failures == []
    assert [(row["data"], row["second"] is None) for row in good] == [
        ("x", False), ("y.png", True), ("z", False)
    ]  # fmt: skip
    assert [row["vec"] for row in good] == [[1.0, 1.0], [5.0, 1.0], [1.0, 1.0]]


DECODE_EMBED = """
from engine.extractors.probe.pipeline import RowCondition, StepDefinition


class Embed:
    def __init__(self, config):
        self.config = config

    def __call__(self, batch):
        for pixels, kind in zip(batch["pixels"], batch["kind"]):
            pixels += 1
            if "bad" in batch["data"].values:
                raise RuntimeError("second says no")
        batch["vec"] = [[float(p.sum()), float(p.ndim)] for p in batch["pixels"]]
        batch["kind"] = [type(kind).__name__ for kind in batch["kind"]]
        return batch.drop(columns=["pixels"])


def build_steps(extractor_request, **kwargs):
    return {"steps": [
        StepDefinition(service_class=Probe, batch_size=4),
        StepDefinition(service_class=Embed, condition=RowCondition.IS_TEXT, batch_size=4),
    ]}
"""
DECODE = """
batch["data"] = batch["data"].str.split()
batch = batch.explode("data")
one = np.ones((2, 1, 1))
batch["pixels"] = [np.ones((len(t), 2)) if len(t) > 1 else one.copy() for t in batch["data"]]
batch["kind"] = [{len(t)} for t in batch["data"]]
return batch
"""


@pytest.mark.parametrize("batch_size", [1, 64])
def test_any_values_travel_between_steps(tmp_path, batch_size):
    """Arrays of several shapes and sets, over chunks; each second try gets values of its own."""
    source = probe(DECODE, pipeline=DECODE_EMBED)
    table = rows("aa b", "ccc", "bad d", "e")
    good, failures = run(source, tmp_path, table, batch_size=batch_size)
    assert [(r["data"], r["vec"], r["kind"]) for r in good] == [
        ("aa", [8.0, 2.0], "set"), ("b", [4.0, 3.0], "set"), ("ccc", [12.0, 2.0], "set"),
        ("d", [4.0, 3.0], "set"), ("e", [4.0, 3.0], "set"),
    ]  # fmt: skip
    assert [(f.step, f.message) for f in failures] == [("Embed", "second says no")]
    assert all("pixels" not in row for row in good)


def test_a_working_column_that_the_last_step_keeps_is_refused(tmp_path):
    kept = DECODE_EMBED.replace('.drop(columns=["pixels"])', "")
    good, failures = run(probe(DECODE, pipeline=kept), tmp_path, rows("aa", "bbb"))
    assert good == []
    for failure in failures:
        assert failure.step == "Embed"
        assert "Column 'pixels' holds values of type ndarray" in failure.message
        assert "drop working columns before the step 'Embed' returns" in failure.message


def test_rows_that_the_last_step_leaves_alone_bring_no_working_column(tmp_path):
    """A row without a value passes; one with a value fails, as if a step had returned it last."""
    some = DECODE.replace("one.copy()", "None").replace("> 1", '> 1 and t != "x.png"')
    good, failures = run(
        probe(some, pipeline=DECODE_EMBED), tmp_path, rows("aa", "x.png", "y.png", "bb")
    )
    assert [row["data"] for row in good] == ["aa", "x.png", "bb"]
    assert [row.get("pixels") for row in good] == [None] * 3
    (failure,) = failures
    assert (failure.step, failure.object_id) == ("Embed", "obj_2")
    assert "Column 'pixels' holds values of type ndarray" in failure.message


@pytest.mark.parametrize(
    ("condition", "mime_type", "taken"),
    [
        ("ALWAYS", "", True), ("IS_TEXT", "text/html; charset=utf-8", True),
        ("IS_TEXT", "application/pdf", False), ("IS_PDF", "application/pdf", True),
        ("IS_IMAGE", "image/png", True), ("IS_VIDEO", "image/png", False),
    ],
)  # fmt: skip
def test_row_conditions(tmp_path, condition, mime_type, taken):
    source = probe(VEC, pipeline=TWO_STEPS.replace("CONDITION,", f"{condition},", 1).replace(
        "RowCondition.CONDITION", f"RowCondition.{condition}"))  # fmt: skip
    good, _ = run(source, tmp_path, rows("x", mime_type=mime_type), vectors={"vec": 2, "second": 2})
    assert (good[0].get("second") is not None) is taken
    assert RowCondition[condition].matches(mime_type) is taken


def test_the_stamp_counts_input_rows_and_spans_all_steps(tmp_path):
    source = probe(
        "time.sleep(0.02)\n" + EXPLODE,
        VEC,
        setup="time.sleep(0.05)",
        pipeline=TWO_STEPS.replace("RowCondition.CONDITION", "RowCondition.ALWAYS"),
    )
    steps = runners(source, tmp_path, vectors={"vec": 2, "second": 2})
    (block,) = run_steps(steps, [rows("a c", "d", "e")])
    stamp = read_stamp(block)
    assert block.num_rows == 4
    assert stamp.rows == 3
    assert stamp.setup >= 0.05
    assert 0.02 <= stamp.seconds < 0.05 + 0.02 + 1


# ---------------------------------------------------------------- laying steps out


def step(kind: str = "cpu", **options) -> ProcessorStep:
    return ProcessorStep("s", None, None, resource_type=ResourceType(kind), **options)


def profile(kind: str = "cpu", batch_size: int = 10, max_concurrency: int = 4) -> ComputeProfile:
    return ComputeProfile(kind, batch_size, max_concurrency)


@pytest.mark.parametrize(
    ("cpus", "rows", "actors", "share", "threads"),
    [
        (2, 1000, 2, 1.0, 1), (8, 1000, 4, 1.0, 2), (16, 1000, 4, 1.0, 4), (8, 80, 4, 1.0, 2),
        (8, 5, 1, 1.0, 8), (2, 40, 2, 1.0, 1), (2, 15, 1, 1.0, 2),
    ],
)  # fmt: skip
def test_cpu_steps_take_actors_by_batches_and_share_the_cpus(cpus, rows, actors, share, threads):
    (plan,), notes = plan_steps([step()], profile(), Machine(cpus, 0), rows)
    assert (plan.actors, plan.num_cpus, plan.threads) == (actors, share, threads)
    assert (plan.num_gpus, notes, plan.batch_size) == (0.0, [], 10)


@pytest.mark.parametrize(("cpus", "count"), [(2, 3), (8, 3), (2, 7)])
def test_several_cpu_steps_fit_on_the_machine_together(cpus, count):
    plans, _ = plan_steps([step() for _ in range(count)], profile(), Machine(cpus, 0), 1000)
    assert sum(plan.actors * plan.num_cpus for plan in plans) <= cpus
    assert all(plan.num_cpus > 0 and plan.threads >= 1 for plan in plans)


def test_a_steps_own_concurrency_and_batch_size_win():
    (plan,), _ = plan_steps([step(concurrency=1, batch_size=3)], profile(), Machine(8, 0), 1000)
    assert (plan.actors, plan.batch_size) == (1, 3)


@pytest.mark.parametrize(
    ("rows", "declared", "actors", "batch"),
    [
        (53, 64, 2, 8), (255, 64, 2, 32), (256, 64, 2, 64), (1400, 64, 2, 64), (53, 4, 2, 4),
        (5, 64, 2, 8), (1, 64, 2, 8), (0, 64, 2, 8), (1400, 512, 1, 512), (53, 512, 1, 14),
    ],
)  # fmt: skip
def test_a_small_input_makes_small_batches_so_that_all_actors_work(rows, declared, actors, batch):
    given = profile(batch_size=declared, max_concurrency=actors)
    assert first_batch([step()], given, rows) == batch
    if rows >= 16:
        (plan,), _ = plan_steps([step()], given, Machine(2, 0), rows)
        assert plan.actors == actors


def test_api_steps_take_no_cpu_and_as_many_actors_as_asked():
    (plan,), _ = plan_steps([step()], profile("api", max_concurrency=9), Machine(2, 0), 1000)
    assert (plan.actors, plan.num_cpus, plan.num_gpus) == (9, 0.0, 0.0)
    (plan,), _ = plan_steps([step()], profile("api", max_concurrency=9), Machine(2, 0), 15)
    assert plan.actors == 2


@pytest.mark.parametrize("declared", ["cpu", "gpu"])
def test_a_gpu_extractor_shares_the_gpu_in_fractions(declared):
    (plan,), notes = plan_steps([step(declared)], profile("gpu"), Machine(16, 1), 1000)
    assert (plan.actors, plan.num_gpus, plan.num_cpus, notes) == (4, 0.25, 0.0, [])
    plans, _ = plan_steps([step("gpu")] * 3, profile("gpu"), Machine(16, 1), 1000)
    assert sum(p.actors * p.num_gpus for p in plans) <= 1


def test_beside_a_gpu_step_a_cpu_step_means_cpu():
    plans, _ = plan_steps([step("cpu"), step("gpu")], profile("gpu"), Machine(8, 1), 1000)
    assert [(p.num_cpus > 0, p.num_gpus > 0) for p in plans] == [(True, False), (False, True)]


def test_a_gpu_extractor_without_a_gpu_runs_on_the_cpu_and_says_so():
    (plan,), notes = plan_steps([step()], profile("gpu"), Machine(2, 0), 1000)
    assert (plan.num_gpus, plan.num_cpus, plan.actors) == (0.0, 1.0, 2)
    assert notes == ["The extractor asks for a GPU and there is none: it ran on the CPU."]


@pytest.mark.parametrize(
    ("asked", "has", "actors", "claimed", "told"),
    [
        (2, 16, [4, 4], 2, None),
        (2, 9, [2, 2], 2, "asks for 2 GB an actor, and Ray has 9 GB: 4 actors ran instead of 8"),
        (2.5, 8, [1, 2], 2.5, "3 actors ran instead of 8"),
        (6, 9, [1, 1], 4.5, "asks for 6 GB an actor, and Ray has 9 GB: 2 actors run, the fewest"),
        (None, 0.1, [4, 4], 0, None),
    ],
)
def test_no_more_actors_start_than_have_the_memory_they_ask_for(asked, has, actors, claimed, told):
    asking = replace(profile(), actor_memory_gb=asked)
    plans, notes = plan_steps([step("api"), step("api")], asking, Machine(8, 0, has), 1000)
    assert [plan.actors for plan in plans] == actors
    assert {plan.memory_gb for plan in plans} == {claimed}
    assert sum(plan.actors * plan.memory_gb for plan in plans) <= has
    assert [told in note for note in notes] == [True] * (told is not None)


@pytest.mark.parametrize(
    ("asked", "has", "actors", "part", "told"),
    [
        (20, 80, 4, 0.25, None),
        (26, 78, 3, 0.333, "asks for 26 GB of GPU memory, and the GPU has 78 GB: 3 actors ran"),
        (100, 80, 1, 1.0, "asks for 100 GB of GPU memory, and the GPU has 80 GB"),
        (8, None, 4, 0.25, "nvidia-smi does not tell"),
    ],
)
def test_a_gpu_is_shared_by_the_memory_that_an_actor_asks_for(asked, has, actors, part, told):
    asking = replace(profile("gpu"), gpu_memory_gb=asked)
    machine = Machine(16, 1, gpu_memory_gb=has)
    (plan,), notes = plan_steps([step()], asking, machine, 1000)
    assert (plan.actors, plan.num_gpus) == (actors, part)
    assert any(told in note for note in notes) if told else notes == []
    plans, _ = plan_steps([step("gpu")] * 6, asking, machine, 1000)
    assert sum(p.actors * p.num_gpus for p in plans) <= 1


def test_a_cpu_worker_does_not_see_the_gpu():
    code = (
        "import os; from mixpeek_lab.pipeline import WorkerSetup; WorkerSetup(3, {}).apply();"
        "print(os.environ.get('CUDA_VISIBLE_DEVICES'), os.environ['OMP_NUM_THREADS'])"
    )
    for hides, said in ((True, " 3"), (False, "0 3")):
        env = {**os.environ, "CUDA_VISIBLE_DEVICES": "0"}
        done = subprocess.run(
            [sys.executable, "-c", code.format(hides)], env=env, capture_output=True, text=True
        )
        assert done.stdout.rstrip("\n") == said, done.stderr


def test_a_worker_says_nothing_of_models_that_it_finds_offline():
    code = (
        "import logging; from mixpeek_lab.pipeline import WorkerSetup; WorkerSetup(1, True).apply()"
        "\nfor why in ('offline mode is enabled', 'timed out'):"
        "\n    text = f'Could not reach the Hub ({why}). Using cached commit hash for it.'"
        "\n    logging.getLogger('huggingface_hub.hf_api').warning(text)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("Could not reach the Hub") == 1
    assert "timed out" in done.stderr


def test_the_notebooks_own_process_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    run(probe(VEC), tmp_path, rows("a"))
    assert (os.environ["CUDA_VISIBLE_DEVICES"], os.environ["OMP_NUM_THREADS"]) == ("0", "7")
