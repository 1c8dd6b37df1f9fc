import {
  IndentContext,
  StreamLanguage,
  ensureSyntaxTree,
  getIndentation,
  syntaxTree
} from '@codemirror/language';
import type { Language } from '@codemirror/language';
import { python } from '@codemirror/lang-python';
import { EditorState } from '@codemirror/state';

import { cellLanguage } from './cellparser';

const yaml = StreamLanguage.define<{ n: number }>({
  name: 'words',
  startState: () => ({ n: 0 }),
  token: stream => (stream.match(/^\w+(?=:)/) ? 'keyword' : (stream.next(), null))
});

function nodes(language: Language, doc: string): [string, string][] {
  const state = EditorState.create({ doc, extensions: [cellLanguage(language).extension] });
  const tree = ensureSyntaxTree(state, doc.length, 5000);
  const found: [string, string][] = [];
  tree?.iterate({ enter: node => void found.push([node.name, doc.slice(node.from, node.to)]) });
  return found;
}

test('the line of the magic is one thing, and the body is Python without errors', () => {
  const found = nodes(python().language, '%%extractor my_one file.py\nclass A:\n    x = 1\n');
  expect(found).toContainEqual(['MagicLine', '%%extractor my_one file.py\n']);
  expect(found).toContainEqual(['ClassDefinition', 'class A:\n    x = 1\n']);
  expect(found.map(([name]) => name)).not.toContain('⚠');
});

test('the body may be of a mode that reads line by line', () => {
  const found = nodes(yaml, '%%retriever r\ncollection: docs\nfusion: rrf');
  const words = found.filter(([name]) => name === 'keyword').map(([, text]) => text);
  expect(words).toEqual(['collection', 'fusion']);
});

test('a cell of the magic alone has no body', () => {
  expect(nodes(python().language, '%%extractor a')).toEqual([
    ['MagicCell', '%%extractor a'],
    ['MagicLine', '%%extractor a'],
    ['MagicName', '%%extractor']
  ]);
});

test('Enter in a body indents as it does in Python', () => {
  const body = 'class A:\n    def f(self):';
  const indentation = (doc: string, language: Language): number | null => {
    let state = EditorState.create({ doc, extensions: [language.extension] });
    ensureSyntaxTree(state, doc.length, 5000);
    state = state.update({}).state; // takes over what was parsed beyond its budget
    const context = new IndentContext(state, { simulateBreak: doc.length });
    return getIndentation(context, doc.length);
  };
  const alone = indentation(body, python().language);
  expect(alone).toBe(6);
  expect(indentation(`%%extractor a\n${body}`, cellLanguage(python().language))).toBe(alone);
});

test('typing keeps the tree true', () => {
  let state = EditorState.create({
    doc: '%%extractor a\nx = 1\n',
    extensions: [cellLanguage(python().language).extension]
  });
  for (const insert of ['y', ' ', '=', ' ', 'f', '(', ')', '\n']) {
    state = state.update({ changes: { from: state.doc.length, insert } }).state;
  }
  const tree = ensureSyntaxTree(state, state.doc.length, 5000) ?? syntaxTree(state);
  const calls: string[] = [];
  tree.iterate({
    enter: node => {
      if (node.name === 'CallExpression') {
        calls.push(state.sliceDoc(node.from, node.to));
      }
    }
  });
  expect(calls).toEqual(['f()']);
});
