"""Buckets of images, audio, video and PDF: from folders, tables, HTTP and object stores.

The servers are real ones on loopback; the extractor is the seed's `ImageProcessor`.
"""

from __future__ import annotations

import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from asset_servers import gcs_server, http_server, s3_client, s3_server
from media_files import FFMPEG, HTML, PDF, film, picture, png, wav
from probes import load_probe

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.sdk import download_asset, open_asset
from mixpeek_lab.source import ExtractorSource, write_source
from mixpeek_lab.widgets.cards import PreviewCard, Results
from mixpeek_lab.widgets.media import thumbnail
from mixpeek_lab.widgets.ranking import slim
from mixpeek_lab.workbench.objects import load_objects

pytest.importorskip("PIL", reason="Pillow, which test images are made and read with")

MANIFEST = """\
metadata = {
    "feature_extractor_name": "colours",
    "version": "1.0.0",
    "description": "The mean colour of an image",
}
supported_input_types = ["image"]
features = [{
    "feature_type": "embedding", "feature_name": "colour", "embedding_dim": 3,
    "distance_metric": "euclid",
}]
"""

IMAGE_PROCESSOR = """\
import numpy as np
import pandas as pd
from shared.extractors import download_asset, open_asset
from shared.extractors.sdk import parallel_io

class ImageProcessor:
    def __init__(self, config):
        self.config = config

    def __call__(self, batch: pd.DataFrame) -> pd.DataFrame:
        def load_image(url):
            from PIL import Image
            path, is_temp = download_asset(url, suffix=".jpg")
            img = Image.open(path).convert("RGB")
            if is_temp:
                import os; os.unlink(path)
            return img

        images = parallel_io(batch["data"].tolist(), load_image, max_workers=8)
        if images.errors:
            raise next(iter(images.errors.values()))
        batch["colour"] = [np.asarray(img, dtype="float32").mean((0, 1)) / 255 for img in images]
        return batch
"""
"""The seed's, from "Loading Assets from S3", with its imports and the part it leaves open."""

PIPELINE = """\
from engine.extractors.colours.pipeline import (
    PipelineDefinition, RowCondition, StepDefinition, build_pipeline_steps
)
from .processors.core import ImageProcessor

def build_steps(extractor_request, container=None, **kwargs):
    step = StepDefinition(
        service_class=ImageProcessor, config={}, condition=RowCondition.IS_IMAGE
    )
    pipeline = PipelineDefinition(name="colours", version="1.0.0", steps=[step])
    return {"steps": build_pipeline_steps(pipeline)}
"""

REALTIME = """\
from shared.extractors.sdk import InferenceService

class Named(InferenceService):
    async def infer(self, inputs, parameters):
        named = {"red": [1, 0, 0], "green": [0, 0.5, 0], "blue": [0, 0, 1]}
        return {"embedding": named[inputs["text"]]}
"""

COLOURS = ExtractorSource(
    "colours",
    (
        ("manifest.py", MANIFEST),
        ("pipeline.py", PIPELINE),
        ("processors/core.py", IMAGE_PROCESSOR),
        ("realtime.py", REALTIME),
    ),
)


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("AWS_", "MIXPEEK_LAB_A")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def colours(kernel_lab, tmp_path):
    """A lab with the seed's image extractor."""
    write_source(COLOURS, tmp_path / "colours")
    kernel_lab.load(tmp_path / "colours")
    return kernel_lab


@pytest.fixture
def mixed(tmp_path):
    """A folder with one file of each kind, some of them under names that lie."""
    folder = tmp_path / "mixed media"
    (folder / "sub").mkdir(parents=True)
    (folder / "a red.jpg").write_bytes(picture("jpeg", "red"))
    (folder / "sub" / "b.txt").write_bytes(picture("jpeg", "blue"))
    (folder / "c.png").write_bytes(png((0, 128, 0)))
    (folder / "d.wav").write_bytes(wav())
    (folder / "e.pdf").write_bytes(PDF)
    (folder / "f.md").write_text("# words")
    (folder / "g.jpg").write_bytes(HTML)
    (folder / "h.png").write_bytes(b"")
    (folder / "i.bin").write_bytes(bytes(range(256)))
    return folder


@pytest.fixture(scope="module")
def server():
    with http_server() as running:
        yield running


