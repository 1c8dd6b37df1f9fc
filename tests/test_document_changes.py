"""Documents and objects that are deleted or changed over HTTP: true at once, for every reader.

On a real catalog, with real snapshots; the worker's steps are taken by the test.
"""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from packages import HASH_EMBEDDER
from platform_client import Client, collected, documents
from test_platform_api import URI, Host, client_of

from mixpeek_lab.documents import DocumentTable
from mixpeek_lab.filters import parse_filter
from mixpeek_lab.models import Feature, IndexSettings
from mixpeek_lab.projections import Projection
from mixpeek_lab.snapshots import Shown, Snapshot, write_snapshot, writing
from mixpeek_lab.snapshots.changed import ChangedSnapshot
from mixpeek_lab.workbench import Lab

WORDS = ("river", "bank", "fox", "tree", "night", "ship", "stone", "lamp")
COUNT = 30
LEGS = {
    "dense": {"feature_uri": URI, "query": "{{INPUT.query}}"},
    "bm25": {"lexical": True, "query": "{{INPUT.query}}"},
}


@pytest.fixture
def host(home: Path) -> Host:
    Lab(home).load(HASH_EMBEDDER)
    return Host(home)


@pytest.fixture
def ask(home: Path, host: Host) -> Client:
    return client_of(home, host)


@pytest.fixture
def docs(ask: Client, host: Host) -> str:
    """COUNT documents in the collection `docs`, each object with a kind and a number."""
    body = {"bucket_name": "texts", "blob_schema": {"body": "text"}}
    bucket = ask("POST", "/buckets", body)["bucket_id"]
    objects = [
        {
            "object_id": f"obj_{n:02}",
            "blob_data": {"body": f"river {WORDS[n % 8]} {WORDS[n // 8]}"},
            "metadata": {"kind": "odd" if n % 2 else "even", "n": n},
        }
        for n in range(COUNT)
    ]
    ask("POST", f"/buckets/{bucket}/objects", {"objects": objects})
    collection = collected(ask, bucket)
    host.work()
    return collection


def found(ask: Client, leg: str = "dense", limit: int = 10, **body: Any) -> list[str]:
    """The ids of a search's documents, best first."""
    search = {"searches": [LEGS[leg]], "final_top_k": COUNT}
    return [d["document_id"] for d in answered(ask, search, limit=limit, **body)["results"]]


def answered(ask: Client, search: dict[str, Any], *later: Any, **body: Any) -> Any:
    stages = [{"stage_type": "filter", "stage_id": "feature_search", "parameters": search}, *later]
    asked = {"inputs": {"query": "river fox"}, "limit": 10, **body}
    return ask("POST", "/retrievers/execute",
               {"collection_identifiers": ["docs"], "stages": stages, **asked})  # fmt: skip


def ids(ask: Client, docs: str) -> list[str]:
    return [d["document_id"] for d in documents(ask, docs)]


def of_object(ask: Client, docs: str, object_id: str) -> list[str]:
    lineage = {d["document_id"]: d["_internal"]["lineage"] for d in documents(ask, docs)}
    return [key for key, told in lineage.items() if told["root_object_id"] == object_id]


def delete(ask: Client, docs: str, document_id: str) -> None:
    ask("DELETE", f"/collections/{docs}/documents/{document_id}")


