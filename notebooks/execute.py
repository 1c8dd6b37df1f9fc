"""Run the notebooks here and keep their outputs: `python notebooks/execute.py [NAME…]`.

Outputs keep their text and HTML. What only a running kernel can show is left out, so that the
notebooks look the same on a web page, and `pytest --nbval` compares what does not change.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).parent
VIEW = "application/vnd.jupyter.widget-view+json"
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def execute(path: Path) -> None:
    """Run one notebook in a home folder of its own, and write it back with its outputs."""
    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"MIXPEEK_LAB_HOME": home, "MIXPEEK_LAB_AUTHOR": "you"}
        resources = {"metadata": {"path": str(path.parent)}}
        client = NotebookClient(
            notebook, timeout=300, store_widget_state=False, resources=resources
        )
        client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)
        if cell.cell_type == "code":
            cell.outputs = [kept for output in cell.outputs if (kept := _static(output))]
    notebook.metadata = nbformat.from_dict(METADATA)
    nbformat.write(notebook, path)


def _static(output: nbformat.NotebookNode) -> nbformat.NotebookNode | None:
    """The output without its live view; None where nothing else is in it."""
    if "data" in output:
        output.data.pop(VIEW, None)
        if not output.data:
            return None
    return output


def main() -> None:
    """Run the named notebooks, or all."""
    named = [Path(name) for name in sys.argv[1:]] or sorted(HERE.glob("*.ipynb"))
    for path in named:
        begun = time.perf_counter()
        execute(path)
        print(f"{path}: {time.perf_counter() - begun:.0f} s")


if __name__ == "__main__":
    main()
