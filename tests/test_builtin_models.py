"""The built-in models, on tiny checkpoints of their architectures, each computed a second way."""

from __future__ import annotations

import asyncio
import math
import pickle
import shutil
import subprocess
import sys
import threading
import wave
from pathlib import Path

import checkpoints
import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from probes import load_probe, probe, rows, run

from mixpeek_lab.builtin_models import MODELS, get_batch_service
from mixpeek_lab.builtin_models.loading import Placement, place
from mixpeek_lab.container import Container, SecretsHandle
from mixpeek_lab.errors import InvalidInputError, LabError, ManifestError, NotFoundError
from mixpeek_lab.sdk import AssetError, ResourceType
from mixpeek_lab.secrets import SecretStore
from mixpeek_lab.source import write_source

TEXTS = ["cats purr", "dogs bark after heavy rain that river"]
QUERY = (
    "Instruct: Given a web search query, retrieve relevant passages that answer the query\nQuery: "
)

needs_ffmpeg = pytest.mark.skipif(not shutil.which("ffmpeg"), reason="not installed: ffmpeg")


@pytest.fixture(scope="module")
def e5():
    return checkpoints.make_e5()


@pytest.fixture(scope="module")
def siglip():
    return checkpoints.make_siglip()


@pytest.fixture(scope="module")
def jina():
    return checkpoints.make_jina()


@pytest.fixture(scope="module")
def bge():
    return checkpoints.make_bge()


@pytest.fixture(scope="module")
def whisper():
    return checkpoints.make_whisper()


def frame(*values, **more):
    return pd.DataFrame({"data": list(values), **more})


def column(service, *values, **more):
    """What a service adds to a batch of these values."""
    result = service(frame(*values, **more))
    assert len(result) == len(values)
    return list(result[service.config.output_column_name])


def units(vectors):
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# ------------------------------------------------------------------------------------ E5


def mean_of_tokens(folder, texts):
    """Tokenise, run, take the mean over the tokens, scale to length 1: one text at a time."""
    from transformers import PreTrainedTokenizerFast, XLMRobertaModel

    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = XLMRobertaModel.from_pretrained(folder).eval()
    found = []
    for text in texts:
        with torch.no_grad():
            states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        found.append(states.mean(0).numpy())
    return units(np.stack(found))


def test_e5_gives_the_mean_of_the_tokens_of_length_1(e5):
    vectors = column(get_batch_service(checkpoints.E5)(), *TEXTS)
    np.testing.assert_allclose(np.stack(vectors), mean_of_tokens(e5, TEXTS), atol=1e-5)
    assert vectors[0].dtype == np.float32


def test_e5_puts_the_instruction_before_queries_and_nothing_before_documents(e5):
    service = get_batch_service(checkpoints.E5)({"input_type": "query"})
    queries = mean_of_tokens(e5, [QUERY + text for text in TEXTS])
    np.testing.assert_allclose(np.stack(column(service, *TEXTS)), queries, atol=1e-5)
    asked = service.infer({"text": TEXTS[0], "vector_index": "v"})["embedding"]
    np.testing.assert_allclose(asked, queries[0], atol=1e-5)
    told = service.infer({"texts": TEXTS}, {"input_type": "document"})["embeddings"]
    np.testing.assert_allclose(told, mean_of_tokens(e5, TEXTS), atol=1e-5)
    other = service.infer({"text": TEXTS[0]}, {"task": "def return"})["embedding"]
    wanted = mean_of_tokens(e5, [f"Instruct: def return\nQuery: {TEXTS[0]}"])
    np.testing.assert_allclose(other, wanted[0], atol=1e-5)


def test_rows_without_text_get_no_vector(e5):
    found = column(get_batch_service(checkpoints.E5)(), None, "cats", "  ", float("nan"))
    assert [vector is not None for vector in found] == [False, True, False, False]


# ------------------------------------------------------------------------------------ SigLIP


@pytest.fixture
def pictures(tmp_path):
    """Two image files, one with an alpha channel."""
    paths = [tmp_path / "red.png", tmp_path / "blue.png"]
    Image.new("RGBA", (50, 40), (255, 0, 0, 128)).save(paths[0])
    Image.effect_noise((64, 64), 90).convert("RGB").save(paths[1])
    return paths


def pixels(path):
    """SigLIP's preprocessing by hand: RGB, 32 x 32 by bicubic resampling, -1 to 1."""
    image = Image.open(path).convert("RGB").resize((32, 32), Image.Resampling.BICUBIC)
    return torch.tensor(np.asarray(image) / 127.5 - 1, dtype=torch.float32).permute(2, 0, 1)