class TestDeleted:
    @pytest.mark.parametrize("leg", LEGS)
    def test_searches_give_the_next_best(self, ask: Client, docs: str, leg: str) -> None:
        before = found(ask, leg, limit=COUNT)
        gone = set(before[:9:2])
        for key in gone:
            delete(ask, docs, key)
        left = [key for key in before if key not in gone]
        assert found(ask, leg) == left[:10]
        assert found(ask, leg, limit=COUNT) == left

    @pytest.mark.parametrize("kind", ["flat", "hnsw", "ivf"])
    def test_every_kind_of_index(self, tmp_path: Path, kind: Any) -> None:
        """More documents than are compared one by one: the graph and the lists are walked."""
        many, dim = 3000, 8
        values = np.random.default_rng(5).normal(size=(many, dim)).astype(np.float32)
        columns = {name: [f"{name}{n}" for n in range(many)] for name in ("document_id", "data")}
        columns |= {"object_id": columns["data"], "_row_key": columns["data"]}
        table = pa.table({**columns, "v": pa.array(values.tolist(), pa.list_(pa.float32(), dim))})
        feature = Feature.embedding("v", dim=dim)
        with writing(tmp_path):
            write_snapshot(tmp_path, 1, DocumentTable(table, ("v",), ()), [feature],
                           IndexSettings(kinds={"v": kind}), [], "")  # fmt: skip
        base = Snapshot(tmp_path / "1", "col")
        best = base.dense("v", values[7], 60, None).document_ids
        changed = ChangedSnapshot(base, [base.row_of[key] for key in best[:50]], {})
        seen = changed.dense("v", values[7], 10, None).document_ids
        assert len(seen) == 10
        assert not set(seen) & set(best[:50])
        if kind == "flat":
            assert list(seen) == list(best[50:])

    def test_no_reader_has_it_by_any_name(
        self, ask: Client, docs: str, host: Host, home: Path
    ) -> None:
        first, second, *_ = found(ask)
        delete(ask, docs, first)
        path = f"/collections/{docs}"
        assert first not in ids(ask, docs)
        assert ask("GET", f"{path}/documents/count")["count"] == COUNT - 1
        assert ask("GET", path)["document_count"] == COUNT - 1
        ask.refused(404, "NotFoundError", "GET", f"{path}/documents/{first}")
        kinds = {"searches": [LEGS["dense"]], "final_top_k": COUNT, "facets": ["kind"]}
        (facet,) = answered(ask, kinds)["facets"]
        assert sum(value["count"] for value in facet["values"]) == COUNT - 1
        grouped = {**kinds, "facets": [], "group_by": {"field": "n", "limit": COUNT}}
        assert first not in [d["document_id"] for d in answered(ask, grouped)["results"]]
        like = {"searches": [{"feature_uri": URI, "query": {"document_ref": {
            "collection_id": docs, "document_id": first}}}]}  # fmt: skip
        stages = [{"stage_type": "filter", "stage_id": "feature_search", "parameters": like}]
        body = {"collection_identifiers": ["docs"], "stages": stages, "inputs": {}}
        error = ask.refused(422, "RetrieverError", "POST", "/retrievers/execute", body)
        assert first in error["message"]
        lab = Lab(home)
        assert [r["n"] for r in lab.sql("SELECT count(*) AS n FROM docs").table.to_pylist()] == [
            COUNT - 1
        ]
        assert first not in lab.sql("SELECT * FROM documents").to_pandas()["document_id"].tolist()
        text = {"collection": "docs", "searches": [{"feature": "hash_embedding"}]}
        hits = [hit.document_id for hit in lab.search(text, "river fox").hits]
        assert first not in hits
        assert second in hits
        assert lab.collection("docs").document_count == COUNT - 1

    def test_an_objects_documents_go_with_it_and_do_not_come_back(
        self, ask: Client, docs: str, host: Host
    ) -> None:
        (key,) = of_object(ask, docs, "obj_04")
        ask("DELETE", "/buckets/texts/objects/obj_04")
        for _ in range(2):
            assert key not in found(ask, limit=COUNT)
            assert key not in found(ask, "bm25", limit=COUNT)
            assert len(ids(ask, docs)) == COUNT - 1
            assert ask("GET", f"/collections/{docs}")["document_count"] == COUNT - 1
            host.work()

    def test_the_same_object_put_again_comes_with_the_run(
        self, ask: Client, docs: str, host: Host
    ) -> None:
        (key,) = of_object(ask, docs, "obj_29")
        again = {"object_id": "obj_29", "blob_data": {"body": "river tree stone"}}
        last = {"kind": "odd", "n": 29}
        ask("DELETE", "/buckets/texts/objects/obj_29")
        ask("POST", "/buckets/texts/objects", {**again, "metadata": last})
        assert key not in found(ask, limit=COUNT)
        host.work()
        assert len(of_object(ask, docs, "obj_29")) == 1
        assert ask("GET", f"/collections/{docs}")["document_count"] == COUNT

    def test_a_run_that_began_before_does_not_bring_it_back(
        self, ask: Client, docs: str, host: Host, home: Path
    ) -> None:
        lab, told = Lab(home), []
        (key,) = of_object(ask, docs, "obj_03")

        def meanwhile(_: Any) -> None:
            if not told:
                told.append(ask("DELETE", "/buckets/texts/objects/obj_03"))

        lab.process("texts", "hash_embedder", "docs", engine="kernel", force=True,
                    on_progress=meanwhile)  # fmt: skip
        assert told
        assert key not in found(ask, limit=COUNT)
        assert ask("GET", f"/collections/{docs}")["document_count"] == COUNT - 1
        assert len(ids(ask, docs)) == COUNT - 1
        host.work()
        assert len(ids(ask, docs)) == COUNT - 1

    def test_a_living_objects_document_stays_out_until_the_object_changes(
        self, ask: Client, docs: str, host: Host, home: Path
    ) -> None:
        (key,) = of_object(ask, docs, "obj_05")
        delete(ask, docs, key)
        for force in (False, True):
            Lab(home).process("texts", "hash_embedder", "docs", engine="kernel", force=force)
            assert len(ids(ask, docs)) == COUNT - 1
        ask("PATCH", "/buckets/texts/objects/obj_05", {"n": 500})
        host.work()
        assert of_object(ask, docs, "obj_05") == [], "metadata is no content"
        new = {"object_id": "obj_05", "blob_data": {"body": "quite another text"}}
        ask("POST", "/buckets/texts/objects", new)
        host.work()
        assert len(of_object(ask, docs, "obj_05")) == 1
        assert ask("GET", f"/collections/{docs}")["document_count"] == COUNT

    def test_it_is_on_the_disk_when_the_answer_comes(self, docs: str, home: Path) -> None:
        """A process that deletes and dies at once."""
        script = (
            "import os, sys\nfrom pathlib import Path\n"
            "from test_document_changes import Host, client_of, delete, found\n"
            "home = Path(sys.argv[1])\nask = client_of(home, Host(home))\n"
            "key = found(ask)[0]\ndelete(ask, 'docs', key)\n"
            "print(key, flush=True)\nos._exit(9)\n"
        )
        here = str(Path(__file__).parent)
        done = subprocess.run([sys.executable, "-c", script, str(home)], cwd=here, text=True,
                              capture_output=True, timeout=200)  # fmt: skip
        assert done.returncode == 9, done.stderr
        key = done.stdout.split()[-1]
        ask = client_of(home, Host(home))
        assert len(found(ask, limit=COUNT)) == COUNT - 1
        assert key not in found(ask, limit=COUNT)


