import { nextIndex } from './focus';

test.each([
  ['ArrowDown', 0, 1],
  ['ArrowDown', 2, 2],
  ['ArrowUp', 0, 0],
  ['ArrowUp', 2, 1],
  ['Home', 2, 0],
  ['End', 0, 2],
  ['a', 1, -1]
])('%s from row %i of three leads to %i', (key, at, to) => {
  expect(nextIndex(key, at, 3)).toBe(to);
});
