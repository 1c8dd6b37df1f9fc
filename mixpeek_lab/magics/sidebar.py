"""The sidebar's end in the kernel: there while the extension is loaded, with the notebook's lab."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mixpeek_lab.magics.session import is_starting, lab_if_made

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from mixpeek_lab.sidebar import Connection

_connection: Connection | None = None


def connect_sidebar(shell: InteractiveShell) -> None:
    """Tell JupyterLab's sidebar that a lab is here. Does nothing where no front end can listen."""
    global _connection
    disconnect_sidebar(shell)
    if getattr(shell, "kernel", None) is not None:
        from mixpeek_lab.sidebar import Connection

        _connection = Connection(lab_if_made, is_starting, {"findings": _find})
        _connection.open()


def disconnect_sidebar(_: InteractiveShell) -> None:
    """Close what `connect_sidebar` opened."""
    global _connection
    if _connection is not None:
        _connection.close()
        _connection = None


def _find(request: Mapping[str, Any]) -> Any:
    from mixpeek_lab.magics.findings import find

    return find(request)
