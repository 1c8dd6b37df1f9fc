"""What `test_playground_lab.py` opens in a notebook: the sample folder with media beside it."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import media_files
import pandas as pd

from mixpeek_lab.corpora import sample_folder, sample_judgements
from mixpeek_lab.workbench import Lab

TONE_STARTS, FILM_STARTS = 0.25, 0.2
EXTRACTOR = f'''
from shared.extractors.sdk import (
    BatchProcessor, ExtractorManifest, Feature, InferenceService, open_asset,
)

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
STARTS = {{"audio/x-wav": {TONE_STARTS}, "audio/wav": {TONE_STARTS}, "video/webm": {FILM_STARTS}}}

manifest = ExtractorManifest(
    feature_extractor_name="shelf_embedder",
    version="1.0.0",
    description="Paragraphs of text, pages of PDF, and other files by their names",
    supported_input_types=["text", "pdf", "image", "audio", "video"],
    dependencies=["pypdf", "sentence-transformers"],
    features=[Feature.embedding("meaning", dim=384)],
    inference_type="embedding",
)


def pieces(data, mime_type):
    """What becomes documents of one file: (data, words to embed, page)."""
    if mime_type.startswith("text/") or mime_type == "application/json":
        found = [each.strip() for each in data.split("\\n\\n") if len(each.strip()) > 60]
        return [(each, each, None) for each in found or [data]]
    if mime_type == "application/pdf":
        from pypdf import PdfReader

        with open_asset(data) as path:
            pages = [page.extract_text() for page in PdfReader(path).pages]
        return [(data, text or "empty page", number) for number, text in enumerate(pages, 1)]
    name = data.rsplit("/", 1)[-1].rsplit(".", 1)[0]
    return [(data, name.replace("%20", " ").replace("-", " "), None)]


class Pieces(BatchProcessor):
    def setup(self):
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(MODEL)

    def process(self, batch):
        files = zip(batch["data"].fillna(""), batch["mime_type"], strict=True)
        batch["start_time"] = [STARTS.get(kind) for kind in batch["mime_type"]]
        batch["piece"] = [pieces(*file) for file in files]
        batch = batch.explode("piece").reset_index(drop=True)
        found = batch.pop("piece").tolist()
        batch["data"] = [data for data, _, _ in found]
        batch["page_number"] = [page for _, _, page in found]
        batch["meaning"] = self.model.encode([words for _, words, _ in found]).tolist()
        return batch


class Query(InferenceService):
    def setup(self):
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(MODEL)

    async def infer(self, inputs, parameters):
        return {{"embedding": self.model.encode([inputs["text"]])[0].tolist()}}
'''


def shelf(folder: Path) -> Path:
    """The sample folder, a tone and, where ffmpeg is, a film."""
    shutil.copytree(sample_folder(), folder, dirs_exist_ok=True)
    (folder / "media").mkdir(exist_ok=True)
    (folder / "media" / "pager-alarm-tone.wav").write_bytes(media_files.wav(1.0))
    if media_files.FFMPEG:
        media_files.film(folder / "media" / "harbour-camera.webm", "-t", "0.5")
    return folder


def fill(lab: Lab, folder: Path) -> None:
    """Index the shelf on the lab's engine, and keep the retriever `find`."""
    lab.define("shelf_embedder", EXTRACTOR)
    lab.bucket("shelf", shelf(folder))
    lab.process("shelf", "shelf_embedder", "pieces")
    searches = [{"feature": "meaning", "name": "meaning"}, {"lexical": True, "name": "words"}]
    lab.retriever("find", {"collection": "pieces", "searches": searches})


def read(frame: Any, columns: Sequence[str]) -> list[list[Any]]:
    """Columns of a DataFrame as JSON takes them: None where nothing is."""
    return [[None if pd.isna(v) else v for v in frame[name].tolist()] for name in columns]


def judgements(count: int) -> tuple[dict[str, Any], dict[str, str]]:
    """(qrels, queries) of the sample's first questions."""
    queries, qrels = sample_judgements()
    chosen = list(queries)[:count]
    return {key: qrels[key] for key in chosen}, {key: queries[key] for key in chosen}
