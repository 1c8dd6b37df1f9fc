"""What people have, as bucket objects."""

from __future__ import annotations

import json
import threading
import uuid
import warnings
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.objects import load_objects, object_id


def texts(loaded):
    return [blob.data for item in loaded.objects for blob in item.blobs]


def ids(loaded):
    return [item.object_id for item in loaded.objects]


# ---------------------------------------------------------------- kinds of sources


def test_strings():
    loaded = load_objects(["one", "two"])
    assert texts(loaded) == ["one", "two"]
    (blob,) = loaded.objects[0].blobs
    assert (blob.property, blob.type, blob.mime_type, blob.size_bytes) == (
        "text", "text", "text/plain", 3
    )  # fmt: skip
    assert loaded.schema == {"text": "text"}


def test_a_generator_of_dicts():
    loaded = load_objects({"text": t, "n": n} for n, t in enumerate("ab"))
    assert [item.metadata for item in loaded.objects] == [{"n": 0}, {"n": 1}]
    assert loaded.schema == {"text": "text", "n": "integer"}


def test_dicts_with_different_keys_keep_their_types():
    loaded = load_objects([{"text": "a", "year": 2020}, {"text": "b", "tags": ["x"]}])
    assert [item.metadata for item in loaded.objects] == [
        {"year": 2020, "tags": None}, {"year": None, "tags": ["x"]}
    ]  # fmt: skip
    assert isinstance(loaded.objects[0].metadata["year"], int)
    assert loaded.schema == {"text": "text", "year": "integer", "tags": "array"}


def test_a_frame_with_all_sorts_of_cells():
    frame = pd.DataFrame({
        "text": ["a", "b"],
        "i": np.array([1, 2], dtype=np.int8),
        "f": [1.5, np.nan],
        "inf": [np.inf, -np.inf],
        "flag": np.array([True, False]),
        "when": [pd.Timestamp("2024-05-06 07:08"), pd.NaT],
        "day": [date(2024, 5, 6), None],
        "na": pd.array([1, None], dtype="Int64"),
        "cat": pd.Categorical(["x", "y"]),
        "nested": [{"a": np.float32(1), "b": [np.int64(2), None]}, {"a": float("nan")}],
        "array": [np.arange(2), np.array(["2024-01-01"], dtype="datetime64[D]")],
        "odd": [Decimal("1.5"), uuid.UUID(int=1)],
        "group": [{"b", "a"}, ("t", 1)],
        "span": [pd.Timedelta("1h"), pd.NA],
    })  # fmt: skip
    first, second = (item.metadata for item in load_objects(frame).objects)
    assert first == {
        "i": 1, "f": 1.5, "inf": None, "flag": True, "when": "2024-05-06T07:08:00",
        "day": "2024-05-06", "na": 1, "cat": "x", "nested": {"a": 1.0, "b": [2, None]},
        "array": [0, 1], "odd": 1.5, "group": ["a", "b"], "span": "0 days 01:00:00",
    }  # fmt: skip
    assert second == {
        "i": 2, "f": None, "inf": None, "flag": False, "when": None, "day": None, "na": None,
        "cat": "y", "nested": {"a": None}, "array": ["2024-01-01"],
        "odd": "00000000-0000-0000-0000-000000000001", "group": ["t", 1], "span": None,
    }  # fmt: skip
    json.dumps([first, second], allow_nan=False)


def test_odd_column_names_become_text():
    frame = pd.DataFrame({"text": ["a"], 7: [1], ("x", "y"): [2], "a b.c'\"": [3], "": [4]})
    (item,) = load_objects(frame).objects
    assert item.metadata == {"7": 1, "('x', 'y')": 2, "a b.c'\"": 3, "": 4}


@pytest.mark.parametrize(
    "frame",
    [
        pd.DataFrame([["a", 1, 2]], columns=["text", "n", "n"]),
        pd.DataFrame([["a", 1, 2]], columns=["text", "1", 1]),
    ],
)
def test_two_columns_of_one_name_are_refused(frame):
    with pytest.raises(InvalidInputError, match="two columns called"):
        load_objects(frame)


@pytest.mark.parametrize("name", ["document_id", "data", "_row_key", "mime_type"])
def test_metadata_cannot_take_a_documents_own_names(name):
    with pytest.raises(InvalidInputError, match=f"Metadata cannot be called '{name}'"):
        load_objects([{"text": "a", name: 1}])