@pytest.fixture
def web(server, monkeypatch):
    """The HTTP server, allowed, with files below `/files/`."""
    monkeypatch.setenv("MIXPEEK_LAB_ALLOW_LOCAL_URLS", f"127.0.0.1:{server.port}")
    server.files = {
        "red.jpg": picture("jpeg", "red"),
        "blue": picture("png", "blue"),
        "gone.jpg": HTML,
        "big.wav": wav(2.0),
        "empty.jpg": b"",
    }
    server.seen.clear()
    return server


@pytest.fixture(scope="module")
def s3_url():
    with s3_server() as url:
        yield url


@pytest.fixture
def s3(s3_url, monkeypatch):
    client = s3_client(s3_url, monkeypatch)
    for key in [o["Key"] for o in client.list_objects_v2(Bucket="media").get("Contents", ())]:
        client.delete_object(Bucket="media", Key=key)
    return client


def blobs(loaded):
    return [blob for item in loaded.objects for blob in item.blobs]


def process(lab, extractor="colours", into="c"):
    return lab.process("b", extractor, into, engine="kernel")


def rows_of(lab, query="SELECT data, mime_type FROM c"):
    return lab.sql(query).table.to_pylist()


# ---------------------------------------------------------------- folders


def test_a_folder_of_everything(mixed):
    loaded = load_objects(mixed)
    found = {i.metadata["path"]: i.blobs[0] for i in loaded.objects}
    assert {path: (b.property, b.type, b.mime_type) for path, b in found.items()} == {
        "a red.jpg": ("image", "image", "image/jpeg"),
        "c.png": ("image", "image", "image/png"),
        "d.wav": ("audio", "audio", "audio/wav"),
        "e.pdf": ("pdf", "pdf", "application/pdf"),
        "f.md": ("text", "text", "text/markdown"),
        "sub/b.txt": ("image", "image", "image/jpeg"),
    }
    assert loaded.schema == {
        "text": "text", "image": "image", "audio": "audio", "pdf": "pdf",
        "path": "string", "folder": "string", "suffix": "string",
    }  # fmt: skip
    for path, blob in found.items():
        assert blob.size_bytes == (mixed / path).stat().st_size
        if blob.type != "text":
            assert blob.data == (mixed / path).resolve().as_uri()
            with open_asset(blob.data, suffix=".jpg") as opened:
                assert Path(opened).read_bytes() == (mixed / path).read_bytes()
            assert download_asset(blob.data)[1] is False


def test_what_a_folder_holds_of_no_use_is_told(mixed):
    lies, unknown = sorted(load_objects(mixed).notes)
    assert lies == "1 file was left out: g.jpg holds text/html, which is no image."
    assert unknown.startswith("2 files were left out, being neither text in UTF-8 nor image, audio")
    assert "(1 .png that is empty, 1 .bin): h.png, i.bin." in unknown


@pytest.mark.skipif(FFMPEG is None, reason="ffmpeg is not installed")
def test_a_glob_of_films(tmp_path):
    film(tmp_path / "a.mp4")
    film(tmp_path / "b.webm")
    (tmp_path / "c.txt").write_text("x")
    found = blobs(load_objects(f"{tmp_path}/*.[mw]*"[: -len("[mw]*")] + "?[pe]*"))
    assert [(b.property, b.type, b.mime_type) for b in found] == [
        ("video", "video", "video/mp4"), ("video", "video", "video/webm")
    ]  # fmt: skip


def test_odd_names_come_through_as_urls(tmp_path):
    names = ["a#b?.png", "100%.png", "ä b.png", "new\nline.png"]
    for name in names:
        (tmp_path / name).write_bytes(png())
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png"))).write_bytes(png())
    found = blobs(load_objects(tmp_path))
    assert len(found) == 5
    for blob in found:
        assert re.fullmatch(r"file:///[\x21-\x7e]+", blob.data)
        with open_asset(blob.data) as path:
            assert Path(path).read_bytes() == png()


@pytest.mark.parametrize("name", ["x.png", "x.bin"])
def test_one_file_of_no_use_is_refused(tmp_path, name):
    (tmp_path / name).write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidInputError, match=rf"{name} is neither text in UTF-8 nor an image"):
        load_objects(tmp_path / name)
    (tmp_path / "page.jpg").write_bytes(HTML)
    with pytest.raises(InvalidInputError, match=r"page\.jpg holds text/html, which is no image"):
        load_objects(tmp_path / "page.jpg")


