import { indentUnit } from '@codemirror/language';
import { Compartment, Prec } from '@codemirror/state';
import type { Extension } from '@codemirror/state';
import { ViewPlugin } from '@codemirror/view';
import type { EditorView, ViewUpdate } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import type { ISignal } from '@lumino/signaling';

import { cellLanguage } from './cellparser';
import { magicOf } from './magic';
import type { BodyLanguage } from './magic';

/** Body → the name of JupyterLab's own language, which is loaded when it is first needed. */
const NAMES: Record<BodyLanguage, string> = {
  python: 'ipython',
  yaml: 'YAML',
  json: 'JSON',
  sql: 'SQL'
};

/** Cells that begin with one of our magics in the language of their body, as they are typed. */
export class CellLanguages {
  constructor(
    private readonly _registry: IEditorLanguageRegistry,
    private readonly _isOn: () => boolean,
    changed: ISignal<unknown, void>
  ) {
    changed.connect(() => this._following.forEach(follow => follow()));
  }

  /** For one editor; `model` is the cell's. */
  extension(model: CodeEditor.IModel): Extension {
    const slot = new Compartment();
    const following = this._following;
    const wantedIn = (view: EditorView): BodyLanguage | null => this._wanted(view, model);
    const load = (kind: BodyLanguage | null): Promise<Extension> => this._load(kind);
    const plugin = ViewPlugin.fromClass(
      class {
        constructor(view: EditorView) {
          this._again = () => this._follow(view);
          following.add(this._again);
          this._follow(view);
        }

        update(update: ViewUpdate): void {
          // JupyterLab sets the notebook's language when it knows the kernel's.
          if (update.docChanged || update.transactions.some(one => one.reconfigured)) {
            this._follow(update.view);
          }
        }

        destroy(): void {
          this._isGone = true;
          following.delete(this._again);
        }

        private _follow(view: EditorView): void {
          const wanted = wantedIn(view);
          if (wanted !== this._kind) {
            this._kind = wanted;
            void load(wanted).then(extension => {
              if (this._kind === wanted && !this._isGone) {
                view.dispatch({ effects: slot.reconfigure(extension) });
              }
            });
          }
        }

        private readonly _again: () => void;
        private _kind: BodyLanguage | null = null;
        private _isGone = false;
      }
    );
    return [slot.of([]), plugin];
  }

  private _wanted(view: EditorView, model: CodeEditor.IModel): BodyLanguage | null {
    const { doc } = view.state;
    if (!this._isOn() || !/python/.test(model.mimeType)) {
      return null;
    }
    return magicOf(doc.sliceString(0, 2000))?.language ?? null;
  }

  private _load(kind: BodyLanguage | null): Promise<Extension> {
    if (kind === null) {
      return Promise.resolve([]);
    }
    const known = this._loaded.get(kind);
    if (known) {
      return known;
    }
    const loaded = this._registry.getLanguage(NAMES[kind]).then(found => {
      const support = found?.support;
      if (!support) {
        return [];
      }
      const unit = kind === 'python' ? [] : Prec.highest(indentUnit.of('  '));
      return [Prec.highest(cellLanguage(support.language).extension), support.support, unit];
    });
    this._loaded.set(kind, loaded);
    return loaded;
  }

  private readonly _following = new Set<() => void>();
  private readonly _loaded = new Map<BodyLanguage, Promise<Extension>>();
}
