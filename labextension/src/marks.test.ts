import { Text } from '@codemirror/state';

import { diagnostics } from './marks';
import type { Mark } from './protocol';

const doc = Text.of(['%%extractor a', '    dim="16"', '']);
const mark = (more: Partial<Mark>): Mark => ({
  line: 2, column: 9, length: 4, severity: 'error', rule: 'MAN004', message: 'no number.',
  fix: '', replacement: null, ...more
});
const marked = (more: Partial<Mark>): string => {
  const [found] = diagnostics([mark(more)], doc);
  return doc.sliceString(found?.from ?? 0, found?.to);
};

test('a mark is where it says', () => expect(marked({})).toBe('"16"'));

test('a mark without a column is its line, without the space around it', () =>
  expect(marked({ column: 0, length: 0 })).toBe('dim="16"'));

test.each([
  { line: 9 },
  { line: 0, column: 0 },
  { column: 99 },
  { length: 99 }
])('a mark of a text that has changed meanwhile stays inside it: %j', more => {
  const [found] = diagnostics([mark(more)], doc);
  expect(found?.from).toBeLessThanOrEqual(found?.to ?? -1);
  expect(found?.to).toBeLessThanOrEqual(doc.length);
});

test('marks come in the order of their places, as CodeMirror needs them', () => {
  const found = diagnostics([mark({}), mark({ line: 1, column: 0 })], doc);
  expect(found.map(one => one.from)).toEqual([0, 22]);
});

test('a fix writes what is meant over what is marked', () => {
  const [found] = diagnostics([mark({ replacement: '16' })], doc);
  const changes: unknown[] = [];
  const view = { dispatch: (change: unknown) => changes.push(change) };
  found?.actions?.[0]?.apply(view as never, 5, 9);
  expect(found?.actions?.[0]?.name).toBe('Write 16');
  expect(changes).toEqual([{ changes: { from: 5, to: 9, insert: '16' } }]);
});