def test_siglip_embeds_images_and_texts_into_one_space(siglip, pictures):
    from transformers import SiglipModel, SiglipTokenizer

    service = get_batch_service(checkpoints.SIGLIP)()
    mixed = column(
        service, str(pictures[0]), "red cats", pictures[1].as_uri(), None,
        mime_type=["image/png", "text/plain", "image/png", "image/png"],
    )  # fmt: skip
    model = SiglipModel.from_pretrained(siglip).eval()
    ids = SiglipTokenizer.from_pretrained(siglip)("red cats")["input_ids"]
    padded = torch.tensor([ids + [1] * (64 - len(ids))])
    with torch.no_grad():
        images = model.get_image_features(torch.stack([pixels(path) for path in pictures]))
        texts = model.get_text_features(padded)
    wanted = units(np.concatenate([images.pooler_output.numpy(), texts.pooler_output.numpy()]))
    np.testing.assert_allclose(np.stack([mixed[0], mixed[2], mixed[1]]), wanted, atol=1e-4)
    assert mixed[3] is None
    answer = service.infer({"images": [Image.open(pictures[0]), pictures[1].read_bytes()]})
    np.testing.assert_allclose(answer["embeddings"], wanted[:2], atol=1e-4)
    np.testing.assert_allclose(
        service.infer({"text": "red cats"})["embedding"], wanted[2], atol=1e-4
    )


IMAGE_STEP = f"""
from shared.inference.registry import get_batch_service
from shared.extractors.sdk import StepDefinition

def build_steps(extractor_request, **kwargs):
    service = get_batch_service({checkpoints.SIGLIP!r})
    return {{"steps": [StepDefinition(service_class=service, config={{"batch_size": 2}})]}}
"""


def test_an_image_that_cannot_be_read_fails_alone(siglip, pictures, tmp_path):
    (tmp_path / "no.png").write_text("no image")
    (tmp_path / "cut.png").write_bytes(pictures[1].read_bytes()[:600])
    Image.open(pictures[0]).convert("RGB").save(tmp_path / "eps.png", format="EPS")
    names = ["red.png", "no.png", "absent.png", "blue.png", "cut.png", "eps.png"]
    source = probe("return batch", vectors={"embedding": 48}, pipeline=IMAGE_STEP)
    table = rows(*(str(tmp_path / name) for name in names))
    good, failures = run(source, tmp_path / "home", table, vectors={"embedding": 48})
    assert [Path(row["data"]).name for row in good] == ["red.png", "blue.png"]
    assert all(len(row["embedding"]) == 48 for row in good)
    told = [f"{failure.kind}: {failure.message}" for failure in failures]
    assert len(told) == 4
    assert "no.png' is no image that Pillow reads" in told[0]
    assert told[1].startswith("AssetError:")
    assert "cut.png' is damaged or cut short" in told[2]
    assert "eps.png' is no image that Pillow reads" in told[3]


# ------------------------------------------------------------------------------------ Jina


def jina_by_hand(folder, text):
    """The architecture again, in NumPy and on one text: no batch, no padding, no mask."""
    from safetensors.numpy import load_file
    from transformers import PreTrainedTokenizerFast

    weights = load_file(folder / "model.safetensors")

    def norm(x, name):
        scaled = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    def linear(x, name):
        return x @ weights[f"{name}.weight"].T + weights.get(f"{name}.bias", 0)

    # ALiBi's slopes for 6 heads: 4 for the nearest power of two, and every second of 8's.
    slopes = [2**-2, 2**-4, 2**-6, 2**-8, 2**-1, 2**-3]
    ids = PreTrainedTokenizerFast.from_pretrained(folder)(text)["input_ids"]
    place = np.arange(len(ids))
    distance = np.abs(place[:, None] - place[None, :])
    x = weights["embeddings.word_embeddings.weight"][ids]
    x = norm(x + weights["embeddings.token_type_embeddings.weight"][0], "embeddings.LayerNorm")
    for layer in ("encoder.layer.0", "encoder.layer.1"):
        own = f"{layer}.attention.self"
        q = norm(linear(x, f"{own}.query"), f"{own}.layer_norm_q")
        k = norm(linear(x, f"{own}.key"), f"{own}.layer_norm_k")
        v, mixed = linear(x, f"{own}.value"), []
        for head, slope in enumerate(slopes):
            part = slice(4 * head, 4 * head + 4)
            scores = np.exp(q[:, part] @ k[:, part].T / 2 - slope * distance)
            mixed.append(scores / scores.sum(-1, keepdims=True) @ v[:, part])
        out = f"{layer}.attention.output"
        attended = norm(linear(np.concatenate(mixed, -1), f"{out}.dense") + x, f"{out}.LayerNorm")
        x = norm(x + attended, f"{layer}.layer_norm_1")
        up, gate = np.split(linear(x, f"{layer}.mlp.up_gated_layer"), 2, -1)
        gelu = gate * (1 + np.vectorize(math.erf)(gate / np.sqrt(2))) / 2
        x = norm(x + linear(up * gelu, f"{layer}.mlp.down_layer"), f"{layer}.layer_norm_2")
    return units(x.mean(0, keepdims=True))[0]


