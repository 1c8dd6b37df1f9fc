"""The model of the page's filing example: a checkpoint made here, since no package has it."""

from __future__ import annotations

import os
from pathlib import Path

TEXTS = [
    "Cats purr when they are content.",
    "Dogs bark at strangers.",
    "The central bank raised interest rates.",
    "Rivers flood after heavy rain.",
]
"""What the vocabularies are made of."""
BASE = "models--BAAI--bge-base-en-v1.5"


def make_bge_base(folder: Path) -> Path:
    """A checkpoint of bge-base's architecture and width, one layer deep, in the hub cache.

    The real weights are in no package; the code that loads them here is the real one.
    """
    from sentence_transformers import SentenceTransformer, models
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Whitespace
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    words = sorted({word for text in TEXTS for word in text.replace(".", " .").split()})
    vocabulary = {token: i for i, token in enumerate(["[PAD]", "[UNK]", "[CLS]", "[SEP]", *words])}
    raw = Tokenizer(WordLevel(vocabulary, unk_token="[UNK]"))
    raw.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=raw, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]",
        sep_token="[SEP]",
    )  # fmt: skip
    config = BertConfig(
        vocab_size=len(vocabulary), hidden_size=768, num_hidden_layers=1, num_attention_heads=12,
        intermediate_size=768,
    )  # fmt: skip
    BertModel(config).save_pretrained(folder / "bert")
    tokenizer.save_pretrained(folder / "bert")
    transformer = models.Transformer(str(folder / "bert"))
    pooling = models.Pooling(768, pooling_mode="cls")
    cache = Path(os.environ["HF_HOME"]) / "hub" / BASE
    snapshot = cache / "snapshots" / ("0" * 40)
    SentenceTransformer(modules=[transformer, pooling]).save(str(snapshot))
    (cache / "refs").mkdir(parents=True)
    (cache / "refs" / "main").write_text("0" * 40)
    return snapshot
