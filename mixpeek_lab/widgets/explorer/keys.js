// The keyboard in the grid, and which rows are picked by it and by the mouse.

/**
 * `actions`: `pick(what, first, last)`, `open(row, column)`, `openRow(row)`, `sort(column, isMore)`,
 * `filter(column, anchor)`, `search()`, `copy()`, `escape()`.
 */
export function bindKeys(grid, actions) {
  let anchor = 0;

  function pickRange(row) {
    actions.pick("only", Math.min(anchor, row), Math.max(anchor, row));
  }

  /** A click that picks rows: beside them, or with Shift, Ctrl or Command. */
  function click(row, event) {
    if (event.shiftKey) return pickRange(row);
    anchor = row;
    return actions.pick("toggle", row, row);
  }

  function move(event, row, column) {
    if (!event.shiftKey || row < 0) {
      anchor = Math.max(0, row);
      return grid.activate(row, column);
    }
    grid.activate(row, column);
    return pickRange(grid.active.row);
  }

  const steps = {
    ArrowUp: ({ row, column }) => [row - 1, column],
    ArrowDown: ({ row, column }) => [row + 1, column],
    ArrowLeft: ({ row, column }) => [row, column - 1],
    ArrowRight: ({ row, column }) => [row, column + 1],
    PageUp: ({ row, column }) => [Math.max(0, row - grid.rowsInSight()), column],
    PageDown: ({ row, column }) => [row + grid.rowsInSight(), column],
    Home: ({ row, column }, isFar) => (isFar ? [0, 0] : [row, 0 * column]),
    End: ({ row }, isFar) => [isFar ? grid.count - 1 : row, grid.columns.length - 1],
  };

  function step(event) {
    const isFar = event.ctrlKey || event.metaKey;
    const { row, column } = grid.active;
    if (isFar && event.key === "ArrowUp") return move(event, 0, column);
    if (isFar && event.key === "ArrowDown") return move(event, grid.count - 1, column);
    const isMore = event.shiftKey && event.key.startsWith("Arrow") && row >= 0;
    const [to, at] = steps[event.key](grid.active, isFar);
    return move(isMore || !event.shiftKey ? event : { shiftKey: false }, to, at);
  }

  function press(event) {
    const { row, column } = grid.active;
    const shown = grid.columns[column];
    const isCommand = event.ctrlKey || event.metaKey;
    if (event.key in steps) return step(event);
    if (isCommand && event.key.toLowerCase() === "a") return actions.pick("only", 0, grid.count - 1);
    if (isCommand && event.key.toLowerCase() === "c" && !String(getSelection())) return actions.copy();
    if (isCommand || event.altKey) return false;
    if (event.key === "Enter") return row < 0 ? actions.sort(shown, event.shiftKey) : event.shiftKey ? actions.openRow(row) : actions.open(row, shown);
    if (event.key === " ") return row < 0 ? actions.sort(shown, event.shiftKey) : click(row, { shiftKey: event.shiftKey });
    if (event.key.toLowerCase() === "f") return actions.filter(shown, grid.headers.get(shown.name));
    if (event.key === "/") return actions.search();
    return event.key === "Escape" ? actions.escape() : false;
  }

  grid.node.addEventListener("keydown", (event) => {
    if (event.target !== grid.node || !grid.columns.length) return;
    if (press(event) === false) return;
    event.preventDefault();
    event.stopPropagation();
  });
  return { click };
}

/**
 * Ctrl+S saves the notebook wherever the focus is: fields keep their keys from JupyterLab, so it
 * gets this one from the element around `root`.
 */
export function passSaving(root) {
  root.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    event.stopPropagation();
    root.parentElement?.dispatchEvent(new KeyboardEvent("keydown", event));
  }, true);
}