def test_jina_runs_without_the_repositorys_code(jina):
    code = ["def x ( y ) : return y", "print ( x )", "cats"]
    service = get_batch_service(checkpoints.JINA)({"batch_size": 2})
    wanted = np.stack([jina_by_hand(jina, text) for text in code])
    np.testing.assert_allclose(np.stack(column(service, *code)), wanted, atol=1e-4)
    np.testing.assert_allclose(service.infer({"texts": code})["embeddings"], wanted, atol=1e-4)
    short = service.infer({"text": code[0]}, {"max_tokens": 4})["embedding"]
    np.testing.assert_allclose(short, jina_by_hand(jina, "def x"), atol=1e-4)


def test_another_architecture_under_jinas_name_is_refused(jina, bge):
    def plain_bert(folder):
        shutil.copytree(bge, folder, dirs_exist_ok=True)

    checkpoints.place(checkpoints.JINA, plain_bert)
    try:
        # A revision that nothing in this process has loaded.
        service = get_batch_service(checkpoints.JINA)({"revision": checkpoints.REVISION})
        with pytest.raises(LabError, match="'alibi' and 'geglu' are expected"):
            service.ensure_setup()
    finally:
        checkpoints.make_jina()


# ------------------------------------------------------------------------------------ reranker


def test_the_reranker_scores_pairs_as_the_model_does(bge):
    from transformers import PreTrainedTokenizerFast, XLMRobertaForSequenceClassification

    model = XLMRobertaForSequenceClassification.from_pretrained(bge).eval()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(bge)
    with torch.no_grad():
        logits = [
            model(**tokenizer("cats", text, return_tensors="pt")).logits.item() for text in TEXTS
        ]
    service = get_batch_service(checkpoints.BGE)()
    pairs = [["cats", text] for text in TEXTS]
    assert service.infer({"pairs": pairs})["scores"] == pytest.approx(logits, abs=1e-5)
    asked = service.infer({"query": "cats", "documents": TEXTS}, {"normalize": True})["scores"]
    assert asked == pytest.approx([1 / (1 + math.exp(-x)) for x in logits], abs=1e-5)
    own = column(service, *TEXTS, None, query=["cats", "cats", "cats"])
    assert own == [*map(pytest.approx, logits), None]
    long = service.infer({"pairs": [["cats", "rain " * 5000]]})  # cut to what the model takes
    assert len(long["scores"]) == 1
    with pytest.raises(InvalidInputError, match=r"got documents. Give pairs, or query and"):
        service.infer({"documents": TEXTS})
    one = column(get_batch_service(checkpoints.BGE)({"query": "cats"}), *TEXTS)
    assert one == pytest.approx(logits, abs=1e-5)


# ------------------------------------------------------------------------------------ Whisper


def sound(path, seconds, rate=16_000, channels=1):
    """A file of noise, the same every time."""
    samples = np.random.default_rng(7).normal(scale=3000, size=int(seconds * rate))
    with wave.open(str(path), "wb") as file:
        file.setparams((channels, 2, rate, 0, "NONE", ""))
        file.writeframes(np.repeat(samples.astype("<i2"), channels).tobytes())
    return samples.astype("<i2").astype(np.float32) / 32768


