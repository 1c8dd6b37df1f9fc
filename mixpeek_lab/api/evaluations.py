"""`/v1/retrievers/evaluations` and `/v1/retrievers/{id}/evaluations`: measuring retrievers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from mixpeek_lab.api.answer import Answer
from mixpeek_lab.api.backend import JSONBody, OptionalJSONBody, TheBackend, ThePlatform
from mixpeek_lab.api.listing import demand_one_of
from mixpeek_lab.api.pages import Page, Place, ThePage, by
from mixpeek_lab.models import JSON
from mixpeek_lab.workbench.platform.scoring import scores

router = APIRouter(tags=["retriever evaluations"])
DATASETS = "/retrievers/evaluations/datasets"
EVALUATIONS = "/retrievers/{retriever}/evaluations"


@router.get("/evaluations")
def discover() -> Answer:
    """Where evaluations are."""
    return Answer(
        {
            "datasets": f"/v1{DATASETS}",
            "evaluations": f"/v1{EVALUATIONS.replace('{retriever}', '{retriever_id}')}",
            "score": "/v1/evaluations/score",
            "compare": "/v1/evaluations/compare",
        }
    )


@router.post("/evaluations/score")
def score(body: JSONBody) -> Answer:
    """Precision, recall, f1 and f2 of given predictions: `{predicted, ground_truth}`, or many in
    `items`. Nothing is kept.
    """
    return Answer(scores(body))


@router.post("/evaluations/compare")
def compare(backend: TheBackend, body: JSONBody) -> Answer:
    """`{baseline, others: [ids], measures, test, correction}`: change, p, won, lost and tied."""
    return Answer(backend.evaluations.compare(body))


@router.post(DATASETS)
def create_dataset(platform: ThePlatform, body: JSONBody) -> Answer:
    """`{dataset_name, queries: […]}`.

    A query: `{query_id, query_input, relevant_documents: [ids], relevance_scores: {id: grade}}`.
    """
    return Answer(platform.datasets.create(body))


@router.get(DATASETS)
def list_datasets(platform: ThePlatform, page: ThePage) -> Answer:
    """All datasets, by name."""
    return Answer(_paged("datasets", platform.datasets.list_all(), page, by("dataset_name")))


@router.get(DATASETS + "/{dataset}")
def get_dataset(platform: ThePlatform, dataset: str) -> Answer:
    """One dataset, by name or id."""
    return Answer(platform.datasets.get(dataset))


@router.post(EVALUATIONS, status_code=202)
async def start(backend: TheBackend, retriever: str, body: JSONBody) -> Answer:
    """`{dataset_name, evaluation_config: {metrics, k_values}}`: runs in the background.

    What cannot be measured is refused at once: 422 where no relevant document is in the
    retriever's collections.
    """
    return Answer(await backend.evaluations.start(retriever, body), status_code=202)


@router.post(EVALUATIONS + "/generate-from-interactions")
def generate_dataset(platform: ThePlatform, retriever: str, body: OptionalJSONBody) -> Answer:
    """Make a dataset of what people clicked: `{dataset_name, min_interactions, lookback_days}`."""
    return Answer(platform.datasets.generate(retriever, body))


STATES = ("pending", "in_progress", "completed", "failed")


@router.get(EVALUATIONS)
def list_all(
    backend: TheBackend,
    retriever: str,
    page: ThePage,
    status: Annotated[str | None, Query()] = None,
    dataset_name: Annotated[str | None, Query()] = None,
) -> Answer:
    """A retriever's evaluations, newest first."""
    demand_one_of(status, "status", STATES)
    found = backend.evaluations.list_all(retriever, status, dataset_name)
    return Answer(_paged("evaluations", found, page, by("created_at", "evaluation_id")))


@router.get(EVALUATIONS + "/{evaluation_id}")
def get(backend: TheBackend, retriever: str, evaluation_id: str) -> Answer:
    """One evaluation: its status, and its metrics once it is completed."""
    return Answer(backend.evaluations.get(retriever, evaluation_id))


def _paged(name: str, found: list[JSON], page: Page, place: Place) -> dict[str, JSON]:
    """Mixpeek's shape of these lists, and the usual one beside it."""
    usual = page.of(found, place, is_falling=name == "evaluations")
    return {
        **usual,
        name: usual["results"],
        "total": len(found),
        "page": page.number,
        "page_size": page.size,
    }