def test_an_edited_file_is_computed_again_and_only_that(colours, tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "a.png").write_bytes(png((255, 0, 0)))
    (folder / "b.png").write_bytes(png((0, 0, 255)))
    colours.bucket("b", folder)
    assert process(colours).processed == 2
    colours.bucket("b", folder)
    assert process(colours).processed == 0
    stamp = (folder / "a.png").stat()
    (folder / "a.png").write_bytes(png((0, 255, 0)))  # of the same size
    os.utime(folder / "a.png", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    colours.bucket("b", folder)
    report = process(colours)
    assert (report.processed, report.reused, report.documents) == (1, 1, 2)
    (folder / "b.png").unlink()
    colours.bucket("b", folder)
    assert process(colours).documents == 1


# ---------------------------------------------------------------- extractors


def test_an_image_extractor_gets_the_images_alone(colours, mixed):
    colours.bucket("b", mixed)
    report = process(colours)
    assert (report.rows_in, report.documents, report.failures) == (3, 3, ())
    found = rows_of(colours, "SELECT data, mime_type, blob_type, size_bytes, colour FROM c")
    assert {(row["mime_type"], row["blob_type"]) for row in found} == {
        ("image/jpeg", "image"), ("image/png", "image")
    }  # fmt: skip
    assert all(row["data"].startswith("file:///") and row["size_bytes"] > 0 for row in found)
    reds = [row["colour"] for row in found if row["data"].endswith("a%20red.jpg")]
    np.testing.assert_allclose(reds, [[1, 0, 0]], atol=0.02)
    assert process(colours, "hash_embedder", "words").documents == 1


def test_no_image_in_the_bucket_is_told_even_after_there_were_some(colours, mixed):
    colours.bucket("b", mixed)
    bucket = colours.bucket("b", ["only", "texts"])
    assert bucket.schema == {"text": "text"}
    (note,) = process(colours).notes
    assert note == (
        "0 documents, because colours takes image and bucket 'b' holds text: "
        "see supported_input_types in manifest.py."
    )


def test_row_conditions_go_by_the_content(kernel_lab, tmp_path, mixed):
    steps = """
        from engine.extractors.probe.pipeline import RowCondition, StepDefinition

        class Mark:
            def __init__(self, config): self.name = config["name"]
            def __call__(self, batch):
                batch["seen"] = self.name
                return batch

        def build_steps(extractor_request, container=None, **kwargs):
            kinds = ("TEXT", "IMAGE", "AUDIO", "PDF", "VIDEO")
            return {"steps": [
                StepDefinition(service_class=Mark, config={"name": kind},
                               condition=getattr(RowCondition, f"IS_{kind}")) for kind in kinds
            ]}
    """
    load_probe(kernel_lab, tmp_path, "return batch", vectors={}, pipeline=steps, types=())
    kernel_lab.bucket("b", mixed)
    assert process(kernel_lab, "probe").documents == 6
    found = {r["mime_type"]: r["seen"] for r in rows_of(kernel_lab, "SELECT * FROM c")}
    assert found == {
        "image/jpeg": "IMAGE", "image/png": "IMAGE", "audio/wav": "AUDIO",
        "application/pdf": "PDF", "text/markdown": "TEXT",
    }  # fmt: skip


@pytest.mark.ray
def test_the_seeds_image_processor_runs_on_ray(lab, mixed, tmp_path):
    write_source(COLOURS, tmp_path / "colours")
    lab.load(tmp_path / "colours")
    lab.bucket("media", mixed)
    report = lab.process("media", "colours", "media_colours")
    assert (report.documents, report.failures, report.engine) == (3, (), "ray")
    found = lab.sql("SELECT colour FROM media_colours WHERE data LIKE '%red.jpg'").table
    np.testing.assert_allclose(found.column("colour").to_pylist(), [[1, 0, 0]], atol=0.02)


# ---------------------------------------------------------------- tables and lists


def test_columns_of_paths_become_blobs_beside_the_text(colours, mixed):
    frame = pd.DataFrame({
        "id": ["x", "y"],
        "title": ["red", "green"],
        "photo": [str(mixed / "a red.jpg"), mixed / "c.png"],
        "year": [1, 2],
    })  # fmt: skip
    loaded = load_objects(frame, text="title", blobs={"image": "photo"})
    assert loaded.schema == {
        "title": "text", "image": "image", "id": "string", "year": "integer"
    }  # fmt: skip
    assert [[(b.property, b.type) for b in item.blobs] for item in loaded.objects] == [
        [("title", "text"), ("image", "image")]
    ] * 2  # fmt: skip
    assert loaded.objects[0].metadata == {"id": "x", "year": 1}
    colours.bucket("b", frame, text="title", blobs={"image": "photo"})
    assert process(colours).documents == 2
    assert process(colours, "hash_embedder", "words").documents == 2
    assert {b.property for b in blobs(load_objects(frame, blobs=["photo"]))} == {"photo"}
    assert {b.property for b in blobs(load_objects(frame, blobs="photo"))} == {"photo"}


@pytest.mark.parametrize("column", ["image", "image_url", "image_path", "Image_URI"])
def test_columns_called_like_media_are_found(mixed, column):
    row = {column: str(mixed / "c.png"), "text": "green"}
    (item,) = load_objects([row]).objects
    assert [b.property for b in item.blobs] == ["text", "image"]
    (item,) = load_objects([row], text="text").objects
    assert [b.property for b in item.blobs] == ["text"]
    assert item.metadata == {column: row[column]}
    (item,) = load_objects([{column: "a photograph of a dog", "text": "x"}]).objects
    assert [b.property for b in item.blobs] == ["text"]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
def test_files_of_rows_name_files_beside_them(mixed, suffix):
    frame = pd.DataFrame({"image_path": ["c.png", None, "sub/b.txt"], "n": [1, 2, 3]})
    path = mixed / f"table.{suffix}"
    if suffix == "csv":
        frame.to_csv(path, index=False)
    elif suffix == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        frame.to_parquet(path)
    loaded = load_objects(path)
    assert [b.mime_type for b in blobs(loaded)] == ["image/png", "image/jpeg"]
    place = f"{path}:2" if suffix == "jsonl" else f"{path}, row 2"
    assert loaded.notes == (
        f"1 of 3 rows have no file in image_path ({place}): they are in the bucket but give no "
        "documents.",
    )


def test_cells_of_no_use_are_errors_where_the_column_was_named(mixed):
    rows = [{"f": str(mixed / "c.png")}, {"f": str(mixed / "g.jpg")}, {"f": "none.jpg"}, {"f": b""}]
    with pytest.raises(InvalidInputError) as caught:
        load_objects(rows, blobs={"image": "f"})
    message = str(caught.value)
    assert message.startswith("row 2, column 'f': ")
    assert "g.jpg holds text/html, which is no image; row 3: none.jpg does not exist; row 4:" in (
        message
    )
    assert "holds bytes, not a path or URL" in message
    many = [{"f": f"{n}.png"} for n in range(50)]
    with pytest.raises(InvalidInputError, match=r"row 5: 4\.png does not exist; and 45 more"):
        load_objects(many, blobs="f")


def test_cells_of_no_use_are_notes_where_the_column_was_found(mixed):
    loaded = load_objects(
        [{"text": "a", "image": str(mixed / "c.png")}, {"text": "b", "image": "x.png"}]
    )
    assert [len(item.blobs) for item in loaded.objects] == [2, 1]
    assert loaded.notes == (
        "row 2, column 'image': x.png does not exist. These rows are there without it.",
    )


def test_a_blob_called_after_a_kind_is_of_that_kind(mixed):
    with pytest.raises(InvalidInputError, match=r"d\.wav holds audio/wav, which is no image"):
        load_objects([{"f": str(mixed / "d.wav")}], blobs={"image": "f"})
    loaded = load_objects([{"f": str(mixed / n)} for n in ("d.wav", "f.md", "e.pdf")], blobs="f")
    assert [b.type for b in blobs(loaded)] == ["audio", "text", "pdf"]
    assert blobs(loaded)[1].data == "# words"
    assert loaded.notes == ("The files of 'f' are of several kinds (1 audio, 1 text, 1 pdf).",)


@pytest.mark.parametrize(
    ("blobs", "message"),
    [
        ("nope", "no column 'nope'"),
        ({"image": "nope"}, "no column 'nope'"),
        ({"text": "f"}, "column 'f' cannot be called 'text'"),
        ({"n": "f"}, "column 'f' cannot be called 'n'"),
        ({"": "f"}, "give column names"),
        ([1], "give column names"),
        (True, "give column names"),
    ],
)
def test_blobs_that_do_not_fit_the_table(mixed, blobs, message):
    rows = [{"text": "a", "n": 1, "f": str(mixed / "c.png")}]
    with pytest.raises(InvalidInputError, match=message):
        load_objects(rows, blobs=blobs)
    with pytest.raises(InvalidInputError, match="leave it out"):
        load_objects(mixed, blobs=blobs)


def test_tables_of_others_bring_in_no_text_of_this_machine(tmp_path):
    (tmp_path / "secret.txt").write_text("password")
    (tmp_path / "a.png").write_bytes(png())
    secret, image = f"file://{tmp_path}/secret.txt", str(tmp_path / "a.png")
    rows = [{"image": image, "image_url": image}, {"image": secret, "image_url": secret}]
    loaded = load_objects(rows)
    assert {blob.type for blob in blobs(loaded)} == {"image"}
    assert "secret.txt holds text/plain, which is no image" in loaded.notes[0]


def test_cells_that_name_nothing_and_cells_that_name_nonsense(tmp_path):
    (tmp_path / "a.png").write_bytes(png())
    cells = [str(tmp_path / "a.png"), None, float("nan"), pd.NA, " "]
    loaded = load_objects(pd.DataFrame({"image": cells, "text": list("abcde")}))
    assert [len(item.blobs) for item in loaded.objects] == [2, 1, 1, 1, 1]
    assert loaded.notes == ("4 of 5 rows name no file in 'image' (row 2, row 3, …).",)
    odd = ["a\0b", "x" * 5000, "~nobody-of-that-name/x", "ftp://h/a", "file://h/a", "http://[::1/a"]
    for cell in [*odd, 3, ["a.png"]]:
        with pytest.raises(InvalidInputError, match="row 1, column 'f': "):
            load_objects([{"f": cell}], blobs="f")
    with pytest.raises(InvalidInputError, match="ftp:// cannot be opened"):
        load_objects("ftp://host/folder/")
    huggingface = [{"text": "a", "image": {"bytes": b"\x89", "path": None}}]
    assert load_objects(huggingface).notes == ("Metadata cannot hold bytes: left out image.",)


def test_a_list_of_paths(mixed, monkeypatch):
    for items in ([mixed / "c.png", mixed / "d.wav"], [str(mixed / "c.png"), mixed / "d.wav"]):
        loaded = load_objects(items)
        assert [b.type for b in blobs(loaded)] == ["image", "audio"]
        assert loaded.objects[0].metadata["path"] == str(mixed / "c.png")
    monkeypatch.chdir(mixed)
    assert [b.type for b in blobs(load_objects(["c.png", "d.wav"]))] == ["image", "audio"]
    assert [b.property for b in blobs(load_objects(["c.png"], blobs="photo"))] == ["photo"]
    assert [b.data for b in blobs(load_objects(["c.png"], text="text"))] == ["c.png"]
    texts = ["see c.png", "https://a.test is a site, and here is c.png"]
    assert [b.data for b in blobs(load_objects(texts))] == texts
    with pytest.raises(InvalidInputError, match=r"nope\.png does not exist\. Mend these"):
        load_objects(["c.png", "nope.png"])


# ---------------------------------------------------------------- HTTP


def test_urls_are_looked_at_and_not_downloaded(web):
    urls = [f"{web.url}/files/{name}" for name in ("red.jpg", "blue", "big.wav")]
    loaded = load_objects(urls)
    found = blobs(loaded)
    assert [(b.data, b.type, b.mime_type) for b in found] == [
        (urls[0], "image", "image/jpeg"),
        (urls[1], "image", "image/png"),
        (urls[2], "audio", "audio/wav"),
    ]
    assert [b.size_bytes for b in found] == [
        len(web.files[n]) for n in ("red.jpg", "blue", "big.wav")
    ]
    assert {headers["Range"] for _, headers in web.seen} == {"bytes=0-8191"}


def test_a_changed_url_is_computed_again_and_only_that(colours, web):
    frame = pd.DataFrame({"image_url": [f"{web.url}/files/red.jpg", f"{web.url}/files/blue"]})
    colours.bucket("b", frame)
    assert process(colours).documents == 2
    colours.bucket("b", frame)
    assert process(colours).processed == 0
    web.files["blue"] = picture("png", "green")
    colours.bucket("b", frame)
    assert process(colours).processed == 1
    web.files["blue"] = picture("png", "yellow")
    bare = frame + "?bare=1"  # without ETag, length and ranges
    assert {b.mime_type for b in blobs(load_objects(bare))} == {"image/jpeg", "image/png"}


def test_urls_of_no_use_are_told_with_their_row(web):
    names = ("red.jpg", "none.jpg", "gone.jpg", "empty.jpg")
    rows = [{"image_url": f"{web.url}/files/{name}"} for name in names]
    with pytest.raises(InvalidInputError) as caught:
        load_objects(rows, blobs=["image_url"])
    message = str(caught.value)
    assert "row 2, column 'image_url': " in message
    assert "answered 404 Not Found. Check the path" in message
    assert "row 3: " in message
    assert "gone.jpg holds text/html, which is no image" in message
    assert "empty.jpg is empty" in message
    assert len(blobs(load_objects(rows))) == 1


def test_private_addresses_stay_refused(web, monkeypatch):
    monkeypatch.delenv("MIXPEEK_LAB_ALLOW_LOCAL_URLS")
    web.seen.clear()
    with pytest.raises(InvalidInputError, match="is not a public address"):
        load_objects([f"{web.url}/files/red.jpg"])
    with pytest.raises(InvalidInputError, match="not a public address"):
        load_objects(["http://169.254.169.254/latest/a.jpg"])
    assert web.seen == []


def test_a_redirect_to_a_private_address_is_refused_while_looking(web):
    # Only this server is allowed, so that a refusal comes before any connection.
    for inside in ("http://10.0.0.1/x.jpg", "http://169.254.169.254/x.jpg"):
        with pytest.raises(InvalidInputError, match="not a public address"):
            load_objects([f"{web.url}/redirect?to={inside}"])


def test_looking_can_be_interrupted(web, monkeypatch):
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    started = time.monotonic()
    timer.start()
    monkeypatch.setenv("MIXPEEK_LAB_ASSET_TOTAL_SECONDS", "6")
    with pytest.raises(KeyboardInterrupt):
        load_objects([f"{web.url}/silent?n={n}" for n in range(20)])
    assert time.monotonic() - started < 4


def test_a_server_that_never_ends_is_read_for_its_beginning_alone(web, monkeypatch):
    monkeypatch.setenv("MIXPEEK_LAB_ASSET_TOTAL_SECONDS", "5")
    with pytest.raises(InvalidInputError, match=r"endless is neither text in UTF-8 nor an image"):
        load_objects([f"{web.url}/endless"])


def test_secrets_of_urls_stay_out_of_messages_and_views(colours, web):
    url = f"{web.url}/files/red.jpg?X-Amz-Signature=hush"
    colours.bucket("b", [url])
    process(colours)
    colours.retriever("r", {"collection": "c", "searches": [{"feature": "colour"}]})
    results = Results(colours.search("r", "red"))
    for shown in (str(results), results._repr_html_()):
        assert "hush" not in shown
        assert "image/jpeg, " in shown
    with pytest.raises(InvalidInputError) as caught:
        load_objects([{"f": f"{web.url}/files/none?token=hush"}], blobs="f")
    assert "hush" not in str(caught.value)


# ---------------------------------------------------------------- S3 and GCS


def test_an_s3_prefix_through_the_seeds_image_processor(colours, s3):
    s3.put_object(Bucket="media", Key="photos/a.jpg", Body=picture("jpeg", "red"))
    s3.put_object(Bucket="media", Key="photos/deep/b c#1?.png", Body=png((0, 0, 255)))
    s3.put_object(Bucket="media", Key="photos/notes.txt", Body=b"some words")
    s3.put_object(Bucket="media", Key="photos/page.jpg", Body=HTML)
    s3.put_object(Bucket="media", Key="photos/.hidden", Body=b"x")
    s3.put_object(Bucket="media", Key="photos/folder/", Body=b"")
    s3.put_object(Bucket="media", Key="photos2/other.jpg", Body=picture())
    bucket = colours.bucket("b", "s3://media/photos/")
    assert bucket.notes == ("1 file was left out: page.jpg holds text/html, which is no image.",)
    assert bucket.object_count == 3
    assert process(colours).documents == 2
    found = rows_of(colours, "SELECT data, size_bytes, path, colour FROM c ORDER BY data")
    assert [row["data"] for row in found] == [
        "s3://media/photos/a.jpg", "s3://media/photos/deep/b c#1?.png"
    ]  # fmt: skip
    assert [row["path"] for row in found] == ["a.jpg", "deep/b c#1?.png"]
    assert found[1]["size_bytes"] == len(png())
    np.testing.assert_allclose([row["colour"] for row in found], [[1, 0, 0], [0, 0, 1]], atol=0.02)
    texts = rows_of(colours, "SELECT data FROM blobs WHERE type = 'text'")
    assert texts == [{"data": "some words"}]
    s3.put_object(Bucket="media", Key="photos/a.jpg", Body=picture("jpeg", "lime"))
    colours.bucket("b", "s3://media/photos")
    report = process(colours)
    assert (report.processed, report.reused) == (1, 1)


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("s3://media/p/*.png", ["a.png"]),
        ("s3://media/p/**/*.png", ["a.png", "x/b.png", "x/y/c.png"]),
        ("s3://media/p/x", ["b.png", "y/c.png"]),
        ("s3://media/p/x/b.png", ["b.png"]),
        ("s3://media", ["p/a.png", "p/x/b.png", "p/x/y/c.png"]),
    ],
)
def test_which_objects_an_s3_source_names(s3, source, paths):
    for key in ("p/a.png", "p/x/b.png", "p/x/y/c.png"):
        s3.put_object(Bucket="media", Key=key, Body=png())
    assert [item.metadata["path"] for item in load_objects(source).objects] == paths


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("s3://media/none/", "no such object"),
        ("s3://media/*.jpg", "holds no objects"),
        ("s3://no-such-bucket/p", "NO_SUCH_BUCKET|no such"),
        ("s3://", "write s3://bucket/key"),
    ],
)
def test_s3_sources_that_are_not_there(s3, source, message):
    with pytest.raises(InvalidInputError, match=message):
        load_objects(source)