def test_bytes_are_left_out_and_noted():
    loaded = load_objects([{"text": "a", "raw": b"\x00", "n": 1}])
    assert loaded.notes == ("Metadata cannot hold bytes: left out raw.",)
    assert loaded.objects[0].metadata == {"n": 1}


def test_half_surrogates_are_replaced():
    loaded = load_objects([{"text": "a\ud800b", "note": "\ud83d\ude00"}])
    assert texts(loaded) == ["a\ufffdb"]
    assert loaded.objects[0].metadata == {"note": "😀"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ([], "the list is empty"),
        ({"text": ["a"]}, "not made of one dict"),
        (["a", None], "this list holds NoneType, str"),
        ([["a"]], "this list holds list"),
        ("/no/such/place", "no file or folder /no/such/place"),
        ("/no/such/file.csv", "no file /no/such/file.csv"),
        ([{}], r'^Row 1 has no fields\. A row needs a text, as in \{"text": "…"\}'),
        ([{}, {}], r"^Row 1 has no fields, nor has any other row\. A row needs a text"),
        (pd.DataFrame(index=[0]), "^Row 1 has no fields"),
        (pd.DataFrame(), "no rows and no columns"),
    ],
)
def test_what_cannot_be_a_bucket_says_why(source, message):
    with pytest.raises(InvalidInputError, match=message):
        load_objects(source)


# ---------------------------------------------------------------- text columns


@pytest.mark.parametrize(
    ("columns", "found"),
    [(["content", "text"], "text"), (["body", "content"], "content"), (["data"], "data")],
)
def test_the_text_column_is_found(columns, found):
    loaded = load_objects([dict.fromkeys(columns, "x")] if found != "data" else [{"data": "x"}])
    assert loaded.objects[0].blobs[0].property == found


def test_several_text_columns_are_several_blobs():
    loaded = load_objects([{"title": "t", "abstract": "a", "n": 1}], text=["title", "abstract"])
    (item,) = loaded.objects
    assert [(blob.property, blob.data) for blob in item.blobs] == [
        ("title", "t"),
        ("abstract", "a"),
    ]
    assert len({blob.blob_id for blob in item.blobs}) == 2
    assert item.metadata == {"n": 1}


def test_numbers_in_a_text_column_are_text():
    assert texts(load_objects([{"text": 7}, {"text": "x"}])) == ["7", "x"]


def test_rows_without_text_are_kept_and_noted():
    loaded = load_objects([{"text": "a"}, {"text": None}, {}, {"n": 1}])
    assert [len(item.blobs) for item in loaded.objects] == [1, 0, 0, 0]
    assert loaded.notes == (
        "3 of 4 rows have no text in text (row 2, row 3, …): they are in the bucket but give no "
        "documents.",
    )


@pytest.mark.parametrize(("value", "kind"), [(["a"], "array"), ({"a": "b"}, "object")])
def test_a_text_that_is_no_text_is_named_with_its_row(value, kind):
    message = f"^row 2: field 'text' is to be the text and holds {kind}"
    with pytest.raises(InvalidInputError, match=message):
        load_objects([{"text": "a"}, {"text": value}])


# ---------------------------------------------------------------- mixed types


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1, 2.5], "float"),
        ([2.5, 1], "float"),
        ([None, True], "boolean"),
        ([[1], ["a"]], "array"),
        ([None, None], "string"),
    ],
)
def test_a_fields_type_is_that_of_all_rows(values, kind):
    loaded = load_objects([{"text": "a", "f": value} for value in values])
    assert loaded.schema["f"] == kind
    assert loaded.notes == ()


@pytest.mark.parametrize("values", [[1, "x"], ["x", 1], [1.5, True], [True, 1.5], [1, True]])
def test_a_field_of_several_types_is_text_whichever_comes_first(kernel_lab, values):
    bucket = kernel_lab.bucket("b", [{"text": f"t{v}", "f": v} for v in [None, *values]])
    assert bucket.schema["f"] == "string"
    (note,) = bucket.notes
    assert note.startswith("Field 'f' mixes types (")
    assert "in row 2, " in note
    assert note.endswith("in row 3): documents hold it as text.")
    kernel_lab.process("b", "hash_embedder", "c", engine="kernel")
    held = [v if isinstance(v, str) else json.dumps(v) for v in values]
    assert kernel_lab.sql("SELECT f FROM c").table.column("f").to_pylist() == [None, *held]


