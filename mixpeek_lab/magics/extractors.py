"""`%%extractor` and `%extractor`: writing, checking, trying, saving and loading extractors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments, parse_argstring

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.session import current_lab
from mixpeek_lab.widgets.cards import ExtractorCard, ExtractorList, PreviewCard

if TYPE_CHECKING:
    from mixpeek_lab.workbench.extractors import Definition

ACTIONS = ("list", "show", "lint", "test", "save", "load", "deploy")
SAMPLES = [
    "The quick brown fox jumps over the lazy dog.",
    "Revenue increased 22% year over year.",
    "",
]
"""Rows that `%extractor test` uses where none are given: ordinary text, numbers, nothing."""


@magics_class
class ExtractorMagics(Magics):
    """`%extractor` and `%%extractor`."""

    @magic_arguments()
    @argument("action", help="as a cell: the extractor's name. As a line: " + ", ".join(ACTIONS))
    @argument("name", nargs="?", help="as a cell: the file, if it is one of several. As a line: the extractor")
    @argument("folder", nargs="?", help="save: where to. test: a variable that holds sample rows")
    @argument("--param", action="append", default=[], metavar="KEY=VALUE", help="test: a parameter")
    @no_var_expand
    @line_cell_magic
    @tells_errors
    def extractor(self, line: str, cell: str | None = None) -> Any:
        """Define an extractor in a cell, or work with those there are.

        %%extractor my_extractor                      manifest, processor and service in one cell
        %%extractor my_extractor processors/core.py   one file of the package
        %extractor list                               what is defined
        %extractor show NAME                          its card
        %extractor lint NAME                          check it again
        %extractor test NAME [ROWS]                   sample rows through it, here and now
        %extractor save NAME [FOLDER]                 write the package that Mixpeek takes
        %extractor load FOLDER                        define it from a package, as a cell to edit
        %extractor deploy NAME                        serve its realtime.py
        """
        options = parse_argstring(self.extractor, line)
        if cell is not None:
            definition = current_lab().define(options.action, cell, options.name)
            return _card(definition)
        if options.action not in ACTIONS:
            raise InvalidInputError(
                f"%extractor {options.action}: there is no such action. "
                f"It is one of {', '.join(ACTIONS)}; to define one, use a %%extractor cell."
            )
        return getattr(self, f"_{options.action}")(options)

    def _list(self, _: Any) -> ExtractorList:
        return ExtractorList([record.manifest for record in current_lab().extractors()])

    def _show(self, options: Any) -> ExtractorCard:
        return _card(current_lab().check(_name(options)))

    _lint = _show

    def _test(self, options: Any) -> PreviewCard:
        rows = self.shell.user_ns.get(options.folder, options.folder) if options.folder else SAMPLES
        parameters = dict(pair.split("=", 1) for pair in options.param)
        name = _name(options)
        preview = current_lab().preview(name, rows, parameters)
        return PreviewCard(
            name, preview.documents, preview.failures, preview.rows_in, preview.seconds
        )

    def _save(self, options: Any) -> None:
        target = current_lab().save(_name(options), options.folder or ".")
        files = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())
        print(f"Saved {options.name} to {_short(target)}: {', '.join(files)}")  # noqa: T201

    def _load(self, options: Any) -> ExtractorCard:
        from mixpeek_lab.cells import join_sections

        definition = current_lab().load(_name(options, "a folder"))
        source = definition.source
        self.shell.set_next_input(
            f"%%extractor {source.name}\n{join_sections(source)}", replace=False
        )
        return _card(definition)

    def _deploy(self, options: Any) -> None:
        lab = current_lab()
        lab.deploy(_name(options))
        print(f"{options.name} is deployed and answers queries at POST {lab.url}/v1/inference")  # noqa: T201


def _card(definition: Definition) -> ExtractorCard:
    return ExtractorCard(
        definition.source.name, definition.manifest, definition.findings, definition.is_kept
    )


def _name(options: Any, what: str = "an extractor's name") -> str:
    if not options.name:
        raise InvalidInputError(f"%extractor {options.action} needs {what}.")
    return str(options.name)


def _short(path: Path) -> str:
    """The path, relative to the working folder where it lies in it."""
    return path.relative_to(Path.cwd()).as_posix() if path.is_relative_to(Path.cwd()) else str(path)