def test_a_table_in_s3_names_objects_beside_it(s3, tmp_path):
    s3.put_object(Bucket="media", Key="set/img/a.png", Body=png())
    s3.put_object(Bucket="media", Key="set/rows.jsonl", Body=b'{"image_path": "img/a.png"}\n')
    (blob,) = blobs(load_objects("s3://media/set/rows.jsonl"))
    assert (blob.data, blob.mime_type) == ("s3://media/set/img/a.png", "image/png")


def test_a_gcs_prefix(colours, monkeypatch):
    from pyarrow import fs

    with gcs_server(monkeypatch) as port:
        store = fs.GcsFileSystem(
            anonymous=True, endpoint_override=f"127.0.0.1:{port}", scheme="http"
        )
        for name, body in {"a.jpg": picture("jpeg", "red"), "b.wav": wav()}.items():
            with store.open_output_stream(f"media/p/{name}") as out:
                out.write(body)
        colours.bucket("b", "gs://media/p/")
        assert process(colours).documents == 1
        found = rows_of(colours, "SELECT type, mime_type, size_bytes FROM blobs ORDER BY type")
        assert found == [
            {"type": "audio", "mime_type": "audio/wav", "size_bytes": len(wav())},
            {
                "type": "image", "mime_type": "image/jpeg",
                "size_bytes": len(picture("jpeg", "red")),
            },
        ]  # fmt: skip
        colours.bucket("b", "gs://media/p/")
        assert process(colours).processed == 0