def test_mixed_types_in_a_jsonl_file_are_noted_with_their_lines(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_text('{"text": "a", "n": 1}\n\n{"text": "b", "n": 2}\n{"text": "c", "n": "x"}\n')
    loaded = load_objects(path)
    assert loaded.schema == {"text": "text", "n": "string"}
    assert loaded.notes == (
        f"Field 'n' mixes types (integer in {path}:1, string in {path}:4): documents hold it as "
        "text.",
    )


def test_a_csv_column_has_one_type_however_long_the_file(tmp_path):
    lines = [*map(str, range(300_000)), "x"]
    (tmp_path / "f.csv").write_text("text,n\n" + "".join(f"t,{n}\n" for n in lines))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loaded = load_objects(tmp_path / "f.csv")
    assert loaded.schema["n"] == "string"
    assert [loaded.objects[at].metadata["n"] for at in (0, -1)] == ["0", "x"]


def test_missing_text_columns_list_what_there_is():
    with pytest.raises(InvalidInputError, match=r"Which column holds the text\? Columns: a, b"):
        load_objects([{"a": 1, "b": 2}])
    with pytest.raises(InvalidInputError, match=r"no column 'c'\. Columns: a, b"):
        load_objects([{"a": 1, "b": 2}], text="c")


# ---------------------------------------------------------------- keys


def test_an_id_column_identifies_rows_whatever_their_order():
    rows = [{"_id": "x", "text": "a"}, {"_id": "y", "text": "b"}]
    loaded, turned = load_objects(rows), load_objects(rows[::-1])
    assert ids(loaded) == ids(turned)[::-1] == [object_id("x"), object_id("y")]
    assert loaded.objects[0].metadata == {"_id": "x"}  # it stays visible


def test_an_id_that_repeats_is_no_key():
    loaded = load_objects([{"id": 1, "text": "a"}, {"id": 1, "text": "b"}])
    assert len(set(ids(loaded))) == 2


def test_keys_that_are_equal_as_text_are_no_keys():
    loaded = load_objects([{"id": 1, "text": "a"}, {"id": "1", "text": "b"}])
    assert len(set(ids(loaded))) == 2


@pytest.mark.parametrize(
    ("values", "message"), [([1, 1], "'1' repeats"), ([1, None], "a value is missing")]
)
def test_a_key_asked_for_must_identify_rows(values, message):
    rows = [{"k": value, "text": "a"} for value in values]
    with pytest.raises(InvalidInputError, match=message):
        load_objects(rows, key="k")
    with pytest.raises(InvalidInputError, match="no column 'z'"):
        load_objects(rows, key="z")


def test_unhashable_cells_in_a_column_called_key_do_no_harm():
    assert (
        len(load_objects([{"key": ["a"], "text": "a"}, {"key": ["b"], "text": "b"}]).objects) == 2
    )


def test_without_a_key_the_text_identifies_rows():
    loaded = load_objects(["a", "b", "a"])
    assert len(set(ids(loaded))) == 3
    assert ids(load_objects(["new", "a", "b", "a"]))[1:] == ids(loaded)


def test_a_frames_named_index_is_the_key_and_a_counting_one_is_not():
    frame = pd.DataFrame({"text": ["a", "b"]}, index=["x", "y"])
    assert ids(load_objects(frame)) == [object_id("x"), object_id("y")]
    assert ids(load_objects(frame.reset_index(drop=True))) == ids(load_objects(["a", "b"]))


def test_an_index_that_repeats_loses_no_rows():
    frame = pd.concat([pd.DataFrame({"text": ["a", "b"]}), pd.DataFrame({"text": ["c"]})])
    assert len(set(ids(load_objects(frame)))) == 3


def test_equal_metadata_has_equal_hashes_in_any_column_order():
    one = load_objects([{"text": "a", "x": 1, "y": 2}])
    two = load_objects([{"y": 2, "x": 1, "text": "a"}])
    other = load_objects([{"text": "a", "x": 1, "y": 3}])
    assert one.metadata_hashes == two.metadata_hashes != other.metadata_hashes


# ---------------------------------------------------------------- files


def test_a_folder_of_text_files(tmp_path):
    (tmp_path / "sub" / ".git").mkdir(parents=True)
    (tmp_path / "a.md").write_text("# A")
    (tmp_path / "sub" / "b.html").write_text("<p>B</p>")
    (tmp_path / "sub" / "README").write_text("no suffix")
    (tmp_path / "sub" / ".git" / "config").write_text("hidden")
    (tmp_path / ".env").write_text("hidden")
    (tmp_path / "image.png").write_bytes(b"\x89PNG")
    (tmp_path / "latin.txt").write_bytes("é".encode("latin-1"))
    loaded = load_objects(tmp_path)
    assert loaded.notes == (
        "2 files were left out, being neither text in UTF-8 nor image, audio, video or PDF "
        "(1 .png, 1 .txt not in UTF-8): image.png, latin.txt.",
    )
    assert [item.metadata for item in loaded.objects] == [
        {"path": "a.md", "folder": ".", "suffix": ".md"},
        {"path": "sub/README", "folder": "sub", "suffix": ""},
        {"path": "sub/b.html", "folder": "sub", "suffix": ".html"},
    ]
    assert [item.blobs[0].mime_type for item in loaded.objects] == [
        "text/markdown", "text/plain", "text/html"
    ]  # fmt: skip
    assert ids(loaded)[0] == object_id("a.md")


def test_files_left_out_are_told_every_time_without_a_warning(kernel_lab, tmp_path):
    for name in ("a.txt", "b.png", "c.PNG", "sub/d.png", "e.pdf", "core"):
        (tmp_path / "docs" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "docs" / name).write_bytes(b"\xff" if name != "a.txt" else b"text")
    for _ in range(2):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            bucket = kernel_lab.bucket("b", tmp_path / "docs")
        assert bucket.notes == (
            "5 files were left out, being neither text in UTF-8 nor image, audio, video or PDF "
            "(3 .png, 1 without a suffix, 1 .pdf): b.png, c.PNG, ….",
        )
    (tmp_path / "docs" / "b.png").rename(tmp_path / "docs" / "b.txt")
    assert kernel_lab.bucket("b", tmp_path / "docs" / "*.t*").notes == (
        "1 file was left out, being neither text in UTF-8 nor image, audio, video or PDF "
        "(1 .txt not in UTF-8): b.txt.",
    )


def test_many_kinds_of_files_left_out_are_summed_up(tmp_path):
    for number in range(8):
        (tmp_path / f"f.x{number}").write_bytes(b"\xff")
    (tmp_path / "a.txt").write_text("text")
    (note,) = load_objects(tmp_path).notes
    assert "(1 .x0, 1 .x1, 1 .x2, 1 .x3, 1 .x4, 3 of other kinds)" in note


def test_a_glob(tmp_path, monkeypatch):
    (tmp_path / "x").mkdir()
    for name in ("x/a.txt", "x/b.txt", "c.txt"):
        (tmp_path / name).write_text(name)
    assert texts(load_objects(f"{tmp_path}/*/*.txt")) == ["x/a.txt", "x/b.txt"]
    monkeypatch.chdir(tmp_path)
    assert texts(load_objects("*.txt")) == ["c.txt"]
    with pytest.raises(InvalidInputError, match=r"Nothing in .* fits"):
        load_objects("*.rst")


def test_one_file_and_files_that_are_no_text(tmp_path):
    (tmp_path / "a.txt").write_text("one")
    assert texts(load_objects(tmp_path / "a.txt")) == ["one"]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "i.png").write_bytes(b"\x89")
    with pytest.raises(InvalidInputError, match="holds 1 file, none of them text"):
        load_objects(tmp_path / "b")


