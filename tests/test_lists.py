"""Lists page by page, while they change: by cursor nothing comes twice, and nothing is left out."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from platform_client import RETRIEVER, Client, collected, filled, upload
from platform_host import Host

from mixpeek_lab.errors import NotFoundError

SCHEMA = {"body": {"type": "text"}}


def made(ask: Client, *names: str) -> None:
    for name in names:
        ask("POST", "/buckets", {"bucket_name": name, "blob_schema": SCHEMA})


def walk(ask: Client, path: str, size: int, between: Any = lambda shown: None, **body: Any) -> Any:
    """Every item, page by page; `between` is called with each page that another one follows."""
    found, cursor = [], None
    while True:
        asked = {**body, "limit": size, **({"cursor": cursor} if cursor else {})}
        page = ask("POST", f"{path}/list", asked)
        found += page["results"]
        cursor = page["pagination"]["next_cursor"]
        if cursor is None:
            return found
        between(page["results"])


@pytest.mark.parametrize("size", [1, 2, 3, 6, 7])
def test_by_get_and_by_post(ask: Client, size: int) -> None:
    made(ask, *"fbdace")
    assert [b["bucket_name"] for b in walk(ask, "/buckets", size)] == list("abcdef")
    found, query = [], f"?limit={size}"
    while query:
        page = ask("GET", f"/buckets{query}")
        found += page["results"]
        told = page["pagination"]
        assert (told["total"], told["page_size"]) == (6, size)
        query = f"?limit={size}&cursor={told['next_cursor']}" if told["next_cursor"] else ""
    assert [b["bucket_name"] for b in found] == list("abcdef")


def test_what_comes_and_goes_between_two_pages(ask: Client) -> None:
    made(ask, *"bdfhjl")
    new = iter("acegik")

    def between(shown: list[Any]) -> None:
        made(ask, next(new))  # before, and among what is still to come
        ask("DELETE", f"/buckets/{shown[-1]['bucket_name']}")  # the very one the cursor names

    found = [b["bucket_name"] for b in walk(ask, "/buckets", 2, between)]
    assert found == sorted(set(found))
    assert set("bdfhjl") <= set(found)


def test_deleting_page_by_page_deletes_all(ask: Client) -> None:
    made(ask, *"abcdefgh")
    walk(
        ask,
        "/buckets",
        3,
        lambda shown: [ask("DELETE", f"/buckets/{b['bucket_name']}") for b in shown],
    )
    assert [b["bucket_name"] for b in ask("GET", "/buckets")["results"]] == ["g", "h"]


def test_tasks_by_status_by_get_and_by_post(ask: Client) -> None:
    collected(ask, filled(ask, texts=["a text"]))
    (task,) = ask("GET", "/tasks")["results"]
    for status, found in ((task["status"], [task]), ("CANCELED", [])):
        assert ask("GET", f"/tasks?status={status}")["results"] == found
        assert ask("POST", "/tasks/list", {"status": status})["results"] == found


def test_what_is_gone_is_not_suggested() -> None:
    told = str(NotFoundError("document", "doc_1", ["doc_1", "doc_2"]))
    assert told == "No document called 'doc_1'. Did you mean 'doc_2'?"


def test_objects_in_their_order(ask: Client) -> None:
    texts = [f"text {n}" for n in range(9)]
    bucket = filled(ask, texts=texts)

    def between(shown: list[Any]) -> None:
        upload(ask, bucket, [f"new {shown[0]['object_id']}"])
        for item in shown:
            ask("DELETE", f"/buckets/{bucket}/objects/{item['object_id']}")

    found = walk(ask, f"/buckets/{bucket}/objects", 2, between)
    shown = [item["blobs"][0]["data"] for item in found]
    assert shown[:9] == texts
    assert len(set(shown)) == len(shown)


def test_tasks_newest_first(ask: Client) -> None:
    bucket = filled(ask)
    for name in ("one", "two", "three", "four"):
        collected(ask, bucket, name)
    before = [task["task_id"] for task in ask("GET", "/tasks")["results"]]
    force = {"dedup_strategy": "force"}
    found = walk(ask, "/tasks", 1, lambda _: ask("POST", "/collections/one/trigger", force))
    assert [task["task_id"] for task in found] == before


def test_documents_across_runs(ask: Client, host: Host) -> None:
    """A run between two pages makes a new snapshot: the list goes on in that."""
    bucket = filled(ask, texts=[f"text {n}" for n in range(6)])
    docs = f"/collections/{collected(ask, bucket)}/documents"
    host.work()

    def between(shown: list[Any]) -> None:
        ask("DELETE", f"{docs}/{shown[0]['document_id']}")
        upload(ask, bucket, [f"new {shown[0]['document_id']}"])
        host.work()

    found = [d["data"] for d in walk(ask, docs, 2, between)]
    assert found[:6] == [f"text {n}" for n in range(6)]
    assert len(set(found)) == len(found)


def test_a_place_that_is_lost_is_told(ask: Client, host: Host) -> None:
    bucket = filled(ask, texts=[f"text {n}" for n in range(4)])
    docs = f"/collections/{collected(ask, bucket)}/documents"
    host.work()
    page = ask("GET", f"{docs}?limit=2")
    for item in page["results"]:
        ask("DELETE", f"{docs}/{item['document_id']}")
    host.work()
    cursor = page["pagination"]["next_cursor"]
    error = ask.refused(409, "ConflictError", "GET", f"{docs}?cursor={cursor}")
    assert "Begin again" in error["message"]


def test_a_cursor_is_of_its_list_alone(ask: Client) -> None:
    made(ask, "a", "b")
    cursor = ask("GET", "/buckets?limit=1")["pagination"]["next_cursor"]
    raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    forged = base64.urlsafe_b64encode(raw[:-2] + b"x]").decode()
    for path in (
        f"/buckets?cursor={forged}", f"/buckets?cursor={cursor[:-4]}", "/buckets?cursor=x",
        "/buckets?cursor=%C3%A9", f"/retrievers?cursor={cursor}",
        f"/buckets?search=a&cursor={cursor}", f"/namespaces/default/buckets?cursor={cursor}",
    ):  # fmt: skip
        ask.refused(422, "BodyError", "GET", path)
    ask.refused(422, "BodyError", "POST", "/buckets/list", {"cursor": cursor, "filters": {"a": 1}})
    ask.refused(422, "BodyError", "POST", "/buckets/list", {"cursor": 3})
    assert ask("POST", "/buckets/list", {"cursor": cursor})["results"][0]["bucket_name"] == "b"


def test_search_and_filters(ask: Client) -> None:
    made(ask, "Ten_K", "ten_q", "other")
    filled(ask, "texts", ["river", "bank"])

    def names(path: str = "/buckets", **body: Any) -> list[str]:
        return [b["bucket_name"] for b in ask("POST", f"{path}/list", body)["results"]]

    assert names(search="TEN") == ["Ten_K", "ten_q"]
    assert names(search="ten", case_sensitive=True) == ["ten_q"]
    assert names(filters={"bucket_name": "other"}) == ["other"]
    assert names(filters={"field": "object_count", "operator": "gt", "value": 0}) == ["texts"]
    assert [b["bucket_name"] for b in walk(ask, "/buckets", 1, search="ten")] == ["Ten_K", "ten_q"]
    assert [b["bucket_name"] for b in ask("GET", "/buckets?search=ten_q")["results"]] == ["ten_q"]
    objects = walk(ask, "/buckets/texts/objects", 1, filters={"metadata.n": 1})
    assert [item["blobs"][0]["data"] for item in objects] == ["bank"]
    found = ask("POST", "/buckets/list", {"search": "ten", "limit": 1})["pagination"]
    assert (found["total"], found["total_pages"]) == (2, 2)
    ask.refused(422, "FilterError", "POST", "/buckets/list", {"filters": {"field": 3}})
    ask.refused(422, "BodyError", "POST", "/buckets/list", {"search": 3})
    error = ask.refused(422, "InvalidInputError", "POST", "/buckets/list", {"sort": {"field": "a"}})
    assert "sort" in error["message"]


def test_retrievers_too(ask: Client) -> None:
    collected(ask, filled(ask))
    for name in "cab":
        ask(
            "POST", "/retrievers", {**RETRIEVER, "retriever_name": name, "collection_ids": ["docs"]}
        )
    assert [r["retriever_name"] for r in walk(ask, "/retrievers", 1)] == ["a", "b", "c"]


def test_what_no_task_batch_or_evaluation_can_have_is_refused(ask: Client) -> None:
    made(ask, "b")
    bucket = ask("GET", "/buckets")["results"][0]["bucket_id"]
    for method, path, body, word in [
        ("POST", "/tasks/list", {"status": "zzz"}, "COMPLETED_WITH_ERRORS"),
        ("POST", "/tasks/list", {"status": ["FAILED"]}, "COMPLETED"),
        ("GET", "/tasks?status=completed", None, "COMPLETED"),
        ("POST", "/tasks/list", {"task_type": "zzz"}, "engine_feature_extractor_run"),
        ("GET", "/tasks?task_type=zzz", None, "retriever.evaluation"),
        ("POST", f"/buckets/{bucket}/batches/list", {"status": "zzz"}, "DRAFT"),
        ("POST", "/retrievers/interactions/list", {"interaction_type": "zzz"}, "click"),
    ]:
        assert word in str(ask.refused(422, "BodyError", method, path, body)), (path, body)
    for body in ({"status": "ARCHIVED"}, {"task_type": "api_buckets_delete"}, {"status": None}):
        assert ask("POST", "/tasks/list", body)["results"] == []
