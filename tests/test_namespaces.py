"""Namespaces: what is in one can neither be listed, read, searched, changed nor deleted from
another, over every route; and both go on after a restart.

Without Ray the worker's steps are taken by the test, as in test_platform_api.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from IPython.core.interactiveshell import InteractiveShell
from packages import HASH_EMBEDDER
from platform_client import (
    TEXTS,
    Client,
    collected,
    documents,
    filled,
    status,
    until,
    upload,
    zipped,
)
from test_platform_api import RETRIEVER, URI, Host, client_of

from mixpeek_lab.api import create_app
from mixpeek_lab.catalog import Catalog
from mixpeek_lab.cli import main
from mixpeek_lab.errors import ConflictError, GoneError, InvalidInputError, NotFoundError
from mixpeek_lab.magics import session
from mixpeek_lab.snapshots import writing
from mixpeek_lab.source import ExtractorSource
from mixpeek_lab.workbench import Lab
from mixpeek_lab.workbench.backend import Backend
from mixpeek_lab.workbench.home import Home
from mixpeek_lab.workbench.platform.lost import working

GIF = b"GIF89a\1\0\1\0\0\0\0;"
DATASET = {
    "dataset_name": "judged",
    "queries": [
        {"query_id": "q", "query_input": {"query": "river"}, "relevant_documents": ["doc_1"]}
    ],
}
SCHEMA = {"properties": {"text": {"type": "text"}}}
CLICK = {"feature_id": "doc_1", "interaction_type": ["click"], "position": 0, "feature_uri": URI}


class Inside:
    """A client whose every request names one namespace in X-Namespace."""

    def __init__(self, ask: Client, namespace: str) -> None:
        self._ask, self.namespace = ask, namespace

    def __call__(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        return self._ask(method, path, body, headers={"x-namespace": self.namespace}, **options)

    def status(self, method: str, path: str, body: Any = None) -> int:
        headers = {"x-namespace": self.namespace}
        return int(self._ask.send(method, path, body, headers=headers).status_code)


@pytest.fixture
def host(home: Path) -> Iterator[Host]:
    Lab(home)
    host = Host(home)
    with ExitStack() as stack:
        stack.enter_context(working(host.catalog, Home.open(home), "a session"))
        yield host


@pytest.fixture
def ask(home: Path, host: Host) -> Client:
    return client_of(home, host)


def made(ask: Client, name: str) -> str:
    return str(ask("POST", "/namespaces", {"namespace_name": name})["namespace_id"])


def packed_up(ask: Client, place: str, archive: bytes) -> None:
    """Upload `hash_embedder` below an extractors' path, and confirm it."""
    asked = ask("POST", f"{place}/uploads", {"name": "hash_embedder"})
    assert ask.http.put(asked["presigned_url"], content=archive).status_code == 200
    assert ask("POST", f"{place}/uploads/{asked['upload_id']}/confirm")["success"]


def furnished(ask: Client, home: Path, host: Host, name: str, source: ExtractorSource) -> Inside:
    """A namespace with one of everything; the client that asks in it."""
    key = made(ask, name)
    inside = Inside(ask, name)
    packed_up(ask, f"/namespaces/{key}/extractors", zipped(source))
    collected(inside, filled(inside))
    own = home / "namespaces" / key
    assert host.within(own).work()
    inside("POST", "/retrievers", {**RETRIEVER, "collection_ids": ["docs"]})
    return inside


@pytest.fixture
def one(ask: Client, home: Path, host: Host, hash_source: ExtractorSource) -> Inside:
    return furnished(ask, home, host, "one", hash_source)


