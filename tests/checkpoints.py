"""Tiny checkpoints of the built-in models' architectures, with random weights, in the hub cache.

The real weights are in no package. What loads and runs these is the code that runs the real ones.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace
from tokenizers.processors import TemplateProcessing
from transformers import (
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipModel,
    SiglipTokenizer,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    XLMRobertaConfig,
    XLMRobertaForSequenceClassification,
    XLMRobertaModel,
)

from mixpeek_lab.builtin_models.e5 import TASK

E5 = "intfloat/multilingual-e5-large-instruct"
SIGLIP = "google/siglip-base-patch16-224"
JINA = "jinaai/jina-embeddings-v2-base-code"
BGE = "BAAI/bge-reranker-v2-m3"
WHISPER = "openai/whisper-large-v3-turbo"

WORDS = dict.fromkeys(
    f"""{TASK} Instruct Query : cats dogs purr bark river flood after heavy rain interest rates
    def return print ( ) x y red blue square""".replace(",", " ,").split()
)
REVISION = "0" * 40


def place(repo: str, save: Callable[[Path], object]) -> Path:
    """A hub cache entry that `save(folder)` fills; its folder. One that is there is replaced."""
    entry = Path(os.environ["HF_HOME"], "hub", f"models--{repo.replace('/', '--')}")
    shutil.rmtree(entry, ignore_errors=True)
    snapshot = entry / "snapshots" / REVISION
    snapshot.mkdir(parents=True)
    (entry / "refs").mkdir()
    (entry / "refs" / "main").write_text(REVISION)
    save(snapshot)
    return snapshot


def word_tokenizer() -> PreTrainedTokenizerFast:
    """Words of WORDS, with XLM-RoBERTa's special tokens around one text and between two."""
    special = ["<s>", "<pad>", "</s>", "<unk>"]
    raw = Tokenizer(
        WordLevel({w: i for i, w in enumerate(dict.fromkeys([*special, *WORDS]))}, "<unk>")
    )
    raw.pre_tokenizer = Whitespace()
    raw.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=raw, bos_token="<s>", eos_token="</s>", unk_token="<unk>",
        pad_token="<pad>", cls_token="<s>", sep_token="</s>", model_max_length=64,
    )  # fmt: skip


def roberta_config(**more: object) -> XLMRobertaConfig:
    return XLMRobertaConfig(
        vocab_size=len(WORDS) + 4, hidden_size=32, num_hidden_layers=2, num_attention_heads=4,
        intermediate_size=64, max_position_embeddings=66, pad_token_id=1, bos_token_id=0,
        eos_token_id=2, type_vocab_size=1, **more,
    )  # fmt: skip


def make_e5() -> Path:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    def save(folder: Path) -> None:
        torch.manual_seed(1)
        inner = folder / "inner"
        XLMRobertaModel(roberta_config()).save_pretrained(inner)
        word_tokenizer().save_pretrained(inner)
        parts = [Transformer(str(inner)), Pooling(32, "mean"), Normalize()]
        SentenceTransformer(modules=parts).save(str(folder))
        shutil.rmtree(inner)

    return place(E5, save)


def make_bge() -> Path:
    def save(folder: Path) -> None:
        torch.manual_seed(2)
        config = roberta_config(num_labels=1)
        XLMRobertaForSequenceClassification(config).save_pretrained(folder)
        word_tokenizer().save_pretrained(folder)

    return place(BGE, save)


IMAGES = {
    "image_processor_type": "SiglipImageProcessor", "do_resize": True, "do_rescale": True,
    "do_normalize": True, "resample": 3, "rescale_factor": 0.00392156862745098,
    "image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5],
    "size": {"height": 32, "width": 32},
}  # fmt: skip
"""SigLIP's published preprocessor_config.json, for smaller images."""


def make_siglip() -> Path:
    import sentencepiece

    def save(folder: Path) -> None:
        torch.manual_seed(3)
        written = io.BytesIO()
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=iter([" ".join(WORDS).lower()] * 20), model_writer=written,
            vocab_size=60, hard_vocab_limit=False, pad_id=0, eos_id=1, unk_id=2, bos_id=-1,
            minloglevel=2,
        )  # fmt: skip
        (folder / "spiece.model").write_bytes(written.getvalue())
        tokenizer = SiglipTokenizer(str(folder / "spiece.model"), model_max_length=64)
        tower = {"hidden_size": 48, "intermediate_size": 64, "num_hidden_layers": 1,
                 "num_attention_heads": 4}  # fmt: skip
        config = SiglipConfig(
            text_config={**tower, "vocab_size": tokenizer.vocab_size, "projection_size": 48},
            vision_config={**tower, "image_size": 32, "patch_size": 16},
        )
        SiglipModel(config).save_pretrained(folder)
        tokenizer.save_pretrained(folder)
        (folder / "preprocessor_config.json").write_text(json.dumps(IMAGES))

    return place(SIGLIP, save)


