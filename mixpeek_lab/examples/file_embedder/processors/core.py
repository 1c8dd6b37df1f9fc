from shared.extractors.sdk import (
    BatchProcessor,
    ExtractorManifest,
    Feature,
    InferenceService,
    open_asset,
)

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PASSAGE = 500  # characters


def read(data, mime_type):
    """The text of a file. A PDF comes as its address."""
    if mime_type != "application/pdf":
        return data
    from pypdf import PdfReader

    with open_asset(data) as path:
        text = "\n\n".join(page.extract_text() for page in PdfReader(path).pages)
    if not text.strip():
        raise ValueError("this PDF holds no text: scanned pages need OCR first")
    return text


def cut(text):
    """Passages: paragraphs, put together while they fit; long ones are cut between words."""
    from textwrap import wrap

    passages = [""]
    for paragraph in text.split("\n\n"):
        is_long = len(paragraph) > PASSAGE
        for piece in wrap(paragraph, PASSAGE) if is_long else [paragraph.strip()]:
            if passages[-1] and len(passages[-1]) + len(piece) > PASSAGE:
                passages.append("")
            passages[-1] = f"{passages[-1]}\n\n{piece}".strip()
    return passages


class Passages(BatchProcessor):
    def setup(self):
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(MODEL)

    def process(self, batch):
        files = zip(batch["data"].fillna(""), batch["mime_type"], strict=True)
        batch["data"] = [cut(read(*file)) for file in files]
        batch = batch.explode("data")  # a row for each passage
        batch["passage_embedding"] = self.model.encode(batch["data"].tolist()).tolist()
        return batch