def ids_of(ask: Client, inside: Inside) -> dict[str, str]:
    """Path parameter → what it is called in the namespace: one of everything."""
    (document, *_) = documents(inside, "docs")
    dataset = {**DATASET["queries"][0], "relevant_documents": [document["document_id"]]}
    inside("POST", "/retrievers/evaluations/datasets", {**DATASET, "queries": [dataset]})
    started = inside(
        "POST", "/retrievers/find/evaluations",
        {"dataset_name": "judged", "evaluation_config": {"metrics": ["ndcg"], "k_values": [5]}},
    )  # fmt: skip
    wanted = {"filename": "a.txt", "content_type": "text/plain", "blob_property": "body"}
    sent = inside("POST", "/buckets/texts/uploads", wanted)
    assert ask.http.put(sent["presigned_url"], content=b"a river").status_code == 200
    return {
        "bucket": inside("GET", "/buckets/texts")["bucket_id"],
        "object_id": inside("GET", "/buckets/texts/objects")["results"][0]["object_id"],
        "collection": inside("GET", "/collections/docs")["collection_id"],
        "document_id": document["document_id"],
        "retriever": inside("GET", "/retrievers/find")["retriever_id"],
        "extractor": "hash_embedder_1_0_0",
        "task_id": inside("GET", "/tasks")["results"][0]["task_id"],
        "batch_id": inside("POST", "/buckets/texts/batches", {})["batch_id"],
        "upload_id": sent["upload_id"],
        "interaction_id": inside("POST", "/retrievers/interactions", CLICK)["interaction_id"],
        "evaluation_id": started["evaluation_id"],
        "dataset": "judged",
    }


QUERY = {"query": {"query_text": "river"}}
BODIES: dict[str, Any] = {
    "extractors.try_out": {"inputs": {"text": "river"}},
    "uploads.confirm": {},
    "objects.create": {"blob_data": {"body": "x"}},
    "objects.create_batch": {"objects": [{"blob_data": {"body": "x"}}]},
    "blob_uploads.create": {"filename": "b.txt", "content_type": "text/plain"},
    "documents.patch": {"reviewed": True},
    "documents.put": {"reviewed": True},
    "retrievers.execute": QUERY,
    "retrievers.explain": QUERY,
    "retrievers.execute_batch": {"queries": [{"inputs": {"query": "river"}}]},
    "evaluations.start": {"dataset_name": "judged"},
    "batches.extend": {"object_ids": ["obj_1"]},
}
"""Bodies that work; the others do with a description, or with nothing."""


def named_routes() -> list[tuple[str, str, str]]:
    """Operation, method and path of every route that names something in a namespace."""
    document = create_app(None, "no token").openapi()  # type: ignore[arg-type]
    found = []
    for path, operations in document["paths"].items():
        names = set(re.findall(r"{(\w+)}", path)) - {"namespace"}
        if names and not path.endswith("{namespace}/{upload_id}"):  # signed: see below
            for method, told in operations.items():
                key = re.sub("_(in_namespace|plugin)$", "", told["operationId"])
                found.append((key.replace("_", ".", 1), method.upper(), path.removeprefix("/v1")))
    return found


def body_for(key: str, method: str) -> Any:
    usual = {"description": "mine now"} if method in ("PATCH", "PUT") else {}
    return BODIES.get(key, usual) if method != "GET" else None


def test_no_route_reaches_what_another_namespace_has(ask: Client, one: Inside) -> None:
    """By ids and by names; from an empty namespace, and from the default one.

    Mixpeek's `DELETE /tasks/ID` succeeds whatever there is: here it must leave the task alone.
    """
    ids, two = ids_of(ask, one), Inside(ask, made(ask, "two"))
    names = {**ids, "bucket": "texts", "collection": "docs", "retriever": "find",
             "extractor": "hash_embedder"}  # fmt: skip
    routes = named_routes()
    assert len(routes) > 90
    reached, blind, before = [], [], snapshot(one)
    for key, method, path in routes:
        body, expected = body_for(key, method), 200 if key == "tasks.kill" else 404
        for other in (two, Inside(ask, "default")):
            for known in (ids, names):
                place = path.format(**known, namespace=other.namespace)
                if (status := other.status(method, place, body)) != expected:
                    reached.append((method, place, status))
    assert reached == []
    assert snapshot(one) == before
    for key, method, path in routes:
        if method != "DELETE" and key != "uploads.confirm":  # no upload of an archive is open
            status = one.status(method, path.format(**ids, namespace="one"), body_for(key, method))
            blind += [(method, path, status)] if status in (404, 500) else []
    assert blind == [], "in its own namespace it is there"


