"""`%%extractor` and `%extractor`: writing, checking, trying, saving and loading extractors."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument
from IPython.display import display

from mixpeek_lab.errors import InvalidInputError, ManifestError, NoStepsError, SourceError
from mixpeek_lab.magics.collections import delete
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import demand_action, demand_fitting, explained
from mixpeek_lab.magics.lines import pairs, read_options
from mixpeek_lab.magics.session import current_lab
from mixpeek_lab.magics.sheets import TypedCells, shown_sheet
from mixpeek_lab.magics.versions import VERSION_ACTIONS, version_action
from mixpeek_lab.missing import expanded

if TYPE_CHECKING:
    from mixpeek_lab.harness import TestReport
    from mixpeek_lab.widgets.cards import ExtractorCard, ExtractorList, PreviewCard
    from mixpeek_lab.widgets.cards.fixes import FixCard
    from mixpeek_lab.workbench.extractors import Definition
    from mixpeek_lab.workbench.fixing import Fixed

ACTIONS = (
    "list", "show", "lint", "fix", "test", "save", "pack", "load", "deploy", "dockerfile", "delete",
    *VERSION_ACTIONS,
)  # fmt: skip
TAKES: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("show", "lint", "fix", "deploy", "delete", "status", "log"), ("name",)),
    **dict.fromkeys(("save", "pack", "dockerfile"), ("name", "more")),
    "list": (),
    "load": ("name",),
    "test": ("name", "more", "param", "full", "no_parity"),
    "commit": ("name", "message", "number"),
    "diff": ("name", "more", "last"),
    "checkout": ("name", "more", "force"),
    "tag": ("name", "more", "last", "force", "delete"),
    "push": ("name", "to", "namespace", "deploy", "batch_only"),
    "pull": ("name", "source", "namespace", "force"),
}
"""Action → the arguments and options that it reads."""
SAMPLES = [
    "The quick brown fox jumps over the lazy dog.",
    "Revenue increased 22% year over year.",
    "",
]
"""Rows that `%extractor test` uses where none are given: ordinary text, numbers, nothing."""

_LINE = re.compile(r"(?<=\b[Ll]ine )\d+")


@magics_class
class ExtractorMagics(Magics):
    """`%extractor` and `%%extractor`."""

    def __init__(self, shell: Any = None, **given: Any) -> None:
        """What is typed in `shell` is remembered for `fix`, what was tested for `show`."""
        super().__init__(shell, **given)
        self._cells = TypedCells(self.shell)
        self._reports: dict[str, TestReport] = {}

    @explained()
    @argument(
        "action", nargs="?", default="list",
        help="in a cell: the extractor's name. In a line: " + ", ".join(ACTIONS)
        + " (default: list)",
    )  # fmt: skip
    @argument(
        "name", nargs="?", help="in a cell: the file. In a line: the extractor. load: its path"
    )
    @argument(
        "more", nargs="?",
        help="save: folder. pack: file. test: variable with sample rows. dockerfile: file to write."
        " diff, checkout: version. tag: the tag",
    )  # fmt: skip
    @argument("last", nargs="?", help="diff: the later version. tag: the version to tag")
    @argument(
        "-m", "--message", nargs="+", default=[], metavar="WORD",
        help="commit: what changed, needed",
    )  # fmt: skip
    @argument(
        "--as", dest="number", metavar="VERSION", help="commit: its number (default: the next)"
    )
    @argument("--force", action="store_true", help="checkout, pull: leave changes. tag: move it")
    @argument("--delete", action="store_true", help="tag: forget it")
    @argument("--to", metavar="URL", help="push: the platform, needed")
    @argument("--from", dest="source", metavar="URL", help="pull: the platform, needed")
    @argument("--namespace", metavar="NS", help="push, pull: there (default: its only one)")
    @argument("--deploy", action="store_true", help="push: have it served, and wait until it is")
    @argument("--batch-only", action="store_true", help="push: for batches alone")
    @argument(
        "--param", action="append", default=[], metavar="KEY=VALUE",
        help="test: a parameter; may be given again",
    )  # fmt: skip
    @argument("--full", action="store_true", help="test: on Ray Data and Ray Serve as well")
    @argument(
        "--no-parity",
        default="",
        metavar="REASON",
        help="test: why batch and realtime need not agree",
    )
    @no_var_expand
    @line_cell_magic
    @tells_errors
    def extractor(self, line: str, cell: str | None = None) -> Any:
        """Define an extractor in a cell, or work with those there are.

        %%extractor my_extractor                      manifest, processor and service in one cell
        %%extractor my_extractor processors/core.py   one file of the package
        %extractor list                               what is defined
        %extractor show NAME                          all of it: manifest, findings, test, parity,
                                                      versions, deployments, what a run computes
        %extractor lint NAME                          check it again; "no findings" if all is well
        %extractor fix NAME                           its last cell, with the fixes written into it
        %extractor test NAME [ROWS]                   sample rows through it, and quick checks
        %extractor test NAME [ROWS] --full            every check, on Ray Data and its service
        %extractor save NAME [FOLDER]                 write the package that Mixpeek takes
        %extractor pack NAME [FILE]                   write it as a .zip: same code, same sha256
        %extractor load FOLDER                        define it from a package, as a cell to edit;
                                                      a .zip or .tar.gz is loaded as well
        %extractor deploy NAME                        serve its realtime.py
        %extractor dockerfile NAME [FILE]             an image with what its manifest asks for
        %extractor delete NAME                        all its versions, or one: NAME@1.0.0; refused
                                                      where a collection or retriever needs it

        %extractor status NAME                        what changed since the last commit
        %extractor commit NAME -m "what changed"      make the working state a version for good
        %extractor log NAME                           the versions: who, when, from which, tags
        %extractor diff NAME [A [B]]                  code, manifest, evaluations, rows to compute
        %extractor checkout NAME VERSION              go back; nothing is computed twice
        %extractor tag NAME [TAG [VERSION]]           name a version: NAME@TAG from now on
        %extractor push NAME --to URL                 send a version to another platform
        %extractor pull NAME --from URL               bring one from there; the key for both is in
                                                      MIXPEEK_API_KEY, or the secret of that name

        A cell whose checks find errors fails, and defines nothing.
        """
        options = read_options(self.extractor, line)
        if cell is not None:
            return self._define(options, cell)
        demand_action(options.action, ACTIONS, self.extractor.parser)
        demand_fitting(options, TAKES[options.action], self.extractor.parser)
        if options.action in VERSION_ACTIONS:
            return version_action(self.shell, options)
        return getattr(self, f"_{options.action}")(options)

    def _define(self, options: Any, cell: str) -> ExtractorCard:
        if options.action == "list" and not options.name:
            raise InvalidInputError("%%extractor needs a name: `%%extractor my_extractor`.")
        try:
            definition = current_lab().define(options.action, cell, options.name)
        except SourceError as error:
            raise SourceError(_below_the_magic(str(error), options.name)) from None
        self._cells.put(options.action, cell, options.name)
        fixed = self._cells.fixed(options.action) if definition.findings else None
        card = _card(definition, is_cell=True, fixed=fixed)
        if not card.errors:
            return card
        display(card)
        raise ManifestError(
            f"Extractor {options.action!r} is not defined: see what to fix above.",
            definition.findings,
        )

    def _list(self, _: Any) -> ExtractorList:
        from mixpeek_lab.widgets.cards import ExtractorList

        return ExtractorList(record.manifest for record in current_lab().extractors())

    def _show(self, options: Any) -> ExtractorCard:
        return shown_sheet(current_lab(), _name(options), self._reports)

    def _fix(self, options: Any) -> FixCard:
        return self._cells.fix(_name(options))

    def _lint(self, options: Any) -> ExtractorCard:
        from mixpeek_lab.widgets.cards.lint import LintCard

        found = current_lab().check(_name(options))
        return LintCard(found.source.name, found.manifest, found.findings, is_defined=True)

    def _test(self, options: Any) -> PreviewCard | TestReport:
        from mixpeek_lab.magics.live import note_meanwhile
        from mixpeek_lab.widgets.cards.tested import tested

        lab, name = current_lab(), _name(options)
        rows = self.shell.user_ns.get(options.more, options.more) if options.more else None
        given: dict[str, Any] = {
            "parameters": pairs(options.param),
            "no_parity": options.no_parity,
        }
        if options.full:
            with note_meanwhile(f"Testing {name} on Ray Data and Ray Serve …"):
                return self._noted(lab.test(name, rows, engine="ray", **given))
        types = lab.extractor(name).manifest.supported_input_types
        if rows is None and types and not {"text", "string"} & set(types):
            return self._noted(lab.test(name, engine="kernel", **given))
        try:
            preview = lab.preview(name, SAMPLES if rows is None else rows, given["parameters"])
        except NoStepsError:
            if lab.extractor(name).source.text("realtime.py") is None:
                raise
            # A service, and nothing else.
            return self._noted(lab.test(name, rows, engine="kernel", **given))
        with note_meanwhile(f"Checking {name} …"):
            report = self._noted(lab.test(name, rows, engine="kernel", **given))
            return tested(name, preview, report)

    def _noted(self, report: TestReport) -> TestReport:
        self._reports[report.extractor] = report
        return report

    def _delete(self, options: Any) -> None:
        delete("extractor", options.name or "")

    def _save(self, options: Any) -> None:
        saved = current_lab().save(_name(options), options.more or ".")
        where = _short(saved.path)
        print(f"Saved {options.name} to {where}: {', '.join(sorted(saved.files))}")  # noqa: T201
        if saved.removed:
            print(f"Removed, being of an earlier save: {', '.join(saved.removed)}")  # noqa: T201
        if saved.left:
            print(  # noqa: T201
                f"Still in {where}, and no part of it: {', '.join(saved.left)}. Whoever reads the "
                "folder takes them for a part: delete them if they are not."
            )

    def _pack(self, options: Any) -> None:
        packed = current_lab().pack(_name(options), options.more)
        print(f"Packed {options.name} as {packed}")  # noqa: T201

    def _load(self, options: Any) -> ExtractorCard:
        from mixpeek_lab.cells import join_sections

        definition = current_lab().load(_name(options, "a folder or an archive"))
        source = definition.source
        self.shell.set_next_input(
            f"%%extractor {source.name}\n{join_sections(source)}", replace=False
        )
        return _card(definition)

    def _dockerfile(self, options: Any) -> None:
        text = current_lab().dockerfile(_name(options))
        if options.more is None:
            print(text, end="")  # noqa: T201
            return
        target = expanded(options.more)
        target = target / "Dockerfile" if target.is_dir() else target
        try:
            target.write_text(text)
        except OSError as error:
            raise InvalidInputError(f"{target} cannot be written: {error.strerror}.") from error
        print(f"Wrote {_short(target.absolute())}")  # noqa: T201

    def _deploy(self, options: Any) -> None:
        from mixpeek_lab.magics.live import note_meanwhile

        lab = current_lab()
        with note_meanwhile(f"Deploying {_name(options)} …"):
            lab.deploy(options.name)
        print(f"{options.name} is deployed: POST {lab.url}/v1/inference asks it.")  # noqa: T201


def _card(
    definition: Definition, *, is_cell: bool = False, fixed: Fixed | None = None
) -> ExtractorCard:
    from mixpeek_lab.widgets.cards import ExtractorCard

    findings = definition.findings
    if is_cell:
        # Editors count the line of the magic itself.
        findings = tuple(
            replace(f, cell_line=f.cell_line + 1) if f.cell_line else f for f in findings
        )
    name = definition.source.name
    return ExtractorCard(name, definition.manifest, findings, definition.is_kept, fixed)


def _below_the_magic(message: str, file: str | None) -> str:
    """The message with the cell's line numbers as editors show them."""
    return message if file else _LINE.sub(lambda found: str(int(found[0]) + 1), message)


def _name(options: Any, what: str = "an extractor's name") -> str:
    if not options.name:
        raise InvalidInputError(f"%extractor {options.action} needs {what}.")
    return str(options.name)


def _short(path: Path) -> str:
    """The path, relative to the working folder where it lies in it."""
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)
