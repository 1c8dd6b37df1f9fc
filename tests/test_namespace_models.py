"""Custom weights of a lab, models of the hub, and models that load when they are first needed."""

from __future__ import annotations

import asyncio
import copy
import os
import pickle
import threading

import checkpoints
import numpy as np
import pandas as pd
import pytest
import torch
from probes import probe
from safetensors.torch import save_file

from mixpeek_lab.errors import ConflictError, InvalidInputError, LabError, NotFoundError
from mixpeek_lab.homes import in_home
from mixpeek_lab.loader import load_service
from mixpeek_lab.sdk import BaseBatchInferenceService, parallel_io
from mixpeek_lab.sdk.models import (
    LazyModelMixin,
    is_hf_model_cached,
    lazy_model,
    load_hf_model,
    load_namespace_model,
    namespace_model_path,
)
from mixpeek_lab.source import write_source
from mixpeek_lab.workbench import Lab

WEIGHTS = {"weight": torch.tensor([[3.0, 4.0]]), "bias": torch.tensor([0.5])}
BERT = "some/bert"


@pytest.fixture
def store(home):
    """A lab's models, and its home as that of the code that runs."""
    with in_home(home):
        yield Lab(home).models


@pytest.fixture
def file(tmp_path):
    save_file(WEIGHTS, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


@pytest.fixture(scope="module")
def bert():
    def save(folder):
        checkpoints.XLMRobertaModel(checkpoints.roberta_config()).save_pretrained(folder)
        checkpoints.word_tokenizer().save_pretrained(folder)

    return checkpoints.place(BERT, save)


def same(found, wanted):
    return found.keys() == wanted.keys() and all(torch.equal(found[k], wanted[k]) for k in wanted)


# ------------------------------------------------------------------------------------ the store


@pytest.mark.parametrize("ending", ["safetensors", "pt", "pth", "bin", "ckpt"])
def test_weights_come_back_as_they_were_added(store, tmp_path, ending):
    path = tmp_path / f"w.{ending}"
    if ending == "safetensors":
        save_file(WEIGHTS, path)
    else:
        torch.save(WEIGHTS, path)
    assert store.add(path, "mine_1_0_0").name == "mine_1_0_0"
    path.unlink()
    assert same(load_namespace_model("mine_1_0_0"), WEIGHTS)


def test_equal_contents_are_kept_once_and_never_change(store, file, home):
    first, second = store.add(file, "one"), store.add(str(file), "two")
    assert first.digest == second.digest
    (blob,) = (home / "models" / "blobs").iterdir()
    assert blob.name == first.files[0][1]
    assert blob.stat().st_mode & 0o222 == 0
    assert store.add(file, "one") == first
    save_file({"weight": torch.zeros(1)}, file)
    with pytest.raises(ConflictError, match=r"another model called 'one' already.*one_2"):
        store.add(file, "one")
    store.remove("one")
    assert store.names() == ["two"]
    assert same(load_namespace_model("two"), WEIGHTS)
    store.remove("two")
    assert store.add(file, "one").digest != first.digest
    assert [path.name for path in (home / "models" / "blobs").iterdir()] != [blob.name]


class Evil:
    def __reduce__(self):
        return os.system, ("touch evil",)


def test_a_pickle_with_code_is_refused_unrun(store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"weight": Evil()}, tmp_path / "model.pt")
    with pytest.raises(InvalidInputError, match=r"asks for (posix|os)\.system.*safetensors"):
        store.add(tmp_path / "model.pt", "evil")
    (tmp_path / "raw.bin").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InvalidInputError, match="not loaded"):
        store.add(tmp_path / "raw.bin", "evil")
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InvalidInputError, match=r"\.pkl files are not loaded here.*save_file"):
        store.add(tmp_path / "model.pkl", "evil")
    script = torch.jit.script(torch.nn.Linear(2, 1))
    script.save(str(tmp_path / "script.pt"))
    with pytest.raises(InvalidInputError, match="TorchScript archive, which is code"):
        store.add(tmp_path / "script.pt", "evil")
    assert store.names() == []
    assert not (tmp_path / "evil").exists()


@pytest.mark.parametrize("name", ["../up", "a/b", "", ".hidden", "a b", "x" * 101])
def test_a_name_is_one_folders(store, file, name):
    with pytest.raises(InvalidInputError, match="A model's name is"):
        store.add(file, name)
    with pytest.raises(NotFoundError):
        store.get(name)