class TestChanged:
    def test_filters_and_results_have_it_at_once(
        self, ask: Client, docs: str, host: Host, home: Path
    ) -> None:
        key = found(ask)[3]
        path = f"/collections/{docs}/documents/{key}"
        ask("PATCH", path, {"label": "good", "tags": ["a", "b"], "kind": "neither"})
        for name, value in (("label", "good"), ("tags", "a"), ("kind", "neither")):
            leaf = {"field": name, "operator": "contains" if name == "tags" else "eq"}
            only = {**leaf, "value": value}
            assert found(ask, filters=only) == [key], name
            assert [d["document_id"] for d in documents(ask, docs, filters=only)] == [key]
        (shown,) = [d for d in answered(ask, {"searches": [LEGS["dense"]]})["results"]
                    if d["document_id"] == key]  # fmt: skip
        assert (shown["label"], shown["tags"], shown["kind"]) == ("good", ["a", "b"], "neither")
        odd = {"field": "kind", "operator": "ne", "value": "neither"}
        assert key not in found(ask, limit=COUNT, filters=odd)
        rows = Lab(home).sql("SELECT document_id, kind FROM docs WHERE label = 'good'")
        assert rows.table.to_pylist() == [{"document_id": key, "kind": "neither"}]
        question = {"stage_type": "apply", "stage_id": "sql_lookup", "parameters": {
            "query": "SELECT kind FROM docs WHERE document_id = :key",
            "parameters": {"key": "{{DOC.document_id}}"}, "output_field": "sql"}}  # fmt: skip
        asked = answered(ask, {"searches": [LEGS["dense"]]}, question)["results"]
        assert [d["sql"] for d in asked if d["document_id"] == key] == [{"kind": "neither"}]

    def test_an_objects_metadata_is_its_documents(self, ask: Client, docs: str, host: Host) -> None:
        (key,) = of_object(ask, docs, "obj_06")
        ask("PATCH", f"/collections/{docs}/documents/{key}", {"n": -1})
        path = "/buckets/texts/objects/obj_06"
        told = ask("PATCH", path, {"kind": "new", "n": 7})
        assert (told["kind"], told["n"]) == ("new", 7)
        ask("PUT", path, {"metadata": {"more": True}})
        only = {"field": "kind", "operator": "eq", "value": "new"}
        for _ in range(2):
            (document,) = documents(ask, docs, filters=only)
            assert document["document_id"] == key
            assert document["n"] == -1, "the document's own counts first"
            assert document["more"] is True
            assert found(ask, filters=only) == [key]
            host.work()
        for body in ({}, {"body": "x"}, {"blobs": []}, {"object_id": "obj_1"}, {"_run_id": "x"}):
            assert ask.send("PATCH", path, body).status_code == 422, body
        ask.refused(404, "NotFoundError", "PATCH", "/buckets/texts/objects/obj_no", {"a": 1})

    def test_sql_is_the_same_after_the_run_whatever_fields_are_called(
        self, ask: Client, docs: str, host: Host, home: Path
    ) -> None:
        odd = ("_is_shown", "Kind", "DATA", "Document_ID", "we\"ird 'name", "a.b", "ü", "c0")
        first, second, *_ = ids(ask, docs)
        for value, name in enumerate(odd):
            ask("PATCH", f"/collections/{docs}/documents/{first}", {name: value})
        delete(ask, docs, second)
        query = "SELECT * EXCLUDE (_run_id) FROM {} ORDER BY document_id"
        before = [Lab(home).sql(query.format(t)).table for t in ("docs", "documents")]
        host.work()
        after = [Lab(home).sql(query.format(t)).table for t in ("docs", "documents")]
        assert [t.num_rows for t in before] == [COUNT - 1] * 2
        assert [t.to_pylist() for t in before] == [t.to_pylist() for t in after]
        assert [t.column_names for t in before] == [t.column_names for t in after]
        path = f"/collections/{docs}/documents/{first}"
        ask.refused(422, "BodyError", "PATCH", path, {"": "no name"})

    def test_a_collection_may_be_emptied(self, ask: Client, docs: str, host: Host) -> None:
        for key in ids(ask, docs):
            delete(ask, docs, key)
        for _ in range(2):
            assert (found(ask), found(ask, "bm25"), ids(ask, docs)) == ([], [], [])
            assert ask("GET", f"/collections/{docs}")["document_count"] == 0
            host.work()
        ask("PATCH", "/buckets/texts/objects/obj_01", {"kind": "x"})
        ask("DELETE", "/buckets/texts/objects/obj_02")
        assert found(ask) == []

    @pytest.mark.parametrize("seed", range(3))
    def test_it_is_what_the_next_run_makes_of_it(
        self, ask: Client, docs: str, host: Host, home: Path, seed: int
    ) -> None:
        """Random changes: whatever can be asked has the same answer before the run and after it."""
        draw = random.Random(seed)
        values = [None, True, 3, -2.5, "x", "", ["a"], [], {"a": 1}, 2**40, [{"b": None}]]
        for _ in range(14):
            keys = ids(ask, docs)
            key = draw.choice(keys)
            fields = {name: draw.choice(values) for name in draw.sample(["kind", "n", "z", "y"], 2)}
            change: Callable[[], Any] = draw.choice(
                [
                    lambda k=key: delete(ask, docs, k),
                    lambda k=key, f=fields: ask("PATCH", f"/collections/{docs}/documents/{k}", f),
                    lambda k=key, f=fields: ask("PATCH", f"/buckets/texts/objects/{root(k)}", f),
                    lambda k=key: ask("DELETE", f"/buckets/texts/objects/{root(k)}"),
                ]
            )
            lineage = {d["document_id"]: d["_internal"]["lineage"] for d in documents(ask, docs)}

            def root(key: str, lineage: Any = lineage) -> str:
                return str(lineage[key]["root_object_id"])

            change()
        before = everything(ask, docs, home)
        assert host.work() == 1
        after = everything(ask, docs, home)
        for name, answer in before.items():
            assert answer == after[name], name


