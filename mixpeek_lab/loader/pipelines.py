"""From `pipeline.py` to steps: every way that packages say what their pipeline is."""

from __future__ import annotations

import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

from mixpeek_lab.errors import ExtractorLoadError, NoStepsError
from mixpeek_lab.loader.classes import ClassRef
from mixpeek_lab.loader.modules import load_module
from mixpeek_lab.loader.places import import_failure
from mixpeek_lab.loader.roles import processor_class
from mixpeek_lab.loader.schemas import load_schemas
from mixpeek_lab.loader.steps import ProcessorStep
from mixpeek_lab.models import JSON, Manifest
from mixpeek_lab.sdk import ResourceType, StepDefinition
from mixpeek_lab.source import ExtractorSource

PROCESSOR_FILES = ("pipeline.py", "processors/core.py")
"""Where a processor is looked for when there is no build_steps."""

Prepare = Callable[[Any], Any]


@dataclass(frozen=True)
class BuiltPipeline:
    """The steps of a run, in order, and what to do to the Ray dataset before them."""

    steps: tuple[ProcessorStep, ...]
    prepare: Prepare | None = None


def build_steps(
    source: ExtractorSource,
    manifest: Manifest,
    home: Path,
    parameters: Mapping[str, JSON],
    *,
    dataset_size: int | None = None,
    container: object | None = None,
) -> BuiltPipeline:
    """The pipeline of an extractor for these parameters.

    Uses `build_steps` of pipeline.py, else its `extract`, else the one processor class in
    pipeline.py or processors/core.py, with the parameters as its config; only then do those that
    are not given have the defaults of `parameter_schema`, which build_steps reads itself. Raises
    ExtractorLoadError with the file where the package has none of these, or they fail.
    """
    home = Path(home)
    maker = _Maker(source, home, ResourceType(manifest.compute_profile.resource_type), container)
    entry = _entry(source, home)
    if entry is None:
        klass = _only_processor(source, home)
        schema = load_schemas(source, home).parameters
        config = schema.filled(parameters) if schema else dict(parameters)
        return _checked([maker.step(klass, config)], manifest)
    request = _request(manifest, parameters)
    offered = {
        "extractor_request": request,
        "container": container,
        "base_steps": [],
        "dataset_size": dataset_size,
        "content_flags": {},
    }
    try:
        made = entry(**_accepted(entry, offered, source))
    except ExtractorLoadError:
        raise
    except Exception as error:
        raise import_failure(source, error) from error
    steps, prepare = _parts(made, entry.__name__, source)
    made_steps = _on_profile([maker.of(step) for step in steps], maker.resource_type)
    return _checked(made_steps, manifest, prepare)


@dataclass(frozen=True)
class _Maker:
    """Makes our step values out of what a package's function returned."""

    source: ExtractorSource
    home: Path
    resource_type: ResourceType
    container: object | None

    def of(self, given: Any) -> ProcessorStep:
        if not isinstance(given, StepDefinition):
            return self.step(given, {})
        return replace(
            self.step(given.service_class, given.config),
            resource_type=given.resource_type,
            condition=given.condition,
            concurrency=given.concurrency,
            batch_size=given.batch_size,
        )

    def step(self, processor: Any, config: Any) -> ProcessorStep:
        if not callable(processor):
            raise ExtractorLoadError(
                f"{self.source.name}: {processor!r} is not a step. "
                "Steps are StepDefinitions, or callables that take and return a DataFrame."
            )
        is_class = isinstance(processor, type)
        named = processor if is_class or inspect.isroutine(processor) else type(processor)
        step = ProcessorStep(
            name=getattr(named, "__name__", "step"),
            source=self.source,
            home=self.home,
            class_ref=ClassRef.of(self.source, processor, self.home) if is_class else None,
            instance=None if is_class else processor,
            config=config,
            resource_type=self.resource_type,
            secrets=getattr(self.container, "secrets", None),
        )
        step.check()
        return step


def _entry(source: ExtractorSource, home: Path) -> Callable[..., Any] | None:
    if "pipeline.py" not in source.paths:
        return None
    module = load_module(source, "pipeline", home)
    for name in ("build_steps", "extract"):
        found = getattr(module, name, None)
        if callable(found):
            return found  # type: ignore[no-any-return]
    return None


