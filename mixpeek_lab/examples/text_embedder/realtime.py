"""The query side: one text in, its vector out."""

from shared.extractors.sdk import InferenceService

from .manifest import MODEL


class TextEmbedderService(InferenceService):
    """Embeds a query."""

    def setup(self):
        """Load the model, once per replica."""
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(MODEL)

    async def infer(self, inputs, parameters):
        """`{"text": …}` → `{"embedding": [384 floats]}`."""
        text = inputs.get("text", "")
        vector = self.model.encode([text], normalize_embeddings=True, show_progress_bar=False)
        return {"embedding": vector[0].tolist()}