# ---------------------------------------------------------------- search and views


@pytest.fixture
def searched(colours, mixed):
    colours.bucket("b", mixed)
    process(colours)
    colours.retriever(
        "r", {"collection": "c", "searches": [{"feature": "colour"}, {"lexical": True}]}
    )
    return colours


def test_words_are_not_looked_up_in_urls(searched):
    result = searched.search("r", "red")
    assert result.hits[0].fields["path"] == "a red.jpg"
    (warning,) = [each for each in result.warnings if "lexical" in each or "BM25" in each]
    assert "BM25 searches texts, and no document has one" in warning
    assert 'batch["data"]' in warning
    alone = searched.search({"collection": "c", "searches": [{"lexical": True}]}, "file jpg red")
    assert alone.hits == ()
    assert "BM25 searches texts" in alone.warnings[0]


def test_what_an_extractor_writes_into_data_is_looked_up(kernel_lab, tmp_path, mixed):
    code = 'batch["data"] = ["a caption of a fox"] * len(batch)\nreturn batch'
    load_probe(kernel_lab, tmp_path, code, vectors={}, types=("image",))
    kernel_lab.bucket("b", mixed)
    process(kernel_lab, "probe")
    found = kernel_lab.search({"collection": "c", "searches": [{"lexical": True}]}, "foxes")
    assert len(found.hits) == 3


