import type * as React from 'react';

const ROW = '[data-mxl-row]';

/**
 * Keys of the tree: the arrows, Home, End and letters move between its rows; to the right opens a
 * row or goes into it, to the left closes it or goes out of it; Enter and Space open and close.
 */
export function moveFocus(event: React.KeyboardEvent<HTMLElement>): void {
  const tree = event.currentTarget;
  const target = event.target as HTMLElement;
  const row = target.closest<HTMLElement>(ROW);
  if (!row || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const isDone = target === row ? onRow(event.key, row, tree) : onButton(event.key, target, row);
  if (isDone) {
    event.preventDefault();
    event.stopPropagation();
  }
}

/** Have one row of the tree, with its buttons, in the order of Tab: that which was last looked at. */
export function keepOneTabStop(tree: HTMLElement, current?: Element | null): void {
  const rows = rowsOf(tree);
  const row = current?.closest<HTMLElement>(ROW);
  const one = row ?? rows.find(each => each.tabIndex === 0) ?? rows[0];
  for (const each of rows) {
    const buttons = each.querySelectorAll<HTMLElement>(':scope > .mxl-row button');
    for (const element of [each, ...buttons]) {
      element.tabIndex = each === one ? 0 : -1;
    }
  }
}

function onRow(key: string, row: HTMLElement, tree: HTMLElement): boolean {
  const open = row.getAttribute('aria-expanded');
  if (key === 'Enter' || key === ' ') {
    return row.tagName !== 'BUTTON' && toggle(row);
  }
  if (key === 'ArrowRight') {
    return open === 'false' ? toggle(row) : focus(row.querySelector<HTMLElement>(ROW));
  }
  if (key === 'ArrowLeft') {
    return open === 'true' ? toggle(row) : focus(parentOf(row));
  }
  const rows = rowsOf(tree);
  return focus(rows[nextIndex(key, rows.indexOf(row), rows.map(label))] ?? null);
}

function parentOf(row: HTMLElement): HTMLElement | null {
  return row.parentElement?.closest<HTMLElement>(ROW) ?? null;
}

/** Beside a row: its buttons, from one to the next, and back to the row. */
function onButton(key: string, button: HTMLElement, row: HTMLElement): boolean {
  const sibling = {
    ArrowRight: button.nextElementSibling,
    ArrowLeft: button.previousElementSibling ?? row,
    Escape: row
  }[key];
  return focus((sibling ?? null) as HTMLElement | null);
}

function toggle(row: HTMLElement): boolean {
  row.querySelector<HTMLElement>('[data-mxl-toggle]')?.click();
  return true;
}

function focus(element: HTMLElement | null): boolean {
  element?.focus();
  return element !== null;
}

function rowsOf(tree: HTMLElement): HTMLElement[] {
  return [...tree.querySelectorAll<HTMLElement>(ROW)];
}

function label(row: HTMLElement): string {
  return row.getAttribute('aria-label') ?? row.textContent ?? '';
}

/** Where a key leads from row `at` of the rows with these labels; -1 where it leads nowhere. */
export function nextIndex(key: string, at: number, labels: readonly string[]): number {
  const count = labels.length;
  switch (key) {
    case 'ArrowDown':
      return Math.min(at + 1, count - 1);
    case 'ArrowUp':
      return Math.max(at - 1, 0);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return key.length === 1 ? nextWith(key.toLowerCase(), at, labels) : -1;
  }
}

/** The next row, round to the first one again, that begins with this letter. */
function nextWith(letter: string, at: number, labels: readonly string[]): number {
  const after = labels.map((_, step) => (at + 1 + step) % labels.length);
  return after.find(index => labels[index]?.toLowerCase().startsWith(letter)) ?? -1;
}
