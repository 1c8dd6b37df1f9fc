"""Loading models: from the Hugging Face hub, or custom weights of the lab."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.homes import home_in_use
from mixpeek_lab.model_store import ModelStore, StoredModel, is_weights, read_weights
from mixpeek_lab.sdk.prefetch import not_at_hand
from mixpeek_lab.sdk.process_cache import once_per_process

DTYPES = ("float32", "float16", "bfloat16")


def load_hf_model(
    hf_model_id: str,
    model_class: str = "AutoModel",
    tokenizer_class: str | None = "AutoTokenizer",
    torch_dtype: str = "float32",
    revision: str | None = None,
) -> dict[str, Any]:
    """A model of the Hugging Face hub in parts, loaded once per process.

    Returns `state_dict` (tensors on the CPU, shared: copy before you change one), `config` (a
    dict: `AutoConfig.for_model(**config)`), `tokenizer_config` (`tokenizer_dir`, `class`; None
    without a tokenizer), `model_class` and `hf_model_id`. `model_class` and `tokenizer_class` are
    names in `transformers`. Code that a repository brings is not run.

    Raises InvalidInputError for another class or dtype, LabError where the model is not at hand.
    """
    key = ("hf", hf_model_id, model_class, tokenizer_class, torch_dtype, revision)
    return dict(
        once_per_process(
            key,
            lambda: _parts(hf_model_id, model_class, tokenizer_class, torch_dtype, revision),
        )
    )


def is_hf_model_cached(hf_model_id: str, revision: str | None = None) -> bool:
    """Whether the model's config is in the Hugging Face cache of this machine."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(hf_model_id, "config.json", revision=revision)
    except HFValidationError:
        return False
    return isinstance(found, str)


def load_namespace_model(name: str) -> Any:
    """The weights that `lab.models.add(path, name)` keeps, loaded once per process.

    A file of weights gives what is in it: mostly a dict for `model.load_state_dict()`. A folder
    with a config.json gives the parts that `load_hf_model` gives. Tensors are on the CPU and
    shared: copy before you change one. Nothing of the files is run: see `ModelStore.add`.

    Works in the notebook, in Ray's workers and in a deployed service: it is the home of the lab
    that runs the extractor. Raises NotFoundError for an unknown name, LabError where a file was
    changed on disk, InvalidInputError where the folder has no weights to load.
    """
    found = ModelStore(home_in_use()).get(name)
    weights = once_per_process(("namespace", found.folder, found.digest), lambda: _weights(found))
    return dict(weights) if isinstance(weights, dict) else weights


def namespace_model_path(name: str) -> str:
    """The folder of a model that `lab.models.add` keeps, for libraries that load folders.

    As in `SentenceTransformer(namespace_model_path("my-bert_1_0_0"))`. Read-only; its files are
    compared with what was added. Raises what `load_namespace_model` does.
    """
    found = ModelStore(home_in_use()).get(name)
    once_per_process(("verified", found.folder, found.digest), found.verify)
    return str(found.folder)


def _parts(
    model_id: str, model_class: str, tokenizer_class: str | None, dtype: str, revision: str | None
) -> dict[str, Any]:
    loader = transformers_class(model_class)
    tokenizer_loader = transformers_class(tokenizer_class) if tokenizer_class else None
    options = {"revision": revision, "trust_remote_code": False}
    try:
        model = loader.from_pretrained(model_id, dtype=torch_type(dtype), **options)
        if tokenizer_loader is not None:
            tokenizer_loader.from_pretrained(model_id, **options)  # so that its files are there
        folder = _folder_of(model_id, revision)
    except OSError as error:
        raise not_at_hand(model_id, revision, error) from error
    named = {"tokenizer_dir": folder, "class": tokenizer_class}
    return {
        "state_dict": model.state_dict(),
        "config": model.config.to_dict(),
        "tokenizer_config": named if tokenizer_class else None,
        "model_class": model_class,
        "hf_model_id": model_id,
    }


def _folder_of(model_id: str, revision: str | None) -> str:
    from huggingface_hub import hf_hub_download

    if Path(model_id).is_dir():
        return model_id
    return str(Path(hf_hub_download(model_id, "config.json", revision=revision)).parent)


def transformers_class(name: str) -> Any:
    """A class of `transformers` by its name. InvalidInputError where there is none to load with."""
    import transformers

    found = getattr(transformers, name, None)
    if not hasattr(found, "from_pretrained"):
        raise InvalidInputError(
            f"transformers has no class {name!r} that loads models. Write one of its names, such "
            "as 'AutoModel', 'AutoModelForSequenceClassification' or 'AutoTokenizer'."
        )
    return found


def torch_type(name: str) -> Any:
    """torch's type of numbers. InvalidInputError for another name."""
    import torch

    bare = name.removeprefix("torch.")
    if bare not in DTYPES:
        raise InvalidInputError(f"torch_dtype is {name!r}. It is one of {', '.join(DTYPES)}.")
    return getattr(torch, bare)


def _weights(model: StoredModel) -> Any:
    model.verify()
    paths = [path for path, _ in model.files]
    files = [model.folder / path for path in paths if is_weights(Path(path))]
    if "config.json" in paths:
        return _hf_folder(model, files)
    if len(files) == 1:
        return read_weights(files[0])
    raise InvalidInputError(
        f"Model {model.name!r} has {len(files) or 'no'} files of weights that load here, among "
        f"{', '.join(paths[:8])}. Add one file, or a folder with config.json; for other libraries "
        f"take its folder, namespace_model_path({model.name!r})."
    )


def _hf_folder(model: StoredModel, files: list[Path]) -> dict[str, Any]:
    config = json.loads((model.folder / "config.json").read_text())
    safe = [file for file in files if file.suffix == ".safetensors"]
    here = [file for file in safe or files if file.parent == model.folder]
    if not here:
        raise InvalidInputError(f"Model {model.name!r} has a config.json and no weights beside it.")
    state: dict[str, Any] = {}
    for shard in here:
        state.update(read_weights(shard))
    has_tokenizer = any(path.startswith("tokenizer") for path, _ in model.files)
    named = {"tokenizer_dir": str(model.folder), "class": "AutoTokenizer"}
    architectures = config.get("architectures") or ["AutoModel"]
    return {
        "state_dict": state,
        "config": config,
        "tokenizer_config": named if has_tokenizer else None,
        "model_class": architectures[0],
        "hf_model_id": model.name,
    }


def device_here() -> str:
    """Where models run in this process: "cuda", "mps" or "cpu"."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
