import { magicOf } from './magic';

test.each([
  ['%%extractor a\nimport x', 'extractor', 'python'],
  ['\n\n%%extractor a\nimport x', 'extractor', 'python'],
  ['%%inspect --df hits\nSELECT 1', 'inspect', 'sql'],
  ['%%explore\nSELECT 1', 'explore', 'sql'],
  ['%%retriever r\ncollection: docs', 'retriever', 'yaml'],
  ['%%retriever r\n\n  {"collection": "docs"}', 'retriever', 'json'],
  ['%%retriever r', 'retriever', 'yaml']
])('%j is %s in %s', (text, name, language) => {
  expect(magicOf(text)).toMatchObject({ name, language });
});

test.each(['%extractor show a', '%%time\n%%extractor a', '%%extractors a\n', 'x = 1\n%%inspect\n', ''])(
  '%j has no body of ours',
  text => expect(magicOf(text)).toBeNull()
);

test('the body begins below the line of the magic', () => {
  const text = '\n%%inspect\nSELECT 1';
  const magic = magicOf(text);
  expect(text.slice(magic?.body)).toBe('SELECT 1');
  expect(magic?.from).toBe(1);
});