def everything(ask: Client, docs: str, home: Path) -> dict[str, Any]:
    """Answers of all sorts, with their fields."""
    asked = {"searches": [LEGS["dense"]], "final_top_k": COUNT, "facets": ["kind", "n", "z"]}
    told = answered(ask, asked, limit=COUNT)
    lab = Lab(home)
    columns = "document_id, kind, CAST(n AS TEXT) AS n, hash_embedding"
    rows = lab.sql(f"SELECT {columns} FROM docs ORDER BY document_id").table.to_pylist()
    return {
        "list": [without_run(d) for d in documents(ask, docs)],
        "search": [without_run(d) for d in told["results"]],
        "facets": told["facets"],
        "filter": [
            found(ask, limit=COUNT, filters={"field": name, "operator": "exists", "value": True})
            for name in ("kind", "n", "z", "y")
        ],
        "sql": rows,
        "count": ask("GET", f"/collections/{docs}")["document_count"],
        "of the lab": lab.collection("docs").document_count,
    }


def without_run(document: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in document.items() if key != "_internal"}


def test_where_nothing_changed_nothing_is_laid_over(
    ask: Client, docs: str, host: Host, home: Path
) -> None:
    """The query path is what it was: the snapshot itself, without a mask."""
    shown = Shown(host.catalog, lambda key: home / "collections" / key)
    plain = shown.of(host.catalog.collection(docs))
    assert type(plain) is Snapshot
    assert plain.allowed(None) is None
    key = ids(ask, docs)[0]
    delete(ask, docs, key)
    changed = shown.of(host.catalog.collection(docs))
    assert isinstance(changed, ChangedSnapshot)
    assert shown.of(host.catalog.collection(docs)) is changed
    kind = parse_filter({"field": "n", "operator": "lt", "value": 3})
    assert changed.allowed(kind).sum() == plain.allowed(kind).sum() - 1
    host.work()
    assert type(shown.of(host.catalog.collection(docs))) is Snapshot