LISTS = ("/buckets", "/collections", "/retrievers", "/tasks",
         "/retrievers/evaluations/datasets")  # fmt: skip


def snapshot(inside: Inside) -> dict[str, Any]:
    found = {path[1:]: inside("GET", path)["results"] for path in LISTS}
    place = f"/namespaces/{inside.namespace}/extractors"
    found["extractors"] = inside("GET", place)["results"]
    found["interactions"] = inside("POST", "/retrievers/interactions/list")["results"]
    return found


def test_lists_hold_what_is_in_the_namespace_alone(ask: Client, one: Inside) -> None:
    ids_of(ask, one)
    assert all(snapshot(one).values()), snapshot(one)
    made(ask, "two")
    for other in (Inside(ask, "two"), Inside(ask, "default")):
        assert not any(snapshot(other).values())


def test_bodies_name_what_is_in_the_namespace_alone(
    ask: Client, home: Path, one: Inside, host: Host, hash_source: ExtractorSource
) -> None:
    """What a body names is looked for where the request is: with the same names in both, each
    finds its own."""
    ids, two = ids_of(ask, one), furnished(ask, home, host, "two", hash_source)
    source = {"collection_name": "mine", "feature_extractor": {"feature_extractor_name":
              "hash_embedder", "version": "1.0.0"}}  # fmt: skip
    taken = {"source": {"type": "bucket", "bucket_id": ids["bucket"]}}
    blob = {"blobs": [{"property": "body", "type": "text", "upload_id": ids["upload_id"]}]}
    search = {"searches": [{"feature_uri": URI}], "inputs": {"query": "river"}}
    for path, body, expected in [
        ("/collections", {**source, **taken}, 404),
        ("/buckets/texts/objects", blob, 422),
        ("/retrievers", {**search, "retriever_name": "r", "collection_ids": [ids["collection"]]},
         404),
        ("/retrievers/execute", {**search, "collection_identifiers": [ids["collection"]]}, 404),
        ("/evaluations/compare", {"baseline": ids["evaluation_id"], "others": ["x"]}, 404),
    ]:  # fmt: skip
        body.pop("inputs", None) if path == "/retrievers" else None
        assert two.status("POST", path, body) == expected, (path, body)
    hits = two("POST", "/retrievers/find/execute", QUERY)["results"]
    assert {hit["collection_id"] for hit in hits} == {
        two("GET", "/collections/docs")["collection_id"]
    }


def test_files_and_signed_addresses_are_of_one_namespace(
    ask: Client, home: Path, one: Inside
) -> None:
    two = Inside(ask, made(ask, "two"))
    schema = {"bucket_name": "files", "blob_schema": {"photo": "image"}}
    wanted = {"filename": "a.gif", "content_type": "image/gif", "blob_property": "photo"}
    for inside in (one, two):
        inside("POST", "/buckets", schema)
    url = one("POST", "/buckets/files/uploads", wanted)["presigned_url"]
    one_id, two_id = (ask("GET", f"/namespaces/{n}")["namespace_id"] for n in ("one", "two"))
    for wrong in (url.replace(one_id, two_id), url.replace(one_id, "ns_x"),
                  url.replace(one_id, "default")):  # fmt: skip
        assert ask.http.put(wrong, content=GIF).status_code == 401, wrong
    assert ask.http.put(url, content=GIF).status_code == 200
    (file,) = (home / "namespaces" / one_id / "blob-uploads").glob("*/*")
    body = {"blobs": [{"property": "photo", "type": "image", "data": file.as_uri()}]}
    assert one.status("POST", "/buckets/files/objects", body) == 200
    assert two.status("POST", "/buckets/files/objects", body) == 422
    assert Inside(ask, "default").status("POST", "/buckets", schema) == 200
    assert ask.send("POST", "/buckets/files/objects", body).status_code == 422