def test_parquet_keeps_types_and_drops_pandas_own_index(tmp_path):
    frame = pd.DataFrame(
        {"text": ["a", "b"], "n": pd.array([1, None], dtype="Int64")}, index=[5, 9]
    )
    frame["when"] = pd.Timestamp("2024-01-01")
    frame.to_parquet(tmp_path / "f.parquet")
    loaded = load_objects(str(tmp_path / "f.parquet"))
    assert [item.metadata for item in loaded.objects] == [
        {"n": 1, "when": "2024-01-01T00:00:00"}, {"n": None, "when": "2024-01-01T00:00:00"}
    ]  # fmt: skip


def test_a_parquet_file_below_a_folder_with_an_equals_sign(tmp_path):
    folder = tmp_path / "year=2024"
    folder.mkdir()
    pq.write_table(pa.table({"text": ["a"]}), folder / "f.parquet")
    assert load_objects(folder / "f.parquet").objects[0].metadata == {}


def test_csv_keeps_whole_numbers_whole(tmp_path):
    (tmp_path / "f.csv").write_text('id,text,n\nx,"a, b",1\ny,c,\n')
    loaded = load_objects(tmp_path / "f.csv")
    assert texts(loaded) == ["a, b", "c"]
    assert [item.metadata for item in loaded.objects] == [
        {"id": "x", "n": 1}, {"id": "y", "n": None}
    ]  # fmt: skip
    assert ids(loaded) == [object_id("x"), object_id("y")]


