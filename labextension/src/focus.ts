import type * as React from 'react';

/** Arrow keys, Home and End move between the rows of the whole sidebar. */
export function moveFocus(event: React.KeyboardEvent<HTMLElement>): void {
  const target = event.target as HTMLElement;
  const root = target.closest('.mxl');
  const row = target.closest('.mxl-item')?.querySelector('[data-mxl-row]') ?? target;
  if (!root || !row.matches('[data-mxl-row]')) {
    return;
  }
  const rows = [...root.querySelectorAll<HTMLElement>('[data-mxl-row]')];
  const next = rows[nextIndex(event.key, rows.indexOf(row as HTMLElement), rows.length)];
  if (next) {
    event.preventDefault();
    event.stopPropagation();
    next.focus();
  }
}

/** Where a key leads from row `at` of `count`; -1 where it leads nowhere. */
export function nextIndex(key: string, at: number, count: number): number {
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
      return -1;
  }
}