def test_keys_and_cursors_are_of_one_namespace(ask: Client, one: Inside) -> None:
    made(ask, "two")
    body = {"bucket_name": "b", "blob_schema": {"body": "text"}}
    found = [
        ask.send("POST", "/buckets", body, headers={"x-namespace": name, "idempotency-key": "k"})
        for name in ("one", "two", "one", "two")
    ]
    ids = [answer.json()["bucket_id"] for answer in found]
    assert (ids[0], ids[1]) == (ids[2], ids[3])
    assert ids[0] != ids[1]
    cursor = one("GET", "/buckets?limit=1")["pagination"]["next_cursor"]
    assert one("GET", f"/buckets?limit=1&cursor={cursor}")["results"]
    headers = {"x-namespace": "two"}
    ask.refused(422, "BodyError", "GET", f"/buckets?limit=1&cursor={cursor}", headers=headers)


def test_one_whose_folder_was_removed_by_hand_is_told_and_can_be_deleted(
    ask: Client, home: Path
) -> None:
    """The others go on, and no answer says where on this machine it was."""
    key, two = made(ask, "one"), Inside(ask, made(ask, "two"))
    assert Inside(ask, "one")("GET", "/buckets")["total_count"] == 0
    shutil.rmtree(home / "namespaces" / key)
    told = {each["namespace_name"]: each["namespace_ready"]
            for each in ask("GET", "/namespaces")["results"]}  # fmt: skip
    assert told == {"default": True, "one": False, "two": True}
    for path in ("/buckets", "/collections", "/tasks"):
        headers = {"x-namespace": "one"}
        error = ask.refused(404, "GoneError", "GET", path, headers=headers)
        assert "Was its namespace deleted" in error["message"]
        assert str(home) not in str(error)
    error = ask.refused(409, "ConflictError", "DELETE", "/namespaces/default")
    assert str(home) not in str(error)
    ask("DELETE", "/namespaces/one")
    assert ask("GET", "/namespaces")["total_count"] == 2
    assert two("GET", "/buckets")["total_count"] == 0
    assert Inside(ask, made(ask, "one"))("GET", "/buckets")["total_count"] == 0


def test_one_whose_catalog_is_damaged_keeps_nobody_else_from_work(ask: Client, home: Path) -> None:
    key, two = made(ask, "one"), Inside(ask, made(ask, "two"))
    two("POST", "/buckets", {"bucket_name": "docs", "bucket_schema": SCHEMA})
    for catalog in (home / "namespaces" / key).glob("catalog*"):
        catalog.write_bytes(b"not a database, but long enough to look like one" * 100)
    again = Host(home)
    again.others[home / "namespaces" / key] = Host(home)  # nothing of it is served
    after = client_of(home, again)  # the next server
    Backend(home, again).resume()
    assert Inside(after, "two")("GET", "/buckets")["total_count"] == 1
    told = {each["namespace_name"]: each["namespace_ready"]
            for each in after("GET", "/namespaces")["results"]}  # fmt: skip
    assert told == {"default": True, "one": False, "two": True}
    error = after.refused(500, "CatalogError", "GET", "/buckets", headers={"x-namespace": "one"})
    assert "is damaged (file is not a database)" in error["message"]
    assert str(home) not in str(error)
    after("DELETE", "/namespaces/one")
    assert after("GET", "/namespaces")["total_count"] == 2


