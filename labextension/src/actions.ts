import type { Action, Item } from './protocol';

/** What is written into a cell: its text, and what of it the user is to replace. */
export interface CellText {
  text: string;
  /** The first word to replace, as a range of `text`; null where the cell is complete. */
  hole: { start: number; end: number } | null;
}

const FIELD = /\{\{|\}\}|\{(\w+)\}/g;
const HOLE = /«([^«»]*)»/g;

/** A template with an item's fields in place of `{name}`; `{{` and `}}` are braces. */
export function filled(template: string, fields: Readonly<Record<string, string>>): string {
  return template.replace(FIELD, (found, name?: string) =>
    name === undefined ? found.charAt(0) : (fields[name] ?? found)
  );
}

/** The text without its « » marks, and where the first of them stood. */
export function cellText(marked: string): CellText {
  const first = /«([^«»]*)»/.exec(marked);
  const text = marked.replace(HOLE, '$1');
  if (!first) {
    return { text, hole: null };
  }
  return { text, hole: { start: first.index, end: first.index + (first[1] ?? '').length } };
}

/** The actions that an item has. */
export function actionsOf(actions: readonly Action[], item: Item): Action[] {
  return actions.filter(action => !item.without.includes(action.id));
}

/** Those whose cell is complete: it can be run at once, or inserted. */
export function completeCells(actions: readonly Action[]): Action[] {
  return actions.filter(({ code, confirm }) => code && !code.includes('«') && !confirm);
}

/** An action's label as the title of a dialog. */
export function titleOf(action: Action): string {
  return action.label.replace(/…$/, '');
}