class TestEmbeddingMap:
    def test_what_is_deleted_is_no_point_and_what_is_changed_has_its_new_colour(
        self, ask: Client, home: Path, docs: str
    ) -> None:
        """The kept projection is read again, without the points that are gone."""
        lab, (gone, changed, *_) = Lab(home), [d["document_id"] for d in documents(ask, "docs")]
        before = lab.maps.open("docs")
        positions = before.project("pca", {}, lambda *_: None).positions
        where = dict(zip(before.ids, positions.tolist(), strict=True))
        vector = ask("GET", f"/collections/docs/documents/{gone}?return_vectors=true")
        ask("DELETE", f"/collections/docs/documents/{gone}")
        ask("PATCH", f"/collections/docs/documents/{changed}", {"kind": "new"})
        after = lab.maps.open("docs")
        assert after.is_kept("pca", {})
        shown = after.project("pca", {}, lambda *_: None).positions
        assert after.ids == [key for key in before.ids if key != gone]
        assert dict(zip(after.ids, shown.tolist(), strict=True)) == {
            key: place for key, place in where.items() if key != gone
        }
        kinds = dict(zip(after.ids, after.values("kind").to_pylist(), strict=True))
        assert (len(kinds), kinds[changed]) == (COUNT - 1, "new")
        apart = Projection(shown)  # without axes a query stands amid its nearest points
        assert all(np.isfinite(after.place(vector["hash_embedding"], apart)))
        assert after.place(vector["hash_embedding"], apart) != before.place(
            vector["hash_embedding"], Projection(positions)
        )


def test_metadata_names_no_file_that_a_request_may_not_open(
    ask: Client, home: Path, docs: str
) -> None:
    """A collection made of the documents could be told to read it: of another namespace, too."""
    (document, *_) = [d["document_id"] for d in documents(ask, "docs")]
    own, bucket = (home / "assets" / "a.png").as_uri(), "/buckets/texts/objects"
    private = [
        "file:///private/scan.pdf", "FILE:///private/photo.JPG",
        (home / "namespaces" / "ns_1" / "blob-uploads" / "a" / "b.png").as_uri(),
        f"{(home / 'assets').as_uri()}/../catalog.png",
    ]  # fmt: skip
    for method, path in [
        ("POST", bucket), ("PATCH", f"{bucket}/obj_03"), ("PUT", f"{bucket}/obj_03"),
        ("PATCH", f"/collections/docs/documents/{document}"),
        ("PUT", f"/collections/docs/documents/{document}"),
    ]:  # fmt: skip
        content = {"blob_data": {"body": "a river"}} if method == "POST" else {}
        for url in private:
            error = ask.refused(422, "BodyError", method, path, {**content, "cover": url})
            assert "may not open" in error["message"], (method, path)
        for url in (own, "https://example.org/a.png", "file:///private/notes", "scan.pdf", 3):
            ask(method, path, {**content, "cover": url})