class TestNaming:
    def test_an_unknown_one_is_not_found_and_those_there_are_named(self, ask: Client) -> None:
        key = made(ask, "filings")
        for path, headers in [
            ("/buckets", {"x-namespace": "filing"}), ("/namespaces/filing/buckets", {}),
            ("/namespaces/filing", {}), ("/namespaces/filing/extractors", {}),
            ("/retrievers/stages", {"x-namespace": "filing"}),
        ]:  # fmt: skip
            error = ask.refused(404, "NotFoundError", "GET", path, headers=headers)
            assert "Did you mean 'filings'?" in error["message"]
            assert "/v1/namespaces" in error["message"]
        assert ask("GET", "/namespaces", headers={"x-namespace": "none yet"})["total_count"] == 2
        for name in ("filings", key):
            assert ask("GET", f"/namespaces/{name}/buckets", headers={"x-namespace": key})

    def test_path_and_header_name_the_same_one(self, ask: Client) -> None:
        made(ask, "filings")
        error = ask.refused(
            422, "InvalidInputError", "GET", "/namespaces/filings/buckets",
            headers={"x-namespace": "default"},
        )  # fmt: skip
        assert "'filings'" in error["message"]
        assert "'default'" in error["message"]

    def test_names_are_free_or_taken(self, ask: Client) -> None:
        key, body = made(ask, "filings"), {"namespace_name": "filings"}
        ask.refused(409, "ConflictError", "POST", "/namespaces", body)
        ask.refused(409, "ConflictError", "POST", "/namespaces", {"namespace_name": "default"})
        ask.refused(409, "ConflictError", "PATCH", "/namespaces/default", body)
        renamed = ask("PATCH", f"/namespaces/{key}", {"namespace_name": "reports"})
        assert renamed["namespace_id"] == key
        assert ask("PATCH", "/namespaces/default", body)["namespace_name"] == "filings"
        assert ask("GET", "/buckets", headers={"x-namespace": "default"})["total_count"] == 0
        assert [n["namespace_name"] for n in ask("GET", "/namespaces")["results"]] == [
            "filings", "reports",
        ]  # fmt: skip
        ask("DELETE", "/namespaces/reports")
        assert made(ask, "reports") != key

    @pytest.mark.parametrize(
        "body",
        [{}, {"namespace_name": ""}, {"namespace_name": "x" * 65}, {"namespace_name": "a/b"},
         {"namespace_name": "ns_1"}, {"namespace_name": "größe"},
         {"namespace_name": "a", "mode": "standalone"}, {"namespace_name": "a", "vectors": 1},
         {"namespace_name": "a", "feature_extractors": ["x"]}],
    )  # fmt: skip
    def test_odd_requests_make_none(self, ask: Client, body: Any) -> None:
        assert ask.send("POST", "/namespaces", body).status_code == 422
        assert ask("GET", "/namespaces")["total_count"] == 1


class TestDeleting:
    def test_everything_goes_and_the_others_stay(
        self, ask: Client, home: Path, host: Host, hash_source: ExtractorSource, one: Inside
    ) -> None:
        two = furnished(ask, home, host, "two", hash_source)
        key = ask("GET", "/namespaces/one")["namespace_id"]
        service = host.within(home / "namespaces" / key)
        service.states["hash_embedder", "0" * 12] = ("RUNNING", "")
        assert ask("DELETE", "/namespaces/one")["success"]
        assert service.states == {}
        assert one.status("GET", "/buckets") == 404
        assert not (home / "namespaces" / key).exists()
        assert len(documents(two, "docs")) == len(TEXTS)
        made(ask, "one")
        assert not any(snapshot(Inside(ask, "one")).values())

    def test_never_the_default_one(self, ask: Client) -> None:
        for name in ("default", ask("GET", "/namespaces/default")["namespace_id"]):
            error = ask.refused(409, "ConflictError", "DELETE", f"/namespaces/{name}")
            assert "stays" in error["message"]

    def test_not_while_anybody_is_at_work_in_it(self, ask: Client, home: Path, one: Inside) -> None:
        task = one("POST", "/collections/docs/trigger", {})["task_id"]
        error = ask.refused(409, "ConflictError", "DELETE", "/namespaces/one")
        assert task in error["message"]
        one("POST", f"/tasks/{task}/cancel")
        key = ask("GET", "/namespaces/one")["namespace_id"]
        place = Home(home / "namespaces" / key)
        with writing(place.snapshots(one("GET", "/collections/docs")["collection_id"])):
            error = ask.refused(409, "ConflictError", "DELETE", "/namespaces/one")
        assert "'docs'" in error["message"]
        ask("DELETE", "/namespaces/one")

    def test_one_that_was_cut_short_is_finished_by_the_next_server(
        self, ask: Client, home: Path, one: Inside
    ) -> None:
        key = ask("GET", "/namespaces/one")["namespace_id"]
        Catalog(home / "catalog.sqlite").mark_deleted(key)
        assert one.status("GET", "/buckets") == 404
        again = Host(home)
        client_of(home, again)
        Backend(home, again).resume()
        assert not (home / "namespaces" / key).exists()


