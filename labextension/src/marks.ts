import type { Diagnostic } from '@codemirror/lint';
import type { Text } from '@codemirror/state';

import type { Mark } from './protocol';

/** The kernel's marks as CodeMirror's, as far as the text still has their places. */
export function diagnostics(marks: readonly Mark[], doc: Text): Diagnostic[] {
  return marks.map(mark => diagnostic(mark, doc)).sort((a, b) => a.from - b.from);
}

function diagnostic(mark: Mark, doc: Text): Diagnostic {
  const { from, to } = place(mark, doc);
  const about = {
    from,
    to,
    severity: mark.severity,
    source: mark.rule || 'Mixpeek Lab',
    message: mark.fix ? `${mark.message}\n${mark.fix}` : mark.message
  };
  const { replacement } = mark;
  if (replacement === null) {
    return about;
  }
  const apply: NonNullable<Diagnostic['actions']>[number]['apply'] = (view, start, end) => {
    view.dispatch({ changes: { from: start, to: end, insert: replacement } });
  };
  return { ...about, actions: [{ name: `Write ${replacement}`, apply }] };
}

/** Where a mark is: its characters, or the text of its whole line. */
function place(mark: Mark, doc: Text): { from: number; to: number } {
  const line = doc.line(Math.min(Math.max(mark.line, 1), doc.lines));
  if (mark.column && mark.column <= line.length) {
    const from = line.from + mark.column - 1;
    return { from, to: mark.length ? Math.min(from + mark.length, line.to) : line.to };
  }
  const indent = line.text.length - line.text.trimStart().length;
  return { from: line.from + indent, to: line.from + line.text.trimEnd().length };
}