def test_what_cannot_be_added_is_told(store, tmp_path):
    with pytest.raises(InvalidInputError, match="no file or folder with weights"):
        store.add(tmp_path / "absent", "a")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InvalidInputError, match="empty folder"):
        store.add(tmp_path / "empty", "a")
    (tmp_path / "a.tar.gz").write_bytes(b"x")
    with pytest.raises(InvalidInputError, match="archive: unpack it"):
        store.add(tmp_path / "a.tar.gz", "a")
    (tmp_path / "cut.safetensors").write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    with pytest.raises(InvalidInputError, match="not a whole safetensors file"):
        store.add(tmp_path / "cut.safetensors", "a")
    with pytest.raises(NotFoundError, match=r"`lab.models.add\(path, name\)` adds one"):
        load_namespace_model("absent")


def test_a_changed_file_is_found_out(store, file):
    blob = store.add(file, "mine").folder / "model.safetensors"
    data = blob.read_bytes()
    blob.resolve().chmod(0o644)
    blob.resolve().write_bytes(data[:-1] + b"\x7f")
    with pytest.raises(LabError, match=r"model.safetensors is gone or was changed on disk"):
        load_namespace_model("mine")


def test_a_moved_home_still_has_its_models(store, file, home, tmp_path):
    store.add(file, "mine")
    home.rename(tmp_path / "elsewhere")
    with in_home(tmp_path / "elsewhere"):
        assert same(load_namespace_model("mine"), WEIGHTS)


def test_a_huggingface_folder_loads_in_parts_and_as_a_folder(store, bert):
    store.add(bert, "my-bert")
    parts = load_namespace_model("my-bert")
    assert parts["config"]["hidden_size"] == 32
    assert same(parts["state_dict"], load_hf_model(BERT)["state_dict"])
    from transformers import AutoModel, AutoTokenizer

    model = AutoModel.from_pretrained(namespace_model_path("my-bert"))
    assert model.config.hidden_size == 32
    assert AutoTokenizer.from_pretrained(parts["tokenizer_config"]["tokenizer_dir"])("cats")


