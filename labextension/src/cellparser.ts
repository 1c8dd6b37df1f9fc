import { Language, defineLanguageFacet, languageDataProp } from '@codemirror/language';
import { NodeSet, NodeType, Parser, Tree } from '@lezer/common';
import type { Input, PartialParse, TreeFragment } from '@lezer/common';
import { styleTags, tags } from '@lezer/highlight';

import { magicOf } from './magic';
import type { Magic } from './magic';

type Ranges = readonly { from: number; to: number }[];

const data = defineLanguageFacet();
const nodes = new NodeSet([
  NodeType.define({ id: 0, name: 'MagicCell', top: true, props: [[languageDataProp, data]] }),
  NodeType.define({ id: 1, name: 'MagicLine' }),
  NodeType.define({ id: 2, name: 'MagicName' })
]).extend(styleTags({ MagicName: tags.keyword }));
const [CELL, LINE, NAME] = nodes.types as [NodeType, NodeType, NodeType];

/** Where the body of a cell may begin, at the latest. */
const LONGEST_LINE = 2000;

/** A language for cells that begin with a magic: that line, and then the language of the body. */
export function cellLanguage(inner: Language): Language {
  return new Language(data, new CellParser(inner.parser), [], `magic-${inner.name}`);
}

class CellParser extends Parser {
  constructor(private readonly _inner: Parser) {
    super();
  }

  override createParse(
    input: Input,
    _fragments: readonly TreeFragment[],
    ranges: Ranges
  ): PartialParse {
    const magic = magicOf(input.read(0, Math.min(input.length, LONGEST_LINE)));
    const body = magic?.body ?? 0;
    const inside = ranges
      .map(({ from, to }) => ({ from: Math.max(from, body), to }))
      .filter(({ from, to }) => from < to);
    // Cells are short: they are parsed anew, rather than from fragments of a tree that is not ours.
    const parse = inside.length ? this._inner.startParse(input, [], inside) : null;
    return new CellParse(parse, magic, input.length, inside[0]?.from ?? body);
  }
}

class CellParse implements PartialParse {
  constructor(
    private readonly _body: PartialParse | null,
    private readonly _magic: Magic | null,
    private readonly _length: number,
    private readonly _from: number
  ) {}

  get parsedPos(): number {
    return this._body?.parsedPos ?? this._length;
  }

  get stoppedAt(): number | null {
    return this._body?.stoppedAt ?? null;
  }

  stopAt(pos: number): void {
    this._body?.stopAt(Math.max(pos, this._from));
  }

  advance(): Tree | null {
    const tree = this._body ? this._body.advance() : Tree.empty;
    if (!tree) {
      return null;
    }
    const children: Tree[] = [];
    const positions: number[] = [];
    if (this._magic) {
      children.push(lineTree(this._magic));
      positions.push(this._magic.from);
    }
    if (tree.length) {
      children.push(tree);
      positions.push(this._from);
    }
    const end = this.stoppedAt === null ? this._length : this._from + tree.length;
    return new Tree(CELL, children, positions, Math.max(end, this._magic?.body ?? 0));
  }
}

function lineTree({ from, nameEnd, body }: Magic): Tree {
  return new Tree(LINE, [new Tree(NAME, [], [], nameEnd - from)], [0], body - from);
}
