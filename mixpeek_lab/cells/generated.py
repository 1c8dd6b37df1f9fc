"""The parts of a package that are written for the user: nothing but the platform's own API."""

from __future__ import annotations

import ast

from mixpeek_lab.cells.placing import MANIFEST, Placing, is_typed_call
from mixpeek_lab.manifests import read_manifest
from mixpeek_lab.source import ExtractorSource

COMPATIBLE_NAMES = (
    ("feature_extractor_name", "{0}.feature_extractor_name"),
    ("version", "{0}.version"),
    ("description", "{0}.description"),
    ("dependencies", "{0}.dependencies"),
    ("features", "{0}.features_as_dicts()"),
    ("feature_uri", "{0}.feature_uri"),
)
"""Module-level name → expression over the typed manifest."""


def compatible_names(tree: ast.Module, has_service: bool) -> tuple[tuple[str, str], ...]:
    """The module-level variables that a typed manifest still lacks: name → expression.

    Empty for the other dialects. `feature_uri` is left out where nothing serves it.
    """
    typed = [node for node in tree.body if is_typed_call(node)]
    if not typed:
        return ()
    manifest = _target(typed[-1])
    bound = {name for node in tree.body for name in _bound(node)}
    wanted = [
        (name, expression.format(manifest))
        for name, expression in COMPATIBLE_NAMES
        if name not in bound and (has_service or name != "feature_uri")
    ]
    if "metadata" not in bound:
        wanted.append(("metadata", _metadata(manifest, typed[-1])))
    return tuple(wanted)


def compatible_lines(names: tuple[tuple[str, str], ...]) -> list[str]:
    """The block for the end of manifest.py."""
    if not names:
        return []
    heading = "# Backward-compat: AST parser reads these module-level variables\n"
    return ["\n", heading, *(f"{name} = {expression}\n" for name, expression in names)]


def _metadata(manifest: str, node: ast.stmt) -> str:
    entries = [
        f'    "{key}": {manifest}.{key},'
        for key in ("feature_extractor_name", "version", "description")
    ]
    value = getattr(node, "value", None)
    for keyword in value.keywords if isinstance(value, ast.Call) else []:
        given = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg == "inference_type" and isinstance(given, str):
            entries.append(f'    "inference_type": "{given}",')
    return "\n".join(["{", *entries, "}"])


def _target(node: ast.stmt) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
    return target.id if isinstance(target, ast.Name) else "manifest"


def _bound(node: ast.stmt) -> list[str]:
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        targets = [node.target]
    return [n.id for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)]


def pipeline_text(name: str, placing: Placing, manifest: str) -> str:
    """A canonical pipeline.py: one step per processor, parameters passed on as its config.

    `manifest` is the text of manifest.py, which says the resource type, and which pydantic class
    parses the parameters: then the config has its defaults.
    """
    reading = read_manifest(ExtractorSource(name, ((MANIFEST, manifest),)))
    resource = reading.manifest.compute_profile.resource_type if reading.manifest else "cpu"
    names, extractor, version = _identity(manifest)
    parser = _parameter_class(manifest, reading.parameter_schema)
    names = sorted({*names, parser}) if parser else names
    config = "params.model_dump()" if parser else _GIVEN
    imported = ["PipelineDefinition", "build_pipeline_steps"]
    if placing.processors:
        imported = ["PipelineDefinition", "ResourceType", "StepDefinition", "build_pipeline_steps"]
    lines = [
        f"from engine.extractors.{name}.pipeline import (",
        *(f"    {part}," for part in imported),
        ")",
        "",
        *([f"from .manifest import {', '.join(names)}"] if names else []),
        *(f"from .processors.core import {processor}" for processor in placing.processors),
        "",
        "",
        "def build_steps(extractor_request, container=None, **kwargs):",
        *([f"    params = {parser}(**({_GIVEN}))"] if parser else []),
        "    pipeline = PipelineDefinition(",
        f"        name={extractor},",
        f"        version={version},",
        "        steps=[",
        *(line for cls in placing.processors for line in _step(cls, resource, config)),
        "        ],",
        "    )",
        '    return {"steps": build_pipeline_steps(pipeline)}',
    ]
    return "\n".join(lines) + "\n"


_GIVEN = "extractor_request.extractor_config.parameters or {}"


def _parameter_class(manifest: str, named: str | None) -> str | None:
    """The class that `parameter_schema` names, where its text says that it is pydantic's."""
    classes = {n.name: n for n in ast.parse(manifest).body if isinstance(n, ast.ClassDef)}
    seen: set[str] = set()
    name = named
    while name in classes and name not in seen:
        seen.add(name)
        bases = [ast.unparse(base).rpartition(".")[2] for base in classes[name].bases]
        if "BaseModel" in bases:
            return named
        name = next((base for base in bases if base in classes), None)
    return None


def _step(processor: str, resource: str, config: str) -> list[str]:
    return [
        "            StepDefinition(",
        f"                service_class={processor},",
        f"                resource_type=ResourceType.{resource.upper()},",
        f"                config={config},",
        "            ),",
    ]


def _identity(manifest: str) -> tuple[list[str], str, str]:
    """Names to import from manifest.py, and the expressions for name and version."""
    tree = ast.parse(manifest)
    keys = _metadata_keys(tree)
    if keys is not None:
        key = "name" if "name" in keys and "feature_extractor_name" not in keys else ""
        key = key or "feature_extractor_name"
        return ["metadata"], f'metadata["{key}"]', 'metadata["version"]'
    bound = {name for node in tree.body for name in _bound(node)}
    names: list[str] = [name for name in ("feature_extractor_name", "version") if name in bound]
    extractor, version = (
        name if name in names else '""' for name in ("feature_extractor_name", "version")
    )
    return names, extractor, version


def _metadata_keys(tree: ast.Module) -> set[str] | None:
    for node in tree.body:
        if "metadata" in _bound(node):
            value = getattr(node, "value", None)
            keys = value.keys if isinstance(value, ast.Dict) else []
            return {str(key.value) for key in keys if isinstance(key, ast.Constant)}
    return None