@needs_ffmpeg
def test_whisper_hears_what_the_model_generates(whisper, tmp_path):
    from transformers import WhisperForConditionalGeneration, WhisperProcessor

    samples = sound(tmp_path / "a.wav", 2.5)
    sound(tmp_path / "stereo.wav", 2.5, channels=2)
    processor = WhisperProcessor.from_pretrained(whisper)
    model = WhisperForConditionalGeneration.from_pretrained(whisper).eval()
    features = processor(samples, sampling_rate=16_000, return_tensors="pt").input_features
    assert features.shape == (1, 80, 3000)
    ids = model.generate(features, language="de", task="transcribe", return_timestamps=True)
    wanted = processor.batch_decode(ids, skip_special_tokens=True)[0].strip()
    service = get_batch_service(checkpoints.WHISPER)(
        {"language": "de", "segments_column_name": "parts"}
    )
    batch = frame(str(tmp_path / "a.wav"), None, (tmp_path / "stereo.wav").read_bytes())
    result = service(batch)
    assert wanted
    assert list(result["transcription"]) == [wanted, None, wanted]
    assert all(0 <= p["start"] <= 2.5 and p["end"] <= 2.5 for p in result["parts"][0])
    assert service.infer({"audio": samples})["text"] == wanted


def test_whisper_hears_long_sound_in_chunks(whisper):
    samples = np.random.default_rng(1).normal(scale=0.1, size=16_000 * 12).astype(np.float32)
    service = get_batch_service(checkpoints.WHISPER)({"max_new_tokens": 4})
    whole = service.infer({"audio": samples})["text"]
    cut = service.infer({"audio": samples}, {"chunk_seconds": 3})["text"]
    assert len(cut) > len(whole) > 0
    assert service.infer({"audio": samples[:0]}) == {"text": ""}
    with pytest.raises(InvalidInputError, match=r"is int16 .* floats between -1 and 1"):
        service.infer({"audio": samples.astype(np.int16)})


@needs_ffmpeg
def test_what_has_no_sound_is_told(whisper, tmp_path):
    (tmp_path / "a.mp3").write_text("#EXTM3U\nhttp://127.0.0.1/x.ts\n")
    service = get_batch_service(checkpoints.WHISPER)()
    with pytest.raises(InvalidInputError, match=r"ffmpeg finds no sound in .*a.mp3"):
        service(frame(str(tmp_path / "a.mp3")))
    with pytest.raises(AssetError, match="no such file"):
        service(frame(str(tmp_path / "absent.mp3")))


# ------------------------------------------------------------------------------------ configs


def test_an_unknown_model_is_told_with_those_there_are():
    with pytest.raises(NotFoundError, match="Did you mean 'BAAI/bge-reranker-v2-m3'"):
        get_batch_service("BAAI/bge-reranker-v2")
    with pytest.raises(NotFoundError) as told:
        get_batch_service("org/model")
    assert all(model in str(told.value) for model in MODELS)
    assert get_batch_service("baai/BGE-reranker-v2-m3") is get_batch_service(checkpoints.BGE)


def test_misspelt_fields_are_told_with_the_name_that_was_meant():
    service = get_batch_service(checkpoints.E5)
    with pytest.raises(
        InvalidInputError, match=r"no field 'text_colum'. Did you mean 'text_column'"
    ):
        service({"text_colum": "data"})
    with pytest.raises(ValueError, match="Did you mean 'output_column_name'"):
        service.config_class(output_column="embedding")
    with pytest.raises(InvalidInputError, match=r"batch_size: .*greater than or equal to 1"):
        service({"batch_size": 0})
    with pytest.raises(InvalidInputError, match=r"is builtins.*|its config is str"):
        service("text_column")
    siglip = get_batch_service(checkpoints.SIGLIP).config_class()
    with pytest.raises(InvalidInputError, match="not this model's"):
        service(siglip)
    with pytest.raises(InvalidInputError, match=r"no input 'txt'. Did you mean 'text'"):
        service().infer({"txt": "cats"})
    with pytest.raises(InvalidInputError, match=r"no parameter 'tusk'. Did you mean 'task'"):
        service().infer({"text": "cats"}, {"tusk": "x"})
    with pytest.raises(InvalidInputError, match="Give one of: text, texts"):
        service().infer({})
    with pytest.raises(InvalidInputError, match="one input at a time, and got text, texts"):
        service().infer({"text": "cats", "texts": ["cats"]})
    with pytest.raises(InvalidInputError, match=r"'texts' is str, not a list.*write 'text'"):
        service().infer({"texts": "cats"})


def test_a_column_that_is_not_there_is_told(e5):
    with pytest.raises(InvalidInputError, match="reads the column 'text', and the batch has: data"):
        get_batch_service(checkpoints.E5)({"text_column": "text"})(frame("cats"))


