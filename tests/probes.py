"""Extractors of a few lines: a test gives the body of `process(batch)`."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from mixpeek_lab.catalog import InputRow
from mixpeek_lab.loader import build_steps
from mixpeek_lab.models import ComputeProfile, Manifest
from mixpeek_lab.pipeline import (
    StepRunner,
    cut_blocks,
    input_table,
    plan_rows,
    run_steps,
    split_failures,
)
from mixpeek_lab.source import ExtractorSource, write_source
from mixpeek_lab.workbench import Lab

MANIFEST = """\
from shared.extractors.sdk import ExtractorManifest, Feature

manifest = ExtractorManifest(
    feature_extractor_name={name!r},
    version="1.0.0",
    description="A probe",
    supported_input_types={types!r},
    features=[{features}],
    compute_profile={profile!r},
)
feature_extractor_name = manifest.feature_extractor_name
version = manifest.version
features = manifest.features_as_dicts()
"""

PROCESSOR = """\
import os
import time
from pathlib import Path

import numpy as np
import pandas as pd

from shared.extractors.sdk import BatchProcessor


def note(path, text):
    with Path(path).open("a") as log:
        log.write(f"{{text}}\\n")


class Probe(BatchProcessor):
    def setup(self):
{setup}

    def process(self, batch):
{process}
"""


def probe(
    *process: str,
    setup: str = "pass",
    vectors: Mapping[str, int] | None = None,
    name: str = "probe",
    profile: Mapping[str, Any] | None = None,
    types: tuple[str, ...] = ("text",),
    pipeline: str = "",
    options: str = "",
) -> ExtractorSource:
    """An extractor whose processor runs the lines of `process`; `vectors`: feature → dimension."""
    declared = ", ".join(
        f"Feature.embedding({feature!r}, dim={dim}{options})"
        for feature, dim in ({"vec": 2} if vectors is None else vectors).items()
    )
    manifest = MANIFEST.format(
        name=name, features=declared, profile=dict(profile or {}), types=list(types)
    )
    code = PROCESSOR.format(setup=_indented(setup), process=_indented(*process))
    return ExtractorSource(
        name, (("manifest.py", manifest), ("pipeline.py", code + textwrap.dedent(pipeline)))
    )


def load_probe(lab: Lab, folder: Path, *process: str, **options: Any) -> None:
    """Define the probe in a lab, as the extractor `probe` or what `name` says."""
    source = probe(*process, **options)
    write_source(source, folder / source.name)
    lab.load(folder / source.name)


def rows(*texts: str, mime_type: str = "text/plain", objects: int | None = None) -> pa.Table:
    """Input for steps: one row a text. With `objects`, so many objects share the rows.

    A text that ends with `.png` is an image's.
    """
    planned = plan_rows(
        [
            InputRow(
                f"obj_{number % (objects or len(texts))}", f"blob_{number}", f"text{number}",
                "text", text, "image/png" if text.endswith(".png") else mime_type, text,
                len(text), "{}", "",
            )
            for number, text in enumerate(texts)
        ],
        collection_id="col_1",
        digest="",
        parameters={},
    )  # fmt: skip
    return input_table(planned, collection_id="col_1", extractor_id="probe@1.0.0")


def runners(
    source: ExtractorSource,
    home: Path,
    vectors: Mapping[str, int] | None = None,
    batch_size: int = 64,
    parameters: Mapping[str, Any] | None = None,
) -> list[StepRunner]:
    """The step runners of an extractor, in this process."""
    manifest = Manifest(source.name, "1.0.0", "1.0.0", compute_profile=ComputeProfile())
    built = build_steps(source, manifest, home=home, parameters=dict(parameters or {}))
    dims = dict({"vec": 2} if vectors is None else vectors)
    last = built.steps[-1]
    return [StepRunner(step, dims, batch_size, is_last=step is last) for step in built.steps]


def run(
    source: ExtractorSource, home: Path, table: pa.Table, **options: Any
) -> tuple[list[dict[str, Any]], list[Any]]:
    """All rows through all steps: the good rows as dicts, and the failures."""
    good, failures = [], []
    size = options.get("batch_size", 64)
    for block in run_steps(runners(source, home, **options), cut_blocks(table, size)):
        fine, reasons, _ = split_failures(block)
        good.extend(fine.to_pylist())
        failures.extend(reasons)
    return good, failures


def _indented(*parts: str) -> str:
    lines = (textwrap.dedent(part).strip() for part in parts)
    return textwrap.indent("\n".join(lines), " " * 8)
