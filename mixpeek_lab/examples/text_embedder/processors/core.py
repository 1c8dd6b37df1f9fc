"""The batch side: a DataFrame of texts in, the same with vectors out."""

from shared.extractors.sdk import BatchProcessor, prefetch_hf_model

from ..manifest import MODEL


class TextEmbedder(BatchProcessor):
    """Embeds `data`."""

    def setup(self):
        """Load the model, once per actor."""
        prefetch_hf_model(MODEL)
        from sentence_transformers import SentenceTransformer

        self.model = SentenceTransformer(MODEL)

    def process(self, batch):
        """Add `text_embedding`: one vector of 384 floats, of length 1, a row."""
        texts = batch["data"].fillna("").tolist()
        vectors = self.model.encode(texts, batch_size=32, normalize_embeddings=True)
        batch["text_embedding"] = list(vectors)
        return batch
