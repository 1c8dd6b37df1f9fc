/** The cell magics that have a body in another language than the notebook's. */
export type BodyLanguage = 'python' | 'yaml' | 'json' | 'sql';

export interface Magic {
  name: 'extractor' | 'retriever' | 'inspect' | 'explore';
  language: BodyLanguage;
  /** Where the line of the magic begins. */
  from: number;
  /** Where its name ends. */
  nameEnd: number;
  /** Where the body begins: past the line end, or the end of the text. */
  body: number;
}

const LINE = /^\s*%%(extractor|retriever|inspect|explore)(?![\w.])[^\n]*(\n|$)/;

/** The magic that a cell begins with, if it is one of ours. Empty lines before it do not count. */
export function magicOf(text: string): Magic | null {
  const found = LINE.exec(text);
  if (!found) {
    return null;
  }
  const name = found[1] as Magic['name'];
  const body = found[0].length;
  const from = text.indexOf('%%');
  return {
    name,
    language: languageOf(name, text, body),
    from,
    nameEnd: from + 2 + name.length,
    body
  };
}

function languageOf(name: Magic['name'], text: string, body: number): BodyLanguage {
  switch (name) {
    case 'extractor':
      return 'python';
    case 'inspect':
    case 'explore':
      return 'sql';
    case 'retriever':
      return /^\s*[{[]/.test(text.slice(body)) ? 'json' : 'yaml';
  }
}