def test_hits_show_type_size_and_place_and_a_small_picture(searched, mixed):
    results = Results(searched.search("r", "red"))
    size = f"{(mixed / 'a red.jpg').stat().st_size} B"
    assert re.search(rf"image/jpeg, {size}:\s+file:///", str(results))
    html = results._repr_html_()
    pictures = re.findall(r'<img src="(data:image/jpeg;base64,[^"]+)"', html)
    assert len(pictures) == 3
    assert all(len(uri) <= 64 * 1024 for uri in pictures)
    assert "a%20red.jpg" in html
    shown = slim(results.payload)
    first = shown["documents"][shown["hits"][0]["document_id"]]
    assert first["thumbnail"] == pictures[0]
    assert first["media"].startswith("image/jpeg, ")


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        ("file:///etc/passwd", "image/png"),
        ("file:///no/such.png", "image/png"),
        ("file://elsewhere/a.png", "image/png"),
        ("https://a.test/a.png", "image/png"),
        ('file:///"><script>alert(1)</script>', "image/png"),
        (None, "image/png"),
    ],
)
def test_no_picture_of_what_is_no_local_image(data, mime):
    assert thumbnail({"data": data}, {"mime_type": mime, "blob_type": "image"}) == ""


def test_pictures_are_of_images_alone_and_not_of_huge_ones(tmp_path, monkeypatch):
    (tmp_path / "a.png").write_bytes(png(side=64))
    url = (tmp_path / "a.png").as_uri()
    lineage = {"mime_type": "image/png", "blob_type": "image"}
    assert thumbnail({"data": url}, {**lineage, "mime_type": "application/pdf"}) == ""
    monkeypatch.setattr("mixpeek_lab.widgets.media.MOST_SOURCE_PIXELS", 64 * 64 - 1)
    assert thumbnail({"data": url}, lineage) == ""
    monkeypatch.undo()
    (tmp_path / "a.png").write_bytes(png(side=65))
    assert thumbnail({"data": url}, lineage).startswith("data:image/jpeg;base64,")


