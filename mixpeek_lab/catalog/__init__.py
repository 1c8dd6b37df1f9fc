"""The catalog: what the lab knows, in one SQLite file that several processes open at once."""

from mixpeek_lab.catalog.batches import Batch
from mixpeek_lab.catalog.blob_uploads import BlobUpload
from mixpeek_lab.catalog.changes import Changes
from mixpeek_lab.catalog.commits import Commit
from mixpeek_lab.catalog.contents import ObjectRecord
from mixpeek_lab.catalog.deployments import Deployment
from mixpeek_lab.catalog.edits import DocumentEdit
from mixpeek_lab.catalog.evaluations import DatasetRecord, EvaluationRecord
from mixpeek_lab.catalog.interactions import Interaction
from mixpeek_lab.catalog.namespaces import DEFAULT, Namespace
from mixpeek_lab.catalog.pushes import Push
from mixpeek_lab.catalog.records import (
    ExtractorRecord,
    InputRow,
    Parent,
    RetrieverRecord,
    new_id,
    now,
)
from mixpeek_lab.catalog.run_rows import FailureKind, RunRow
from mixpeek_lab.catalog.store import Catalog
from mixpeek_lab.catalog.tasks import Task
from mixpeek_lab.catalog.uploads import Upload

__all__ = [
    "DEFAULT",
    "Batch",
    "BlobUpload",
    "Catalog",
    "Changes",
    "Commit",
    "DatasetRecord",
    "Deployment",
    "DocumentEdit",
    "EvaluationRecord",
    "ExtractorRecord",
    "FailureKind",
    "InputRow",
    "Interaction",
    "Namespace",
    "ObjectRecord",
    "Parent",
    "Push",
    "RetrieverRecord",
    "RunRow",
    "Task",
    "Upload",
    "new_id",
    "now",
]
