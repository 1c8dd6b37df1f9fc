"""What is tested, and the ways to run it. Whoever starts a test fills this in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from mixpeek_lab.loader import ProcessorStep, Schemas
from mixpeek_lab.loader.pipelines import PROCESSOR_FILES
from mixpeek_lab.models import JSON, Manifest
from mixpeek_lab.source import ExtractorSource

Ask = Callable[[Mapping[str, JSON]], Mapping[str, Any]]
"""Asks the realtime service: inputs in, its answer out. ExtractorError where its code fails."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The steps of an extractor with their processors, made and set up in this process."""

    steps: tuple[tuple[ProcessorStep, Any], ...]
    has_prepare: bool
    """Whether the package changes the Ray dataset before its steps."""


@dataclass(frozen=True)
class Subject:
    """One version of an extractor with parameters."""

    source: ExtractorSource
    manifest: Manifest
    vectors: Mapping[str, int]
    """Vector columns, under both names that a processor may give them → dimension."""
    load: Callable[[], Loaded]
    """Raises whatever keeps the code from loading."""
    schemas: Callable[[], Schemas]
    ask: Callable[[], Ask]
    """Brings the realtime service up. ExtractorError or EngineError where it does not come."""
    on_ray: Callable[[pa.Table], Sequence[pa.Table]] | None = None
    """Runs a table through Ray Data; None where the test is to stay in this process."""
    parameters: Mapping[str, JSON] | None = None
    no_parity: str = ""
    """Why batch and realtime need not agree; empty where they must."""

    @property
    def has_batch(self) -> bool:
        """Whether it has a processor, or no service either: then one is missing."""
        paths = self.source.paths
        return "realtime.py" not in paths or any(path in paths for path in PROCESSOR_FILES)

    @property
    def metric_of(self) -> dict[str, str]:
        """Embedding feature → distance metric."""
        return {f.feature_name: f.distance_metric for f in self.manifest.vectors}

    def line_of(self, word: str) -> str:
        """The first line of the code that has `"word"`, the manifest's last: `pipeline.py:9`."""
        files = sorted(self.source.files, key=lambda file: (file[0] == "manifest.py", file[0]))
        for path, text in files:
            if not path.endswith(".py") or path == "realtime.py":
                continue
            for number, line in enumerate(text.splitlines(), 1):
                if f'"{word}"' in line or f"'{word}'" in line:
                    return f"{path}:{number}"
        return ""