def _only_processor(source: ExtractorSource, home: Path) -> type:
    present = [path for path in PROCESSOR_FILES if path in source.paths]
    for path in present:
        found = processor_class(_module(source, path, home), source, path)
        if found is not None:
            return found
    looked = " and ".join(present) or "the extractor: it has neither " + " nor ".join(
        PROCESSOR_FILES
    )
    raise NoStepsError(
        f"{source.name}: no processor in {looked}. Write a class with `process(self, batch)` on "
        "BatchProcessor, or with `__call__(self, batch)`, or a function build_steps in pipeline.py."
    )


def _module(source: ExtractorSource, path: str, home: Path) -> ModuleType:
    return load_module(source, path.removesuffix(".py").replace("/", "."), home)


def _request(manifest: Manifest, parameters: Mapping[str, JSON]) -> SimpleNamespace:
    """What extractors get as `extractor_request`; the parameters are in both usual places."""
    named = {
        "feature_extractor_name": manifest.name,
        "version": manifest.version,
        "parameters": dict(parameters),
    }
    return SimpleNamespace(extractor_config=SimpleNamespace(**named), **named)


def _accepted(
    entry: Callable[..., Any], offered: Mapping[str, Any], source: ExtractorSource
) -> dict[str, Any]:
    """What of `offered` the function takes, by name; its first parameter is the request."""
    parameters = list(inspect.signature(entry).parameters.values())
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        accepted = dict(offered)
    else:
        accepted = {p.name: offered[p.name] for p in parameters if p.name in offered}
    plain = [p for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    if plain and plain[0].name not in offered:
        accepted.pop("extractor_request", None)
        accepted[plain[0].name] = offered["extractor_request"]
    missing = [p.name for p in plain if p.default is p.empty and p.name not in accepted]
    if missing:
        raise ExtractorLoadError(
            f"{source.name}: pipeline.py: {entry.__name__} asks for {missing[0]!r}, which nothing "
            f"gives. It gets {', '.join(offered)}; give other parameters a default."
        )
    return accepted


def _parts(made: Any, entry: str, source: ExtractorSource) -> tuple[Sequence[Any], Prepare | None]:
    if isinstance(made, Mapping):
        steps, prepare = made.get("steps"), made.get("prepare")
    else:
        steps, prepare = getattr(made, "steps", None), getattr(made, "prepare", None)
    if not isinstance(steps, list | tuple):
        raise ExtractorLoadError(
            f"{source.name}: pipeline.py: {entry} returned {type(made).__name__} without a list of "
            'steps. End it with `return {"steps": build_pipeline_steps(pipeline)}`.'
        )
    enabled = [s for s in steps if not isinstance(s, StepDefinition) or s.enabled]
    if not enabled:
        raise NoStepsError(
            f"{source.name}: pipeline.py: {entry} returned no enabled step, so nothing would run."
        )
    if prepare is not None and not callable(prepare):
        raise ExtractorLoadError(
            f'{source.name}: pipeline.py: "prepare" is {prepare!r}, not a function of the dataset.'
        )
    return enabled, prepare


def _checked(
    steps: list[ProcessorStep], manifest: Manifest, prepare: Prepare | None = None
) -> BuiltPipeline:
    """The pipeline, once processors that know their vectors' dimension have seen the manifest's.

    Built-in models do. Raises ManifestError where the two differ.
    """
    dims = {f.feature_name: f.embedding_dim for f in manifest.vectors if f.embedding_dim}
    declared = {**{f"{name}_embedding": dim for name, dim in dims.items()}, **dims}
    for step in steps:
        owner = step.class_ref.resolve() if step.class_ref else step.instance
        check = getattr(owner, "check_vectors", None)
        if callable(check):
            check(step.config, declared)
    return BuiltPipeline(_named(steps), prepare)


def _on_profile(steps: list[ProcessorStep], profile: ResourceType) -> list[ProcessorStep]:
    """The steps with what they run on: where all just say CPU, the compute profile decides."""
    if any(step.resource_type is not ResourceType.CPU for step in steps):
        return steps
    return [replace(step, resource_type=profile) for step in steps]


def _named(steps: list[ProcessorStep]) -> tuple[ProcessorStep, ...]:
    """The steps with names of their own: a second `Embed` becomes `Embed_2`."""
    seen: Counter[str] = Counter()
    named = []
    for step in steps:
        seen[step.name] += 1
        count = seen[step.name]
        named.append(step if count == 1 else replace(step, name=f"{step.name}_{count}"))
    return tuple(named)