def test_jsonl(tmp_path):
    path = tmp_path / "f.jsonl"
    path.write_text('\ufeff{"_id": "x", "text": "a", "n": 1}\n\n{"_id": "y", "text": "b"}\n')
    loaded = load_objects(path)
    assert [item.metadata for item in loaded.objects] == [
        {"_id": "x", "n": 1}, {"_id": "y", "n": None}
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("f.jsonl", b'{"text": "a"}\n{"text": \n', r"f\.jsonl:2 is not JSON"),
        ("f.jsonl", b'{"text": "a"}\n[1]\n', r"f\.jsonl:2 is not a JSON object"),
        ("f.jsonl", b"\n", "holds no rows"),
        ("f.jsonl", b"\n{}\n", r"f\.jsonl:2 has no fields\. A row needs a text"),
        (
            "f.jsonl",
            b'{"text": "a"}\n\n{"text": [1]}\n',
            r"f\.jsonl:3: field 'text' is to be the text and holds array",
        ),
        ("f.jsonl", b'{"text": "\xe9"}\n', "is not UTF-8 text"),
        ("f.csv", b"", "cannot be read: No columns"),
        ("f.csv", b'a,b\n"1', "cannot be read"),
        ("f.csv", b"text\n\xe9\n", "is not UTF-8 text"),
        ("f.parquet", b"PAR1", "cannot be read"),
    ],
)
def test_broken_files_are_named(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInputError, match=message):
        load_objects(tmp_path / name)


# ---------------------------------------------------------------- the home


def test_the_token_is_made_once_and_for_its_owner_alone(tmp_path):
    found: list[str] = []
    start = threading.Barrier(8)

    def read():
        home = Home.open(tmp_path / "home")
        start.wait()
        found.append(home.token())

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert len(found[0]) >= 32
    path = tmp_path / "home" / "token"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in (tmp_path / "home").iterdir()] == ["token"]


def test_the_home_and_the_token_can_be_given(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_HOME", str(tmp_path / "given"))
    monkeypatch.setenv("MIXPEEK_LAB_TOKEN", "a-token-of-my-own")
    home = Home.open()
    assert (home.path, home.token()) == (tmp_path / "given", "a-token-of-my-own")
    assert list((tmp_path / "given").iterdir()) == []
    assert Home.open(tmp_path / "other").path == tmp_path / "other"


def test_links_that_lead_nowhere_are_named(kernel_lab, tmp_path):
    folder = tmp_path / "docs"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("text")
    (folder / "b.txt").symlink_to(folder / "a.txt")
    (folder / "sub" / "gone.txt").symlink_to(tmp_path / "nowhere" / "x.txt")
    (folder / "loop").symlink_to(folder / "loop")
    (folder / ".hidden").symlink_to(tmp_path / "nowhere")
    bucket = kernel_lab.bucket("b", folder)
    assert bucket.object_count == 2
    (note,) = bucket.notes
    assert note.startswith("2 files were left out: ")
    assert "sub/gone.txt is a link to what does not exist" in note
    assert str(tmp_path) not in note
    (folder / "a.txt").unlink()
    with pytest.raises(InvalidInputError, match="is a link to what does not exist"):
        load_objects(folder)


def test_data_urls_say_what_to_do(tmp_path):
    url = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
    with pytest.raises(InvalidInputError, match="is a data: URL, which is not opened"):
        load_objects([{"image": url}], blobs="image")