class TestLab:
    def test_a_lab_for_each(self, kernel_lab: Lab) -> None:
        lab, made = kernel_lab, kernel_lab.namespaces.create("filings", "10-K")
        other = lab.namespace("filings")
        assert other is lab.namespace(made.namespace_id)
        assert (other.namespace("default"), other.name) == (lab, "filings")
        other.load(HASH_EMBEDDER)
        for each, texts in ((lab, ["a river"]), (other, ["river bank", "river boat"])):
            each.bucket("texts", texts)
            each.process("texts", "hash_embedder", "docs", engine="kernel")
            each.retriever("find", {"collection": "docs", "searches": [{"lexical": True}]})
        assert [len(each.search("find", "river").hits) for each in (lab, other)] == [1, 2]
        assert len(other.sql("SELECT * FROM documents")) == 2
        with pytest.raises(NotFoundError):
            lab.collection(other.collection("docs").collection_id)
        assert str(other.status()).startswith("Namespace: filings")

    def test_secrets_and_models_are_its_own(self, kernel_lab: Lab) -> None:
        kernel_lab.namespaces.create("filings")
        other = kernel_lab.namespace("filings")
        assert other.home != kernel_lab.home
        assert other.home.is_relative_to(kernel_lab.home)
        assert other.models.home == other.home

    def test_change_and_delete(self, kernel_lab: Lab) -> None:
        names = kernel_lab.namespaces
        names.create("filings", metadata={"year": 2020})
        changed = names.update("filings", new_name="reports", description="all of them")
        assert changed.details == {"metadata": {"year": 2020}, "description": "all of them"}
        stale = kernel_lab.namespace("reports")
        names.delete("reports")
        assert [each.name for each in names.list()] == ["default"]
        with pytest.raises(NotFoundError, match=r"lab\.namespaces\.create"):
            kernel_lab.namespace("reports")
        with pytest.raises(GoneError, match="Was its namespace deleted"):
            stale.buckets()
        with pytest.raises(ConflictError):
            names.delete("default")
        with pytest.raises(InvalidInputError):
            names.create("ns_1")

    def test_the_lab_and_the_server_see_the_same(
        self, ask: Client, home: Path, one: Inside
    ) -> None:
        lab = Lab(home)
        assert lab.namespace("one").collection("docs").document_count == len(TEXTS)
        lab.namespaces.create("two")
        assert Inside(ask, "two")("GET", "/buckets")["total_count"] == 0
        lab.namespaces.delete("two")
        assert Inside(ask, "two").status("GET", "/buckets") == 404

    def test_from_the_command_line(self, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
        place = ["--home", str(home)]
        assert main(["namespace", "create", "filings", "--description", "10-K", *place]) == 0
        assert main(["namespace", "rename", "filings", "reports", *place]) == 0
        assert capsys.readouterr().out.splitlines()[-1].endswith("  reports  10-K")
        inside = [*place, "--namespace", "reports"]
        commit = ["extractor", "commit", "hash_embedder", "-m", "first"]
        assert main([*commit, "--load", str(HASH_EMBEDDER), *inside]) == 0
        assert main(["extractor", "log", "hash_embedder", *inside]) == 0
        assert "first" in capsys.readouterr().out
        assert main(["extractor", "log", "hash_embedder", *place]) == 1
        assert main(["secret", "list", *inside]) == 0
        assert main(["namespace", "delete", "reports", *place]) == 0
        assert main(["secret", "list", *inside]) == 1
        assert "No namespace called 'reports'" in capsys.readouterr().err
        assert main(["namespace", "delete", *place]) == 1

    def test_the_magics_work_in_the_one_that_was_named(self, home: Path) -> None:
        session.stop()
        shell = InteractiveShell()
        shell.register_magics(session.LabMagics)
        try:
            lab = session.current_lab(str(home))
            lab.namespaces.create("filings")
            assert ("Namespace", "filings") in shell.run_line_magic(
                "lab", "--namespace filings"
            ).facts
            assert session.current_lab() is lab.namespace("filings")
            lab.namespaces.delete("filings")
            with pytest.raises(NotFoundError):
                session.current_lab()
            shell.run_line_magic("lab", "--namespace default")
            assert session.current_lab() is lab
        finally:
            session.stop()


@pytest.fixture(scope="module")
def served(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A lab of its own on the tests' Ray, with its endpoint up."""
    with Lab(tmp_path_factory.mktemp("namespaces") / "home") as own:
        own.start(wait=True)
        yield own


def client_at(served: Lab) -> Client:
    return Client(httpx.Client(base_url=served.url, timeout=60), served.token)


@pytest.mark.ray
def test_two_namespaces_on_ray_with_mixpeeks_client_and_after_a_restart(
    served: Lab, hash_source: ExtractorSource
) -> None:
    """The same names in both: each has its own code served, its own documents, and goes on."""
    import mixpeek  # seconds, and this test's alone

    ask = client_at(served)
    louder = hash_source.text("processors/words.py")
    assert louder is not None
    for name, words in (("one", louder), ("two", louder + "\n# the other one's\n")):
        made(ask, name)
        place, inside = f"/namespaces/{name}/extractors", Inside(ask, name)
        packed_up(ask, place, zipped(hash_source, words=words))
        ask("POST", f"{place}/hash_embedder_1_0_0/deploy")
        filled(inside, texts=[f"river {name}", "money bank"])
        collected(inside, "texts")
    found = {}
    for name in ("one", "two"):
        status(ask, f"/namespaces/{name}/extractors/hash_embedder_1_0_0", "DEPLOYED")
        client = mixpeek.Mixpeek(served.token, namespace=name, base_url=f"{served.url}/v1")
        (collection,) = client.collections.list()["results"]
        until(lambda c=client: c.collections.get("docs"), lambda got: got["document_count"] == 2)
        body = {**RETRIEVER, "collection_ids": ["docs"]}
        retriever = Inside(ask, name)("POST", "/retrievers", body)["retriever_id"]
        hits = client.retrievers.execute(retriever, inputs={"query": f"river {name}"})["results"]
        found[name] = {hit["data"] for hit in hits}
        assert {hit["collection_id"] for hit in hits} == {collection["collection_id"]}
        other = Inside(ask, {"one": "two", "two": "one"}[name])
        assert other.status("POST", f"/retrievers/{retriever}/execute", QUERY) == 404
        space = served.namespace(name)
        assert space.status().deployed == (f"hash_embedder@{code_of(space)[:12]}",)
        answer = space.execute("find", {"query": "river"})
        assert answer["results"][0]["data"] == f"river {name}"
        assert space.execute("find", {"query": "river"}, explain=True)["retriever_name"] == "find"
    assert found == {name: {f"river {name}", "money bank"} for name in ("one", "two")}
    assert code_of(served.namespace("one")) != code_of(served.namespace("two"))
    assert served.status().deployed == ()

    served.stop()
    for space in (served.namespace("one"), served.namespace("two")):
        deployments = [
            (d.owner, d.state) for d in Catalog(space.home / "catalog.sqlite").deployments()
        ]
        assert deployments == [("api", "DEPLOYED")]  # and not that they were lost with the endpoint
    idle = client_of(served.home, Host(served.home))  # nobody works: what is asked for waits
    upload(Inside(idle, "two"), "texts", ["a third"])
    served.start(wait=True)
    ask = client_at(served)
    two = Inside(ask, "two")
    until(lambda: two("GET", "/collections/docs"), lambda got: got["document_count"] == 3)
    assert Inside(ask, "one")("GET", "/collections/docs")["document_count"] == 2
    for name in ("one", "two"):
        status(ask, f"/namespaces/{name}/extractors/hash_embedder_1_0_0", "DEPLOYED")

    served.namespaces.delete("one")
    assert Inside(ask, "one").status("POST", "/retrievers/find/execute", QUERY) == 404
    assert len(two("POST", "/retrievers/find/execute", QUERY)["results"]) == 3
    assert served.namespace("two").status().deployed


def code_of(lab: Lab) -> str:
    return lab.extractor("hash_embedder").source.digest
