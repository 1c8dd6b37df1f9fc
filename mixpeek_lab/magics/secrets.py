"""`%secret`, and secrets kept out of what the notebook shows and saves."""

from __future__ import annotations

from collections.abc import Callable
from getpass import getpass
from typing import TYPE_CHECKING, Any

from IPython.core.error import StdinNotImplementedError
from IPython.core.magic import Magics, line_magic, magics_class
from IPython.core.magic_arguments import argument

from mixpeek_lab.errors import InvalidInputError
from mixpeek_lab.magics.errors import tells_errors
from mixpeek_lab.magics.helping import explained
from mixpeek_lab.magics.session import current_lab

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mixpeek_lab.secrets import SecretStore
    from mixpeek_lab.widgets.cards import FactsCard

USAGE = "It reads `%secret set NAME`, `%secret delete NAME`, or `%secret list`."
_MARK = "_mixpeek_lab_original"


@magics_class
class SecretMagics(Magics):
    """`%secret`."""

    @explained()
    @argument("action", nargs="?", default="list", help="set, list or delete (default: list)")
    @argument("name", nargs="?", help="such as EXTERNAL_API_KEY; never the value")
    @line_magic
    @tells_errors
    def secret(self, line: str) -> FactsCard | None:
        """Keep, list or forget secrets for extractors.

        %secret set NAME        asks for the value, which is not shown and not in the notebook
        %secret list            names only
        %secret delete NAME     forget it

        A pipeline hands `container.secrets` on in a step's config; the processor reads one with
        `asyncio.run(self.config["secrets"].get("NAME"))`, or awaits it.
        """
        from mixpeek_lab.secrets import demand_name

        action, *names = line.split() or ["list"]
        store = opened(self.shell)
        if action == "list" and not names:
            return _card(store.names())
        if len(names) != 1:
            raise InvalidInputError(_refusal(action, names))
        (name,) = names
        if "=" in name:
            raise InvalidInputError(_refusal(action, name.split("=")))
        if action == "set":
            demand_name(name)
            store.set(name, asked(name))
            print(f"Secret {name} is kept, encrypted.")  # noqa: T201
        elif action == "delete":
            store.delete(name)
            print(f"Secret {name} is forgotten.")  # noqa: T201
        else:
            raise InvalidInputError(USAGE)
        return None


def asked(name: str) -> str:
    """What the user types for a secret, without an echo. InvalidInputError where nobody can."""
    try:
        return getpass(f"{name}: ")
    except (StdinNotImplementedError, EOFError) as error:
        raise InvalidInputError(
            f"Nobody can be asked for {name} here. Set it from a terminal: "
            f"mixpeek-lab secret set {name}"
        ) from error


def opened(shell: InteractiveShell | None) -> SecretStore:
    """The kernel's secrets; from now on they are kept out of its outputs."""
    from mixpeek_lab.secrets import SecretStore, guard_process, watch

    store = SecretStore(current_lab().home)
    watch(store)
    guard_process()
    if shell is not None:
        _guard_outputs(shell)
    return store


def remove(shell: InteractiveShell) -> None:
    """Let outputs pass as they are again."""
    for owner, name in ((shell.display_formatter, "format"), (shell, "_showtraceback")):
        method = getattr(owner, name)
        if hasattr(method, _MARK):
            setattr(owner, name, getattr(method, _MARK))


def _guard_outputs(shell: InteractiveShell) -> None:
    formatter: Any = shell.display_formatter
    if hasattr(formatter.format, _MARK):
        return
    _replace(formatter, "format", _redacted_format)
    _replace(shell, "_showtraceback", _redacted_traceback)


def _replace(owner: Any, name: str, make: Callable[[Callable[..., Any]], Any]) -> None:
    original = getattr(owner, name)
    method = make(original)
    setattr(method, _MARK, original)
    setattr(owner, name, method)


def _redacted_format(original: Callable[..., Any]) -> Callable[..., Any]:
    from mixpeek_lab.secrets import redacted

    def format(*args: Any, **kwargs: Any) -> tuple[Any, Any]:  # noqa: A001 - IPython's name
        data, metadata = original(*args, **kwargs)
        return redacted(data), metadata

    return format


def _redacted_traceback(original: Callable[..., Any]) -> Callable[..., Any]:
    from mixpeek_lab.secrets import redact, redacted

    def show(etype: Any, evalue: Any, lines: list[str]) -> None:
        text = redact(str(evalue))
        told = evalue if text == str(evalue) else Exception(text)
        original(etype, told, redacted(lines))

    return show


def _refusal(action: str, names: list[str]) -> str:
    if action == "set" and len(names) > 1:
        return (
            f"`%secret set {names[0]}` asks for the value, so that it is not in the notebook. "
            "Nothing was kept. Delete this cell's text: what you typed after the name is in it, "
            "and in IPython's history; a key that matters is better made anew."
        )
    return USAGE


def _card(names: list[str]) -> FactsCard:
    from mixpeek_lab.widgets.cards import FactsCard

    if not names:
        return FactsCard("Secrets", [("none yet", "%secret set NAME asks for one")])
    return FactsCard("Secrets", [(name, "kept, encrypted") for name in names])
