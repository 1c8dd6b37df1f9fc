"""The files' text, sliced out of the cell, with the cell's line number of each line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mixpeek_lab.cells.placing import MANIFEST, Placing
from mixpeek_lab.cells.units import Unit
from mixpeek_lab.source import python_lines

Line = tuple[str, int | None]
"""A line with its end, and its number in the cell; None for a generated one."""


class Writer:
    """Writes the files of one placed cell."""

    def __init__(self, placing: Placing, text: str) -> None:
        self._placing = placing
        self._lines = python_lines(text)
        if self._lines and not self._lines[-1].endswith(("\n", "\r")):
            self._lines[-1] += "\n"
        self._units = {path: self._units_of(path) for path in placing.files}
        used = {unit.index for units in self._units.values() for unit in units}
        unused = [u for u in placing.units if placing.is_import(u) and u.index not in used]
        if unused:
            kept = self._units[placing.usual] + unused
            self._units[placing.usual] = sorted(kept, key=lambda unit: unit.index)

    def lines(self, path: str) -> list[Line]:
        """One file. Comments above an import go with its first copy."""
        units = self._units[path]
        head = self._head(units)
        relative: list[Line] = [(line, None) for line in self._relative_imports(path, units)]
        written: list[Line] = []
        for position, unit in enumerate(units):
            lines = list(self._unit_lines(path, unit, is_first=not written and not relative))
            if position == head:
                written.extend(relative)
                if written and lines[0][0].strip():
                    written.append(("\n", None))
            written.extend(lines)
        if head == len(units):
            written.extend(relative)
        return written

    def _units_of(self, path: str) -> list[Unit]:
        placing = self._placing
        own = [unit for unit in placing.units if self._belongs(unit, path)]
        imports = self._imports_for(own)
        return sorted({u.index: u for u in [*own, *imports]}.values(), key=lambda u: u.index)

    def _belongs(self, unit: Unit, path: str) -> bool:
        placing = self._placing
        if placing.is_import(unit):
            return unit.is_future
        if unit.is_docstring:
            return path == MANIFEST
        if placing.is_configuration(unit):
            return placing.takes_configuration(path)
        return placing.place[unit.index] == path

    def _imports_for(self, units: Iterable[Unit]) -> Iterator[Unit]:
        waiting, seen = [name for unit in units for name in unit.uses], set[str]()
        while waiting:
            name = waiting.pop()
            if name in seen:
                continue
            seen.add(name)
            for unit in self._placing.units:
                if self._placing.is_import(unit) and name in unit.binds:
                    yield unit
                    waiting.extend(unit.uses)

    def _head(self, units: list[Unit]) -> int:
        """How many units stand above the relative imports: docstring, imports, settings."""
        for position, unit in enumerate(units):
            setting = self._placing.is_configuration(unit) and not any(
                self._placing.home(name) for name in unit.uses
            )
            if not (setting or unit.is_docstring or self._placing.is_import(unit)):
                return position
        return len(units)

    def _relative_imports(self, path: str, units: list[Unit]) -> list[str]:
        needed: dict[str, set[str]] = {}
        for unit in units:
            for name in unit.uses | unit.touches:
                home = self._placing.home(name)
                if home is not None and home != path:
                    needed.setdefault(home, set()).add(name)
        dots = "." * (path.count("/") + 1)
        return [
            f"from {dots}{home.removesuffix('.py').replace('/', '.')} "
            f"import {', '.join(sorted(needed[home]))}\n"
            for home in self._placing.files
            if home in needed
        ]

    def _unit_lines(self, path: str, unit: Unit, is_first: bool) -> Iterator[Line]:
        copied = self._placing.is_import(unit) or self._placing.is_configuration(unit)
        comments = not copied or path == self._first_file(unit)
        started = not is_first
        for number in range(unit.lead, unit.last + 1):
            line = self._lines[number - 1]
            blank = not line.strip()
            if number < unit.start and ((blank and not started) or not (blank or comments)):
                continue
            started = True
            yield line, number

    def _first_file(self, unit: Unit) -> str:
        return next(path for path, units in self._units.items() if unit in units)