def make_jina() -> Path:
    from transformers import BertConfig

    from mixpeek_lab.builtin_models.jina_bert import JinaBert

    def save(folder: Path) -> None:
        torch.manual_seed(4)
        config = BertConfig(
            vocab_size=len(WORDS) + 4, hidden_size=24, num_hidden_layers=2, num_attention_heads=6,
            intermediate_size=40, pad_token_id=1,
        )  # fmt: skip
        model = JinaBert(config)
        for parameter in model.parameters():  # or biases are 0 and norms 1, and errors hide
            torch.nn.init.normal_(parameter, std=0.5)
        model.save_pretrained(folder)
        word_tokenizer().save_pretrained(folder)
        weights = load_file(folder / "model.safetensors")
        weights["pooler.dense.weight"] = torch.zeros(24, 24)  # the published file has one too
        save_file(weights, folder / "model.safetensors", {"format": "pt"})
        said = json.loads((folder / "config.json").read_text())
        said |= {  # what the published config says for the repository's own code
            "position_embedding_type": "alibi", "feed_forward_type": "geglu",
            "attn_implementation": "torch", "model_type": "bert",
            "auto_map": {"AutoModel": "jinaai/jina-bert-v2-qk-post-norm--modeling_bert.JinaBert"},
        }  # fmt: skip
        (folder / "config.json").write_text(json.dumps(said))

    return place(JINA, save)


LANGUAGES = ("en", "de")


def make_whisper() -> Path:
    """Of 10 ms a frame and 30 s a chunk, as the real one; English and German; texts of 8 tokens."""
    from transformers import GenerationConfig, WhisperTokenizer

    def save(folder: Path) -> None:
        torch.manual_seed(5)
        plain = {chr(i): n for n, i in enumerate(range(33, 127))}
        plain["Ġ"] = len(plain)
        tokenizer = WhisperTokenizer(
            vocab=plain, merges=[], unk_token="<|endoftext|>", bos_token="<|endoftext|>",
            eos_token="<|endoftext|>", pad_token="<|endoftext|>",
        )  # fmt: skip
        special = ["<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES),
                   "<|translate|>", "<|transcribe|>", "<|startoflm|>", "<|startofprev|>",
                   "<|nospeech|>", "<|notimestamps|>"]  # fmt: skip
        tokenizer.add_special_tokens({"additional_special_tokens": special})
        tokenizer.add_tokens([f"<|{i * 0.02:.2f}|>" for i in range(1501)])
        ids = {token: tokenizer.convert_tokens_to_ids(token) for token in special}
        end = tokenizer.eos_token_id
        config = WhisperConfig(
            vocab_size=len(tokenizer), num_mel_bins=80, d_model=16, encoder_layers=1,
            decoder_layers=1, encoder_attention_heads=2, decoder_attention_heads=2,
            encoder_ffn_dim=32, decoder_ffn_dim=32, max_target_positions=32, pad_token_id=end,
            bos_token_id=end, eos_token_id=end, decoder_start_token_id=ids["<|startoftranscript|>"],
            suppress_tokens=None, begin_suppress_tokens=None,
        )  # fmt: skip
        model = WhisperForConditionalGeneration(config)
        model.generation_config = GenerationConfig(
            is_multilingual=True, no_timestamps_token_id=ids["<|notimestamps|>"],
            lang_to_id={f"<|{code}|>": ids[f"<|{code}|>"] for code in LANGUAGES},
            task_to_id={"transcribe": ids["<|transcribe|>"], "translate": ids["<|translate|>"]},
            decoder_start_token_id=ids["<|startoftranscript|>"], pad_token_id=end,
            bos_token_id=end, eos_token_id=end, max_length=16, return_timestamps=False,
            prev_sot_token_id=ids["<|startofprev|>"], max_initial_timestamp_index=50,
        )  # fmt: skip
        model.save_pretrained(folder)
        WhisperProcessor(WhisperFeatureExtractor(feature_size=80), tokenizer).save_pretrained(
            folder
        )

    return place(WHISPER, save)
