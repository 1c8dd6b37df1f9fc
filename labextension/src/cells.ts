import type { Cell } from '@jupyterlab/cells';
import { NotebookActions } from '@jupyterlab/notebook';
import type { Notebook, NotebookPanel } from '@jupyterlab/notebook';

import { cellText } from './actions';

/**
 * Write a cell below the active one, or into that one where it is empty or says the same, and run it
 * if `run` says so and nothing in it is left to fill in.
 *
 * @returns whether it was run
 */
export async function writeCell(
  panel: NotebookPanel,
  marked: string,
  run: boolean
): Promise<boolean> {
  const notebook = panel.content;
  const { text, hole } = cellText(marked);
  const cell = cellFor(notebook, text);
  if (!cell) {
    return false;
  }
  cell.model.sharedModel.setSource(text);
  const isRun = run && !hole;
  notebook.mode = isRun ? 'command' : 'edit';
  await notebook.scrollToItem(notebook.activeCellIndex);
  if (isRun) {
    // This cell, wherever the user has gone meanwhile.
    void NotebookActions.runCells(notebook, [cell], panel.sessionContext);
  } else {
    await cell.ready;
    select(cell, hole ?? { start: text.length, end: text.length });
  }
  return isRun;
}

/** The active cell, if it is a code cell that is empty or says this, else a new one below it. */
function cellFor(notebook: Notebook, text: string): Cell | null {
  const active = notebook.activeCell;
  notebook.deselectAll();
  const source = active?.model.sharedModel.getSource().trim() ?? '';
  if (active?.model.type !== 'code' || (source && source !== text.trim())) {
    NotebookActions.insertBelow(notebook);
  }
  return notebook.activeCell;
}

function select({ editor }: Cell, range: { start: number; end: number }): void {
  const start = editor?.getPositionAt(range.start);
  const end = editor?.getPositionAt(range.end);
  if (editor && start && end) {
    editor.setSelection({ start, end });
    editor.focus();
  }
}