def test_threads_that_add_at_once_agree(store, file):
    found = []
    threads = [
        threading.Thread(target=lambda: found.append(store.add(file, "mine"))) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 6
    assert len(set(found)) == 1


# ------------------------------------------------------------------------------------ the hub


def test_a_hub_model_comes_in_the_published_parts(bert):
    parts = load_hf_model(hf_model_id=BERT, model_class="AutoModel", torch_dtype="float16")
    from transformers import AutoConfig, AutoModel

    config = AutoConfig.for_model(**parts["config"])
    model = AutoModel.from_config(config)
    model.load_state_dict(parts["state_dict"])
    assert {v.dtype for v in parts["state_dict"].values() if v.is_floating_point()} == {
        torch.float16
    }
    assert parts["hf_model_id"] == BERT
    assert parts["tokenizer_config"] == {"tokenizer_dir": str(bert), "class": "AutoTokenizer"}
    again = load_hf_model(BERT, torch_dtype="float16")
    assert again is not parts
    assert again["state_dict"] is parts["state_dict"]
    assert is_hf_model_cached(BERT)
    assert not is_hf_model_cached("no/model")


def test_what_the_hub_lacks_is_told():
    with pytest.raises(LabError, match="'no/model' is not in the local cache"):
        load_hf_model("no/model")
    with pytest.raises(InvalidInputError, match="no class 'AutoModl'"):
        load_hf_model(BERT, model_class="AutoModl")
    with pytest.raises(InvalidInputError, match="float32, float16, bfloat16"):
        load_hf_model(BERT, torch_dtype="int8")


# ------------------------------------------------------------------------------------ laziness


class Embedder(LazyModelMixin, BaseBatchInferenceService):
    model_id = BERT

    def __init__(self, config=None, **kwargs):
        super().__init__(**kwargs)
        self.config = config

    def _process_batch(self, batch):
        model, tokenizer = self.get_model()
        given = tokenizer(batch["data"].tolist(), return_tensors="pt", padding=True)
        with torch.no_grad():
            batch["v"] = list(model(**given).last_hidden_state.mean(1).numpy())
        return batch


class Own(LazyModelMixin):
    model_id = "linear"
    model_source = "namespace"
    made = 0

    def _instantiate_model(self, weights):
        Own.made += 1
        model = torch.nn.Linear(2, 1)
        model.load_state_dict(weights)
        return model.to(self._detect_device()), None


class Decorated:
    def __init__(self):
        self._model = self._tokenizer = None

    @lazy_model(BERT)
    def __call__(self, text):
        return self._model, self._tokenizer(text)["input_ids"], self._device

    @lazy_model(BERT)
    async def later(self):
        return self._model


def test_a_mixin_loads_on_first_use_and_pickles_without_its_model(bert):
    batch = pd.DataFrame({"data": ["cats", "dogs bark"]})
    one = Embedder()
    before = pickle.dumps(one)
    assert len(one(batch.copy())["v"][0]) == 32
    assert len(pickle.dumps(one)) < len(before) + 100
    other = pickle.loads(pickle.dumps(one))
    assert other.model is one.model is Embedder().model is copy.deepcopy(one).model
    assert other.tokenizer is one.tokenizer


def test_a_mixin_builds_what_its_author_says_from_the_labs_weights(store, file):
    store.add(file, "linear")
    own = Own()
    found = parallel_io(range(6), lambda _: own.model)
    assert not found.errors
    assert Own.made == 1
    assert len({id(model) for model in found}) == 1
    assert own.model(torch.tensor([[1.0, 1.0]])).item() == 7.5
    assert own.tokenizer is None


def test_a_decorated_method_has_the_model_and_pickles_without_it(bert):
    one = Decorated()
    model, ids, device = one("cats purr")
    assert len(ids) == 4
    assert device in ("cpu", "cuda", "mps")
    assert one._model is model
    data = pickle.dumps(one)
    assert len(data) < 500
    other = pickle.loads(data)
    assert other._model is None
    assert other("cats")[0] is model
    assert asyncio.run(Decorated().later()) is model


def test_a_lazy_model_without_an_id_is_told():
    with pytest.raises(InvalidInputError, match="model_id is empty"):
        type("Nameless", (LazyModelMixin,), {})().get_model()
    with pytest.raises(InvalidInputError, match="'huggingface' or 'namespace'"):
        lazy_model(BERT, model_source="s3")


# ------------------------------------------------------------------------------------ in a lab

LOADS = """
from engine.models import load_namespace_model
weights = load_namespace_model("linear")
batch["vec"] = [[float(v) for v in weights["weight"][0]]] * len(batch)
return batch
"""

REALTIME = """
from shared.models.loader import load_namespace_model
from shared.extractors.sdk import InferenceService

class Service(InferenceService):
    async def infer(self, inputs, parameters):
        return {"embedding": load_namespace_model("linear")["weight"][0].tolist()}
"""

PIPELINE = f"""
from shared.inference.registry import get_batch_service
from shared.extractors.sdk import StepDefinition

def build_steps(extractor_request, **kwargs):
    e5 = get_batch_service({checkpoints.E5!r})
    config = {{"output_column_name": "e5"}}
    return {{"steps": [StepDefinition(e5, config=config), StepDefinition(Probe)]}}
"""


def loading(lab, folder, **more):
    """An extractor whose documents and queries are the weights of the model `linear`."""
    source = probe(LOADS, name="custom", **more).with_file("realtime.py", REALTIME)
    write_source(source, folder / "custom")
    assert lab.load(folder / "custom").is_kept
    lab.bucket("b", ["cats purr", "dogs bark"])


def scaled(folder, factor):
    folder.mkdir()
    save_file({"weight": WEIGHTS["weight"] * factor}, folder / "w.safetensors")
    return folder / "w.safetensors"


def test_each_lab_of_a_process_has_its_own_weights(tmp_path):
    labs = [Lab(tmp_path / f"home{n}") for n in (1, 2)]
    for number, lab in enumerate(labs, 1):
        lab.models.add(scaled(tmp_path / f"w{number}", number), "linear")
        loading(lab, tmp_path / f"src{number}")
    services = [load_service(lab.extractor("custom").source, lab.home) for lab in labs]
    for number, lab in enumerate(labs, 1):
        assert lab.process("b", "custom", "c", engine="kernel").documents == 2
        found = lab.sql("SELECT vec FROM c").table.column("vec").to_pylist()
        assert found == [[3.0 * number, 4.0 * number]] * 2
    for number, service in enumerate(services, 1):
        assert service.infer_sync({"text": "x"})["embedding"] == [3.0 * number, 4.0 * number]


@pytest.mark.ray
def test_workers_and_the_replica_load_from_the_labs_home(served_lab, tmp_path, file):
    checkpoints.make_e5()
    with Lab(tmp_path / "home") as own:
        own.models.add(file, "linear")
        loading(own, tmp_path, vectors={"vec": 2, "e5": 32}, pipeline=PIPELINE)
        report = own.process("b", "custom", "c")
        assert (report.engine, report.vectors) == ("ray", {"vec": 2, "e5": 2}), report
        found = own.sql("SELECT vec, e5 FROM c").table
        assert found.column("vec").to_pylist() == [[3.0, 4.0]] * 2
        lengths = np.linalg.norm(np.stack(found.column("e5").to_pylist()), axis=1)
        np.testing.assert_allclose(lengths, 1, atol=1e-5)
        own.retriever("r", {"collection": "c", "searches": [{"feature": "vec"}]})
        own.serve("r")
        (leg,) = own.execute("r", {"query": "anything"}, explain=True)["legs"]
        assert leg["scores"] == pytest.approx([1.0, 1.0])
