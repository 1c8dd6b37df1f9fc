from shared.extractors.sdk import (
    BatchProcessor,
    ExtractorManifest,
    Feature,
    InferenceService,
    open_asset,
)
from .processors.core import MODEL


class Query(InferenceService):
    def setup(self):
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(MODEL)

    async def infer(self, inputs, parameters):
        return {"embedding": self.model.encode([inputs["text"]])[0].tolist()}
