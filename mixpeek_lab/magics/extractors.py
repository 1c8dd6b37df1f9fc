"""`%%extractor` and `%extractor`: writing, checking, trying, saving and loading extractors."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring
from IPython.display import display

from mixpeek_lab.errors import InvalidInputError, ManifestError, SourceError
from mixpeek_lab.magics.collections import delete
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.lines import pairs, unquoted
from mixpeek_lab.magics.session import current_lab
from mixpeek_lab.magics.versions import VERSION_ACTIONS, version_action

if TYPE_CHECKING:
    from mixpeek_lab.harness import TestReport
    from mixpeek_lab.widgets.cards import ExtractorCard, ExtractorList, PreviewCard
    from mixpeek_lab.workbench.extractors import Definition

ACTIONS = (
    "list", "show", "lint", "test", "save", "pack", "load", "deploy", "dockerfile", "delete",
    *VERSION_ACTIONS,
)  # fmt: skip
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

    @magic_arguments()
    @argument(
        "action", nargs="?", default="list",
        help="in a cell: the extractor's name. In a line: " + ", ".join(ACTIONS),
    )  # fmt: skip
    @argument("name", nargs="?", help="in a cell: the file. In a line: extractor, load: path")
    @argument(
        "more", nargs="?",
        help="save: folder. pack: file. test: variable with sample rows. dockerfile: file to write."
        " diff, checkout: version. tag: the tag",
    )  # fmt: skip
    @argument("last", nargs="?", help="diff: the later version. tag: the version to tag")
    @argument("-m", "--message", nargs="+", default=[], help="commit: what changed, in words")
    @argument("--as", dest="number", metavar="VERSION", help="commit: its version's number")
    @argument("--force", action="store_true", help="checkout, pull: leave changes. tag: move it")
    @argument("--delete", action="store_true", help="tag: forget it")
    @argument("--to", metavar="URL", help="push: the platform")
    @argument("--from", dest="source", metavar="URL", help="pull: the platform")
    @argument("--namespace", metavar="NS", help="push, pull: there (default: its only one)")
    @argument("--deploy", action="store_true", help="push: have it served, and wait until it is")
    @argument("--batch-only", action="store_true", help="push: for batches alone")
    @argument("--param", action="append", default=[], metavar="KEY=VALUE", help="test: a parameter")
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
        %extractor show NAME                          its card
        %extractor lint NAME                          check it again; "no findings" if all is well
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
        options = parse_argstring(self.extractor, line)
        if cell is not None:
            return self._define(options, cell)
        if options.action not in ACTIONS:
            raise InvalidInputError(
                f"%extractor {options.action}: there is no such action. "
                f"It is one of {', '.join(ACTIONS)}; to define one, use a %%extractor cell."
            )
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
        card = _card(definition, is_cell=True)
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
        return _card(current_lab().check(_name(options)), is_kept=True)

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
            "no_parity": unquoted(options.no_parity),
        }
        if options.full:
            with note_meanwhile(f"Testing {name} on Ray Data and Ray Serve …"):
                return lab.test(name, rows, **given)
        types = lab.extractor(name).manifest.supported_input_types
        if rows is None and types and not {"text", "string"} & set(types):
            return lab.test(name, engine="kernel", **given)
        preview = lab.preview(name, SAMPLES if rows is None else rows, given["parameters"])
        with note_meanwhile(f"Checking {name} …"):
            return tested(name, preview, lab.test(name, rows, engine="kernel", **given))

    def _delete(self, options: Any) -> None:
        delete("extractor", unquoted(options.name or ""))

    def _save(self, options: Any) -> None:
        target = current_lab().save(_name(options), options.more or ".")
        files = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())
        print(f"Saved {options.name} to {_short(target)}: {', '.join(files)}")  # noqa: T201

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
        target = Path(options.more)
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


def _card(definition: Definition, *, is_cell: bool = False, is_kept: bool = False) -> ExtractorCard:
    from mixpeek_lab.widgets.cards import ExtractorCard

    findings = definition.findings
    if is_cell:
        # Editors count the line of the magic itself.
        findings = tuple(
            replace(f, cell_line=f.cell_line + 1) if f.cell_line else f for f in findings
        )
    return ExtractorCard(
        definition.source.name, definition.manifest, findings, is_kept or definition.is_kept
    )


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
