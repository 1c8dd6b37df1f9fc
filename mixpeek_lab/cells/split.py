"""One typed cell becomes the platform's package."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from mixpeek_lab.cells.generated import COMPATIBLE_NAMES, compatible_lines, compatible_names
from mixpeek_lab.cells.generated import pipeline_text as generated_pipeline
from mixpeek_lab.cells.placing import MANIFEST, ONE_CELL_PER_FILE, PIPELINE, REALTIME, Placing
from mixpeek_lab.cells.units import read_units, refuse_unsplittable
from mixpeek_lab.cells.writing import Line, Writer
from mixpeek_lab.errors import SourceError
from mixpeek_lab.findings import Finding
from mixpeek_lab.manifests import demand_importable
from mixpeek_lab.source import ExtractorSource, parse_python, python_lines

_GENERATED = frozenset({"metadata", *(name for name, _ in COMPATIBLE_NAMES)})


@dataclass(frozen=True, slots=True)
class CellSplit:
    """A package made of a cell, and where each of its lines stands in the cell."""

    source: ExtractorSource
    line_map: Mapping[str, tuple[int | None, ...]]
    """Path → for each line of the file the cell's line (from 1), None for generated lines."""

    def cell_line(self, path: str, line: int) -> int | None:
        """The cell's line for a line of a file; None where it was generated or is unknown."""
        lines = self.line_map.get(path, ())
        return lines[line - 1] if 0 < line <= len(lines) else None

    def locate(self, finding: Finding) -> Finding:
        """The same finding, with its line in the cell."""
        return replace(finding, cell_line=self.cell_line(finding.path, finding.line))


def split_cell(name: str, text: str) -> CellSplit:
    """Cut one typed cell into manifest.py, processors/core.py, realtime.py and pipeline.py.

    Each definition goes into one file: what the manifest needs, then what the processor needs
    beyond that, then the inference service; uses across files become relative imports. Imports,
    and settings of imported modules (`os.environ["A"] = "1"`), stand in every file that needs
    them. pipeline.py is written for the user unless the cell has `build_steps`.

    Raises SourceError, with the cell's line, for what is not Python or cannot be cut safely, and
    for a name that no import can say (`class`).
    """
    demand_importable(name)
    tree = parse_python("cell", text)
    refuse_unsplittable(tree)
    placing = Placing(read_units(tree, text), tree, _GENERATED if _is_typed(tree) else frozenset())
    placing.decide()
    writer = Writer(placing, text)
    files = {path: writer.lines(path) for path in placing.files}
    added = compatible_lines(compatible_names(tree, REALTIME in placing.files))
    files[MANIFEST] += [(line, None) for part in added for line in python_lines(part)]
    if PIPELINE not in files:
        _refuse_several(placing)
        generated = generated_pipeline(name, placing, _text(files[MANIFEST]))
        files[PIPELINE] = [(line, None) for line in python_lines(generated)]
    source = ExtractorSource(name, tuple((path, _text(lines)) for path, lines in files.items()))
    return CellSplit(
        source, {path: tuple(number for _, number in lines) for path, lines in files.items()}
    )


def _is_typed(tree: ast.Module) -> bool:
    return bool(compatible_names(tree, has_service=True))


def _refuse_several(placing: Placing) -> None:
    if len(placing.processors) > 1:
        raise SourceError(
            f"The cell has {len(placing.processors)} processors "
            f"({', '.join(placing.processors)}) and does not say in which order they run. "
            "Write build_steps(extractor_request, container=None, **kwargs) in the cell. "
            + ONE_CELL_PER_FILE
        )


def _text(lines: Iterable[Line]) -> str:
    return "".join(line for line, _ in lines)
