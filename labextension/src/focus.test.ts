import { nextIndex } from './focus';

const rows = ['Extractors, 2', 'alpha', 'beta'];

test.each([
  ['ArrowDown', 0, 1],
  ['ArrowDown', 2, 2],
  ['ArrowUp', 0, 0],
  ['ArrowUp', 2, 1],
  ['Home', 2, 0],
  ['End', 0, 2],
  ['B', 0, 2],
  ['a', 1, 1],
  ['e', 1, 0],
  ['z', 1, -1],
  ['Shift', 1, -1]
])('%s from row %i of three leads to %i', (key, at, to) => {
  expect(nextIndex(key, at, rows)).toBe(to);
});
