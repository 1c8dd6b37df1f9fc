import { actionsOf, cellText, completeCells, filled } from './actions';
import type { Action, Item } from './protocol';

const action = (id: string): Action => ({
  id, label: id, code: '', cell: '', icon: '', copy: '', request: '', ask: '',
  confirm: '', apart: false
});
const item: Item = {
  key: 'k', name: 'docs', detail: '', state: '', note: '', facts: [], fields: {}, without: ['b'],
  parts: '', part_count: 0
};

test('fields are filled in, and doubled braces are braces', () => {
  expect(filled('%process {bucket} {name}', { bucket: '"my docs"', name: 'x' })).toBe(
    '%process "my docs" x'
  );
  expect(filled('{{"text": "{name}"}} {other}', { name: 'x' })).toBe('{"text": "x"} {other}');
});

test('a value that looks like a field is not filled in again', () => {
  expect(filled('{name}', { name: '{key}', key: 'no' })).toBe('{key}');
});

test('the first hole of a cell is what will be selected', () => {
  const { text, hole } = cellText('%process «bucket» «extractor»');
  expect(text).toBe('%process bucket extractor');
  expect(hole && text.slice(hole.start, hole.end)).toBe('bucket');
});

test('a complete cell has no hole', () => {
  expect(cellText('%bucket docs')).toEqual({ text: '%bucket docs', hole: null });
});

test('an item is without some actions', () => {
  expect(actionsOf([action('a'), action('b')], item).map(found => found.id)).toEqual(['a']);
});

test('cells that leave nothing open are those that can be run', () => {
  const codes = ['%bucket a', '%process «bucket» a', ''];
  const actions = codes.map(code => ({ ...action(code || 'copy'), code }));
  const asked = { ...action('stop'), code: '%lab stop', confirm: 'Really?' };
  expect(completeCells([...actions, asked]).map(found => found.id)).toEqual(['%bucket a']);
});