def test_a_model_that_is_not_at_hand_is_told():
    service = get_batch_service(checkpoints.E5)({"revision": "absent"})
    with pytest.raises(LabError, match=r"multilingual-e5-large-instruct.*not in the local cache"):
        service.ensure_setup()


def test_the_gpu_is_for_steps_that_asked_for_one(e5, monkeypatch):
    service = get_batch_service(checkpoints.E5)
    with pytest.raises(InvalidInputError, match="half precision is slower"):
        service({"torch_dtype": "float16"}, resource_type="cpu").ensure_setup()
    if not torch.cuda.is_available():
        with pytest.raises(InvalidInputError, match="sees no GPU"):
            service({"device": "cuda"}).ensure_setup()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    config = service.config_class(torch_dtype="float16")
    assert place("m", config, ResourceType.GPU).device == "cuda"
    assert place("m", service.config_class(), ResourceType.CPU).device == "cpu"
    assert place("m", service.config_class(device="cpu"), ResourceType.GPU).device == "cpu"


def test_a_service_travels_without_its_model_and_a_process_loads_it_once(e5):
    service = get_batch_service(checkpoints.E5)()
    models = []
    threads = [threading.Thread(target=lambda: models.append(service.model)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    copy = pickle.loads(pickle.dumps(service))
    assert len(pickle.dumps(service)) < 2000
    assert {id(model) for model in [*models, copy.model]} == {id(models[0])}


# ------------------------------------------------------------------------------------ in a lab

STEPS = """
from shared.inference.registry import get_batch_service
from shared.inference.{package}.models import InferenceConfigs
from shared.extractors.sdk import StepDefinition, ResourceType

def build_steps(extractor_request, container=None, **kwargs):
    service = get_batch_service({model!r})
    config = InferenceConfigs(output_column_name="vec")
    return {{"steps": [StepDefinition(service, ResourceType.CPU, config)]}}
"""


def with_model(lab, tmp_path, package, model, dim, name="built"):
    load_probe(
        lab, tmp_path, "return batch", name=name, vectors={"vec": dim},
        pipeline=STEPS.format(package=package, model=model),
    )  # fmt: skip
    lab.bucket("b", TEXTS)
    return lab.process("b", name, name, engine="kernel")


def test_a_dimension_that_the_model_does_not_have_is_refused_before_it_loads(
    e5, siglip, kernel_lab, tmp_path, monkeypatch
):
    monkeypatch.setattr(get_batch_service(checkpoints.E5), "open", None)
    with pytest.raises(ManifestError, match=r"e5.*of 32 values, and the manifest declares 1024"):
        with_model(kernel_lab, tmp_path, "intfloat.multilingual_e5_large_instruct",
                   checkpoints.E5, 1024)  # fmt: skip
    told = r"siglip.*of 48 values, .* declares 512 for 'vec'. Set its embedding_dim to 48.*says 512"
    with pytest.raises(ManifestError, match=told):
        with_model(kernel_lab, tmp_path, "google.siglip_base_patch16_224",
                   checkpoints.SIGLIP, 512, "images")  # fmt: skip


def test_the_published_config_of_siglip_means_768():
    service = get_batch_service(checkpoints.SIGLIP)
    published = {"model_type": "siglip", "vision_config": {"model_type": "siglip_vision_model"}}
    assert service.dimension(published) == 768


def test_a_built_in_step_makes_documents_in_a_lab(e5, kernel_lab, tmp_path):
    package = "intfloat.multilingual_e5_large_instruct"
    report = with_model(kernel_lab, tmp_path, package, checkpoints.E5, 32)
    assert (report.documents, report.vectors) == (2, {"vec": 2})
    found = kernel_lab.sql("SELECT data, vec FROM built ORDER BY data").table
    vectors = np.stack(found.column("vec").to_pylist())
    np.testing.assert_allclose(vectors, mean_of_tokens(e5, TEXTS), atol=1e-5)


def test_the_container_gives_handles_that_travel(e5, bge, tmp_path):
    container = Container(SecretsHandle(SecretStore(tmp_path)))
    model = pickle.loads(pickle.dumps(container)).inference.get(checkpoints.E5, {"batch_size": 2})
    assert pickle.loads(pickle.dumps(model)) == model
    wanted = mean_of_tokens(e5, [QUERY + TEXTS[0]])[0]
    answer = asyncio.run(model.infer({"text": TEXTS[0], "vector_index": "v"}))
    np.testing.assert_allclose(answer["embedding"], wanted, atol=1e-5)
    np.testing.assert_allclose(
        asyncio.run(model({"text": TEXTS[0]}))["embedding"], wanted, atol=1e-5
    )
    batch = model(frame(*TEXTS))  # a step itself
    np.testing.assert_allclose(np.stack(batch["embedding"]), mean_of_tokens(e5, TEXTS), atol=1e-5)
    scores = container.inference.get(checkpoints.BGE).infer_sync({"pairs": [["cats", "purr"]]})
    assert len(scores["scores"]) == 1
    with pytest.raises(NotFoundError, match="built-in model"):
        container.inference.get("org/model")
    with pytest.raises(InvalidInputError, match="Did you mean 'text_column'"):
        container.inference.get(checkpoints.E5, {"text_col": "data"})


HANDLED = f"""
def build_steps(extractor_request, container=None, **kwargs):
    return {{"steps": [container.inference.get({checkpoints.E5!r})]}}
"""
QUERIES = f"""
from shared.inference.registry import get_batch_service

def get_inference_service(**kwargs):
    return get_batch_service({checkpoints.E5!r})()
"""


def test_a_handle_is_a_step_and_the_service_answers_queries(e5, kernel_lab, tmp_path):
    source = probe("return batch", name="handled", vectors={"embedding": 32}, pipeline=HANDLED)
    write_source(source.with_file("realtime.py", QUERIES), tmp_path / "handled")
    assert kernel_lab.load(tmp_path / "handled").is_kept
    kernel_lab.bucket("b", TEXTS)
    report = kernel_lab.process("b", "handled", "handled", engine="kernel")
    assert report.vectors == {"embedding": 2}
    kernel_lab.retriever("r", {"collection": "handled", "searches": [{"feature": "embedding"}]})
    (leg,) = kernel_lab.search("r", "cats").legs
    wanted = mean_of_tokens(e5, TEXTS) @ mean_of_tokens(e5, [f"{QUERY}cats"])[0]
    assert sorted(leg.scores) == pytest.approx(sorted(wanted), abs=1e-5)


def test_what_was_done_before_a_failure_is_not_done_again(siglip, pictures, tmp_path, monkeypatch):
    service, seen = get_batch_service(checkpoints.SIGLIP)({"batch_size": 1}), []
    embed = service._embed_images
    monkeypatch.setattr(
        service, "_embed_images", lambda values: seen.extend(values) or embed(values)
    )
    first = str(pictures[0])
    with pytest.raises(AssetError):
        service(frame(first, str(tmp_path / "absent.png")))
    assert len(column(service, first)[0]) == 48
    assert seen == [first, str(tmp_path / "absent.png")]
    column(service, first)
    assert seen[2:] == [first]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_gives_nearly_the_same(e5, siglip, jina, bge, whisper, dtype):
    """On the CPU, where `place` refuses it: what it tests is that all inputs follow the weights."""
    text, image = TEXTS[0], Image.new("RGB", (40, 40), "red")
    for model, inputs, key in (
        (checkpoints.E5, {"text": text}, "embedding"),
        (checkpoints.JINA, {"text": text}, "embedding"),
        (checkpoints.SIGLIP, {"text": text}, "embedding"),
        (checkpoints.SIGLIP, {"image": image}, "embedding"),
        (checkpoints.BGE, {"pairs": [["cats", text]]}, "scores"),
    ):
        service = get_batch_service(model)
        half = service.open(Placement(model, None, "cpu", dtype))
        wanted = service().infer(inputs)[key]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(service, "model", half)
            np.testing.assert_allclose(service().infer(inputs)[key], wanted, atol=0.03)
    speech = get_batch_service(checkpoints.WHISPER)
    half = speech.open(Placement(checkpoints.WHISPER, None, "cpu", dtype))
    silence = np.zeros(16_000, np.float32)
    assert half.transcribe(silence, speech.config_class(max_new_tokens=2))["text"]


def test_the_registry_loads_no_heavy_library():
    code = (
        "import sys\nfrom mixpeek_lab.builtin_models import get_batch_service, MODELS\n"
        "for model in MODELS: get_batch_service(model)({'batch_size': 2})\n"
        "print(*[n for n in ('torch', 'transformers', 'PIL', 'pandas') if n in sys.modules])"
    )
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=root, check=True
    )
    assert done.stdout.strip() == ""
