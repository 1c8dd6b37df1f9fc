"""Which file each statement of a cell goes to: every definition into exactly one."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterable
from dataclasses import dataclass, field

from mixpeek_lab.cells.units import Unit, base_name
from mixpeek_lab.errors import SourceError
from mixpeek_lab.manifests import MANIFEST_NAMES
from mixpeek_lab.roles import ENTRY_POINTS, SERVICE_FACTORY, Role, class_roles

MANIFEST, CORE, REALTIME, PIPELINE = (
    "manifest.py",
    "processors/core.py",
    "realtime.py",
    "pipeline.py",
)
ONE_CELL_PER_FILE = (
    "Or cut the cell yourself, with `# file: manifest.py`, `# file: processors/core.py` lines."
)
_BUILTINS = frozenset(dir(builtins)) | {"__file__"}


@dataclass
class Placing:
    """Where the units of one cell go. `files` is in order: a file imports from those before."""

    units: tuple[Unit, ...]
    tree: ast.Module
    generated: frozenset[str] = frozenset()
    """Names that the generated part of manifest.py defines."""
    files: list[str] = field(default_factory=list)
    place: dict[int, str] = field(default_factory=dict)
    """Index of a unit that defines something → its file."""
    processors: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self._imports = _copied_imports(self.units)
        self._providers: dict[str, list[Unit]] = {}
        for unit in self.units:
            if unit.index not in self._imports and not unit.is_string:
                for name in unit.touches:
                    self._providers.setdefault(name, []).append(unit)
        self._drop_foreign_changes()

    def _drop_foreign_changes(self) -> None:
        """Only names that the cell itself makes have providers."""
        made = {n for u in self.units if u.index not in self._imports for n in u.binds | u.rebinds}
        self._providers = {n: units for n, units in self._providers.items() if n in made}

    # ---------------------------------------------------------------- questions

    def is_import(self, unit: Unit) -> bool:
        """Whether the unit is an import that is copied to wherever it is used."""
        return unit.index in self._imports

    def is_configuration(self, unit: Unit) -> bool:
        """Whether it sets something outside of the cell: `os.environ["A"] = "1"`."""
        return not (self.is_import(unit) or unit.is_string or unit.binds) and not any(
            name in self._providers for name in unit.touches
        )

    @property
    def usual(self) -> str:
        """The file for what no file asks for."""
        return next((p for p in (CORE, REALTIME, PIPELINE) if p in self.files), MANIFEST)

    def takes_configuration(self, path: str) -> bool:
        """Whether settings are repeated in a file: a worker may import it alone."""
        return path in (CORE, REALTIME) or path == self.usual

    def home(self, name: str) -> str | None:
        """The file that defines a name; None for imported and unknown names."""
        providers = self._providers.get(name)
        if providers:
            return self.place[providers[0].index]
        return MANIFEST if name in self.generated and not self._is_imported(name) else None

    def _is_imported(self, name: str) -> bool:
        return any(name in u.binds for u in self.units if u.index in self._imports)

    def closure(self, roots: Iterable[Unit]) -> dict[int, Unit]:
        """The units and everything of the cell that they need, by index."""
        found: dict[int, Unit] = {}
        waiting = list(roots)
        while waiting:
            unit = waiting.pop()
            if unit.index in found:
                continue
            found[unit.index] = unit
            for name in unit.uses | unit.touches:
                waiting.extend(self._providers.get(name, ()))
        return found

    def defining(self, names: Iterable[str]) -> list[Unit]:
        """The units that define one of the names."""
        wanted = set(names)
        return [u for u in self.units if u.index not in self._imports and u.binds & wanted]

    # ---------------------------------------------------------------- decisions

    def decide(self) -> None:
        """Place every unit. Raises SourceError, with line and remedy, where that is not safe."""
        self._refuse_effects()
        roots = self._roots()
        settings = [unit for unit in self.units if self.is_configuration(unit)]
        for path in self.files:
            repeated = settings if self.takes_configuration(path) else []
            for index, unit in self.closure(roots[path] + repeated).items():
                if not self.is_configuration(unit):
                    self.place.setdefault(index, path)
        self._check_roots(roots)
        self._place_the_rest()
        self._check_rebinding()

    def _roots(self) -> dict[str, list[Unit]]:
        manifest = self.defining(MANIFEST_NAMES) + self._typed_manifests()
        if not manifest:
            raise SourceError(
                "The cell declares no manifest. "
                "Write `manifest = ExtractorManifest(...)`, or `metadata = {...}` and "
                "`features = [...]`."
            )
        self.processors = self._chosen("processor")
        self.services = self._chosen("service")
        factory = self.defining([SERVICE_FACTORY])
        roots = {
            MANIFEST: manifest,
            CORE: self.defining(self.processors),
            REALTIME: self.defining(self.services) + factory,
            PIPELINE: [unit for unit in self.units if any(map(is_entry, unit.statements))],
        }
        if not (roots[CORE] or roots[REALTIME] or roots[PIPELINE]):
            raise SourceError(
                "The cell has no processor and no inference service. Write a class with "
                "`process(self, batch)` (class MyProcessor(BatchProcessor)) or with "
                "`async def infer(self, inputs, parameters)` (class MyService(InferenceService))."
            )
        self.files = [path for path in self._order(roots) if roots[path]]
        return roots

    def _order(self, roots: dict[str, list[Unit]]) -> list[str]:
        core, realtime = self.closure(roots[CORE]), self.closure(roots[REALTIME])
        if any(unit.index in core for unit in roots[REALTIME]):
            both = [unit for unit in roots[CORE] if unit.index in realtime]
            if both:
                raise SourceError(
                    f"Line {both[0].start}: the processor and the inference service need each "
                    "other. Move what they share into a function that both call."
                )
            return [MANIFEST, REALTIME, CORE, PIPELINE]
        return [MANIFEST, CORE, REALTIME, PIPELINE]

    def _typed_manifests(self) -> list[Unit]:
        return [u for u in self.units if any(is_typed_call(node) for node in u.statements)]

    def _chosen(self, role: Role) -> tuple[str, ...]:
        """The classes of a role that no other such class is built on or uses."""
        roles = class_roles(self.tree)
        needed = {name: self.closure(self.defining([name])) for name in roles}
        units = {name: self.defining([name])[0].index for name in roles if self.defining([name])}
        chosen = []
        for name in (n for n, found in roles.items() if found.role == role and n in units):
            users = [
                other
                for other in units
                if other != name
                and units[name] in needed[other]
                and units[other] not in needed[name]
                and (roles[other].role == role or not roles[name].by_base)
            ]
            if not users:
                chosen.append(name)
        declared = [name for name in chosen if roles[name].by_base]
        return tuple(declared or chosen)

    def _refuse_effects(self) -> None:
        for unit in self.units:
            if self.is_import(unit) or unit.binds or unit.is_string:
                continue
            function = _called_name(unit)
            own = function is not None and function in self._providers
            foreign = function is not None and function in _BUILTINS
            nothing = self.is_configuration(unit) and not self._sets_something_imported(unit)
            if own or foreign or nothing:
                raise SourceError(
                    f"Line {unit.start}: `{_shown(unit)}` runs on import and defines nothing, so "
                    "it belongs to no file. Move it into setup() or into a cell of its own. "
                    + ONE_CELL_PER_FILE
                )

    def _sets_something_imported(self, unit: Unit) -> bool:
        return any(self._is_imported(name) for name in unit.changes)

    def _check_roots(self, roots: dict[str, list[Unit]]) -> None:
        for path in self.files:
            for unit in roots[path]:
                if self.place[unit.index] != path:
                    raise SourceError(
                        f"Line {unit.start}: `{_shown(unit)}` belongs into {path}, but "
                        f"{self.place[unit.index]} needs it. Move the shared part into a constant "
                        "or a function above both. " + ONE_CELL_PER_FILE
                    )

    def _place_the_rest(self) -> None:
        for unit in self.units:
            if unit.index in self.place or self.is_import(unit):
                continue
            if self.is_configuration(unit) or unit.is_docstring:
                continue
            needed = self.closure([unit])
            ranks = [self.files.index(self.place[i]) for i in needed if i in self.place]
            path = self.files[max([self.files.index(self.usual), *ranks])]
            for index in needed:
                self.place.setdefault(index, path)

    def _check_rebinding(self) -> None:
        for name, providers in self._providers.items():
            rebinding = [unit for unit in providers if name in unit.rebinds]
            for unit in self.units:
                elsewhere = self.place.get(unit.index, self.home(name)) != self.home(name)
                early = len(providers) > 1 and unit.index < providers[-1].index
                if name in unit.uses and elsewhere and (rebinding or early):
                    self._refuse_rebinding(name, unit, (rebinding or providers)[-1])

    def _refuse_rebinding(self, name: str, unit: Unit, change: Unit) -> None:
        raise SourceError(
            f"Line {unit.start}: `{name}` is used here, in {self.place[unit.index]}, and changed "
            f"at line {change.start}, in {self.home(name)}: the two files would see different "
            "values. Give the changed value a name of its own. " + ONE_CELL_PER_FILE
        )


def is_typed_call(node: ast.AST) -> bool:
    """Whether a statement is `name = ExtractorManifest(...)`."""
    value = getattr(node, "value", None)
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(value, ast.Call):
        return False
    name = value.func.attr if isinstance(value.func, ast.Attribute) else base_name(value.func)
    return name == "ExtractorManifest"


def is_entry(node: ast.AST) -> bool:
    """Whether a statement is `def build_steps(…)`, or `def extract(extractor_request, …)`."""
    if not isinstance(node, ast.FunctionDef) or node.name not in ENTRY_POINTS:
        return False
    first = next((argument.arg for argument in node.args.args), "")
    return node.name == "build_steps" or first == "extractor_request"


def _copied_imports(units: tuple[Unit, ...]) -> frozenset[int]:
    """The imports that may stand in several files: nothing else makes or guards their names."""
    imports = {unit.index for unit in units if unit.is_import}
    while True:
        others = {n for u in units if u.index not in imports for n in u.binds | u.rebinds}
        good = {i for i in imports if not units[i].binds & others and not units[i].uses & others}
        if good == imports:
            return frozenset(good)
        imports = good


def _called_name(unit: Unit) -> str | None:
    """`f` of the bare statement `f(…)`."""
    node = unit.statements[0]
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await):
        call = node.value.value if isinstance(node.value, ast.Await) else node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
            return call.func.id
    return None


def _shown(unit: Unit) -> str:
    return ast.unparse(unit.statements[0]).split("\n")[0]
