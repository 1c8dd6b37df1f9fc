"""A class of an extractor as a value that travels, and making an object of it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from mixpeek_lab.errors import ExtractorLoadError
from mixpeek_lab.loader.modules import load_module, load_package
from mixpeek_lab.source import ExtractorSource


@dataclass(frozen=True)
class ClassRef:
    """A class by name: `module` in the extractor's package (`processors.core`), `qualname` there.

    The value is pickled, the class is not: whoever gets it loads the source for itself. A `module`
    that ends with ":" is one installed beside the lab, such as `sentence_transformers:`.
    """

    source: ExtractorSource
    module: str
    qualname: str
    home: Path

    @classmethod
    def of(cls, source: ExtractorSource, klass: type, home: Path) -> ClassRef:
        """The reference to `klass`. Raises ExtractorLoadError where no name leads to it."""
        package, _, inner = klass.__module__.partition(".")
        module = inner if package == source.package else f"{klass.__module__}:"
        ref = cls(source, module, klass.__qualname__, Path(home))
        if "<locals>" in klass.__qualname__ or ref._resolved() is not klass:
            raise ExtractorLoadError(
                f"{source.name}: class {klass.__qualname__} cannot be found by its name from a "
                "worker. Define it at the top level of one of the extractor's files."
            )
        return ref

    def resolve(self) -> type:
        """The class, imported here if it was not. Raises ExtractorLoadError."""
        found = self._resolved()
        if not isinstance(found, type):
            where = f"{self.module.replace('.', '/')}.py"
            raise ExtractorLoadError(f"{self.source.name}: {where} has no class {self.qualname}.")
        return found

    def _resolved(self) -> Any:
        if self.module.endswith(":"):
            load_package(self.source, self.home)
            module = import_module(self.module[:-1])
        else:
            module = load_module(self.source, self.module, self.home)
        found: Any = module
        for name in self.qualname.split("."):
            found = getattr(found, name, None)
        return found


def make(klass: Callable[..., Any], config: Any, offered: Mapping[str, Any]) -> Any:
    """Call a user's class with what its constructor takes.

    `config` goes to the parameter of that name, else to the first required one, else into
    `**kwargs`. `offered` goes by name (`secrets`, `progress_actor`), and not into `**kwargs`.
    Raises ExtractorLoadError for a required parameter that nobody can give.
    """
    try:
        parameters = list(inspect.signature(klass).parameters.values())
    except (TypeError, ValueError):  # a class of a C library
        return klass(config)
    taker = _taker_of_config(parameters, offered)
    values: list[Any] = []
    named: dict[str, Any] = {}
    for parameter in parameters:
        if parameter is taker:
            value = config
        elif parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        elif parameter.name in offered:
            value = offered[parameter.name]
        elif parameter.default is parameter.empty:
            raise _not_offered(klass, parameter.name, offered)
        else:
            continue
        if parameter.kind in (parameter.POSITIONAL_ONLY, parameter.VAR_POSITIONAL):
            values.append(value)
        else:
            named["config" if parameter.kind is parameter.VAR_KEYWORD else parameter.name] = value
    return klass(*values, **named)


def _taker_of_config(
    parameters: Sequence[inspect.Parameter], offered: Mapping[str, Any]
) -> inspect.Parameter | None:
    """The parameter called `config`, else the first required one, else `*args` or `**kwargs`."""
    by_name = (p for p in parameters if p.name == "config")
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    required = (
        p
        for p in parameters
        if p.default is p.empty and p.kind not in variable and p.name not in offered
    )
    open_ended = (p for p in reversed(parameters) if p.kind in variable)
    return next(by_name, None) or next(required, None) or next(open_ended, None)


def _not_offered(klass: object, name: str, offered: Mapping[str, Any]) -> ExtractorLoadError:
    shown = getattr(klass, "__name__", repr(klass))
    return ExtractorLoadError(
        f"{shown}.__init__ asks for {name!r}, which nothing gives. It gets config, and by name "
        f"{', '.join(sorted(offered))}. Take {name!r} out of the config: config[{name!r}]."
    )