def test_hits_of_files_are_escaped():
    payload = {
        "hits": [{"document_id": "d", "rank": 1, "score": 1.0}],
        "documents": {"d": {
            "fields": {"data": "https://a.test/<script>alert(1)</script>.png"},
            "lineage": {"blob_type": "image", "mime_type": "image/<b>", "size_bytes": 5},
        }},
    }  # fmt: skip
    from mixpeek_lab.widgets.static import results_html

    html = results_html(payload)
    assert "<script>" not in html
    assert "<b>" not in html
    assert "image/&lt;b&gt;, 5 B: https://a.test/" in html


def test_a_preview_of_files(colours, mixed):
    found = colours.preview("colours", mixed)
    card = PreviewCard("colours", found.documents, found.failures, found.rows_in, 0.0)
    assert "3 rows in, 3 documents out" in str(card)
    assert re.search(r"image/jpeg, \d+ B: …?.*a%20red\.jpg", str(card))
    assert "image/png, " in card._repr_html_()
    with pytest.raises(InvalidInputError, match=r"colours takes image, and these rows hold text"):
        colours.preview("colours", ["words"])


def test_a_broken_image_fails_alone(colours, mixed):
    (mixed / "z.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    colours.bucket("b", mixed)
    report = process(colours)
    assert (report.documents, report.failed) == (3, 1)
    assert report.failures[0].where == "processors/core.py:14 in load_image"


def test_rows_know_their_files_in_sql(searched):
    found = rows_of(
        searched,
        "SELECT b.property, count(*) AS n FROM blobs b GROUP BY 1 ORDER BY 1",
    )
    assert found == [
        {"property": "audio", "n": 1}, {"property": "image", "n": 3},
        {"property": "pdf", "n": 1}, {"property": "text", "n": 1},
    ]  # fmt: skip
    assert json.dumps(searched.search("r", "red").hits[0].lineage).count("image/") == 1


def test_an_empty_file_stays_and_is_told(kernel_lab, tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "full.txt").write_text("a text")
    (folder / "void.txt").write_text("")
    bucket = kernel_lab.bucket("mine", folder)
    assert bucket.object_count == 2
    assert bucket.notes == (
        "1 file is empty: void.txt. It is in the bucket, with a text of no characters.",
    )
