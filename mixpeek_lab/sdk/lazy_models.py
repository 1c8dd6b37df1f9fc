"""Models that load when they are first needed, and stay behind when their owner is pickled."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ClassVar

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.sdk.model_loading import (
    device_here,
    load_hf_model,
    load_namespace_model,
    namespace_model_path,
    torch_type,
    transformers_class,
)
from mixpeek_lab.sdk.prefetch import not_at_hand
from mixpeek_lab.sdk.process_cache import once_per_process

SOURCES = ("huggingface", "namespace")


@dataclass(frozen=True, slots=True)
class _Request:
    """What to load, and as what."""

    model_id: str
    model_class: str
    tokenizer_class: str | None
    torch_dtype: str
    model_source: str

    def check(self) -> None:
        if not self.model_id:
            raise InvalidInputError(
                'model_id is empty: write model_id = "organisation/name", or the name of a model '
                'of the lab with model_source = "namespace".'
            )
        if self.model_source not in SOURCES:
            raise InvalidInputError(
                f"model_source is {self.model_source!r}: it is 'huggingface' or 'namespace'."
            )

    def pair(self) -> tuple[Any, Any]:
        """The model on this process's device, in eval mode, and its tokenizer or None."""
        is_hub = self.model_source == "huggingface"
        where = self.model_id if is_hub else namespace_model_path(self.model_id)
        device = device_here()
        return once_per_process(("lazy", where, device, self), lambda: self._load(where, device))

    def parts(self) -> Any:
        """What `_instantiate_model` is given."""
        if self.model_source == "namespace":
            return load_namespace_model(self.model_id)
        return load_hf_model(
            self.model_id, self.model_class, self.tokenizer_class, self.torch_dtype
        )

    def _load(self, where: str, device: str) -> tuple[Any, Any]:
        loader = transformers_class(self.model_class)
        options: dict[str, Any] = {"trust_remote_code": False}
        try:
            model = loader.from_pretrained(where, dtype=torch_type(self.torch_dtype), **options)
            tokenizer = None
            if self.tokenizer_class:
                tokenizer = transformers_class(self.tokenizer_class).from_pretrained(
                    where, **options
                )
        except OSError as error:
            raise self._not_loaded(error) from error
        return model.to(device).eval(), tokenizer

    def _not_loaded(self, error: OSError) -> Exception:
        if self.model_source == "huggingface":
            return not_at_hand(self.model_id, None, error)
        return InvalidInputError(
            f"Model {self.model_id!r} of the lab is no folder that transformers loads "
            f"({str(error)[:200]}). Write _instantiate_model(self, cached_data) to build it from "
            "its weights."
        )


class _Slot:
    """Holds what was loaded. A copy, pickled or not, is empty."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.value: tuple[Any, Any] | None = None

    def __reduce__(self) -> tuple[type[_Slot], tuple[()]]:
        return _Slot, ()


class LazyModelMixin:
    """Gives a processor `get_model()`: loaded on first use, once per process.

    Say what to load by attributes of the class. Threads that come at once wait for the one load.
    The processor pickles before and after; the copy loads for itself.

        class Embed(LazyModelMixin, BaseBatchInferenceService):
            model_id = "intfloat/multilingual-e5-large-instruct"

            def process_batch(self, batch):
                model, tokenizer = self.get_model()
    """

    model_id: ClassVar[str] = ""
    """Hub id, or the name of a model of the lab (`model_source = "namespace"`)."""
    model_class: ClassVar[str] = "AutoModel"
    tokenizer_class: ClassVar[str | None] = "AutoTokenizer"
    torch_dtype: ClassVar[str] = "float32"
    """float32, float16 or bfloat16."""
    model_source: ClassVar[str] = "huggingface"
    """"huggingface" or "namespace"."""

    def get_model(self) -> tuple[Any, Any]:
        """The model and its tokenizer (None without one), loaded if they were not."""
        slot: _Slot = self.__dict__.setdefault("_lazy_slot", _Slot())
        with slot.lock:
            if slot.value is None:
                slot.value = self._load_model()
            return slot.value

    def ensure_model_loaded(self) -> None:
        """Load now."""
        self.get_model()

    @property
    def model(self) -> Any:
        """The model."""
        return self.get_model()[0]

    @property
    def tokenizer(self) -> Any:
        """The tokenizer; None without one."""
        return self.get_model()[1]

    def _instantiate_model(self, cached_data: Any) -> tuple[Any, Any]:
        """Build the model yourself: override this, and return `(model, tokenizer or None)`.

        `cached_data` is what `load_hf_model` or `load_namespace_model` gives.
        """
        raise NotImplementedError("Override _instantiate_model(self, cached_data), or leave it out")

    def _detect_device(self) -> str:
        """ "cuda", "mps" or "cpu": the best of this process."""
        return device_here()

    def _load_model(self) -> tuple[Any, Any]:
        request = _Request(
            self.model_id,
            self.model_class,
            self.tokenizer_class,
            self.torch_dtype,
            self.model_source,
        )
        request.check()
        if type(self)._instantiate_model is LazyModelMixin._instantiate_model:
            return request.pair()
        made: Any = self._instantiate_model(request.parts())
        if not isinstance(made, tuple) or len(made) != 2:
            raise InvalidInputError(
                f"{type(self).__name__}._instantiate_model returned {type(made).__name__}. "
                "Return (model, tokenizer), or (model, None)."
            )
        return made


def lazy_model(
    model_id: str,
    model_class: str = "AutoModel",
    tokenizer_class: str | None = "AutoTokenizer",
    torch_dtype: str = "float32",
    model_source: str = "huggingface",
) -> Callable[[Callable[..., Any]], Any]:
    """Decorate a method, so that `self._model`, `self._tokenizer` and `self._device` are there.

    They load with the method's first call, once per process, and are left out when the object is
    pickled (unless its class has a `__getstate__` of its own). Arguments are the attributes of
    `LazyModelMixin`.
    """
    request = _Request(model_id, model_class, tokenizer_class, torch_dtype, model_source)
    request.check()
    return lambda method: _LazyMethod(method, request)


_NAMES = ("_model", "_tokenizer", "_device")


class _LazyMethod:
    """Stands in a class's body until the class is made, then leaves a plain method there."""

    def __init__(self, method: Callable[..., Any], request: _Request) -> None:
        self.method, self.request = method, request

    def __set_name__(self, owner: type, name: str) -> None:
        setattr(owner, name, _wrapped(self.method, self.request))
        if getattr(owner, "__getstate__", None) is object.__getstate__:
            setattr(owner, "__getstate__", _state_without_model)  # noqa: B010 - it is not ours

    def __call__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("@lazy_model is for methods: it puts the model on self.")


def _wrapped(method: Callable[..., Any], request: _Request) -> Callable[..., Any]:
    def prepare(owner: Any) -> None:
        if vars(owner).get("_lazy_request") != request:
            owner._model, owner._tokenizer = request.pair()
            owner._device = device_here()
            owner._lazy_request = request  # last: a thread that sees it finds the others

    if inspect.iscoroutinefunction(method):

        @wraps(method)
        async def later(self: Any, *args: Any, **kwargs: Any) -> Any:
            prepare(self)
            return await method(self, *args, **kwargs)

        return later

    @wraps(method)
    def now(self: Any, *args: Any, **kwargs: Any) -> Any:
        prepare(self)
        return method(self, *args, **kwargs)

    return now


def _state_without_model(self: Any) -> dict[str, Any]:
    state = dict(vars(self))
    if state.pop("_lazy_request", None) is not None:
        state.update(dict.fromkeys(_NAMES))
    return state
