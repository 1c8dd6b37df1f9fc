import { linter } from '@codemirror/lint';
import type { Diagnostic } from '@codemirror/lint';
import { Compartment, StateEffect } from '@codemirror/state';
import type { Extension } from '@codemirror/state';
import { ViewPlugin } from '@codemirror/view';
import type { EditorView } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import { NotebookActions } from '@jupyterlab/notebook';
import type { INotebookTracker } from '@jupyterlab/notebook';

import type { Labs } from './kernels';
import { magicOf } from './magic';
import { diagnostics } from './marks';
import type { Mark } from './protocol';
import type { LabConnection } from './request';
import type { Settings } from './settings';

/** The magics whose cells the kernel checks. */
const CHECKED: ReadonlySet<string> = new Set(['extractor', 'retriever']);

/** How long nothing more may happen before cells are checked again, in milliseconds. */
const QUIET = 300;

/** Says to an editor that what is found may be otherwise now. */
const again = StateEffect.define();

/** Findings of the kernel's own checks, underlined while a cell is typed. */
export class CellFindings {
  constructor(
    private readonly _tracker: INotebookTracker,
    private readonly _labs: Labs,
    private readonly _settings: Settings
  ) {
    _labs.changed.connect(() => this._refresh());
    // What a cell names may be there now: a cell made it, or the kernel says that its lab changed.
    NotebookActions.executed.connect(() => this._soon());
    _labs.contentChanged.connect(() => this._soon());
    _settings.changed.connect(() => {
      for (const [view, anew] of this._views) {
        view.dispatch({ effects: anew() });
      }
      this._refresh();
    });
  }

  /** For one editor; `model` is the cell's. */
  extension(model: CodeEditor.IModel): Extension {
    const views = this._views;
    const slot = new Compartment();
    const again = (): StateEffect<unknown> => slot.reconfigure(this._linter(model));
    const known = ViewPlugin.fromClass(
      class {
        constructor(private readonly _view: EditorView) {
          views.set(_view, again);
        }

        destroy(): void {
          views.delete(this._view);
        }
      }
    );
    return [known, slot.of(this._linter(model))];
  }

  private _linter(model: CodeEditor.IModel): Extension {
    const source = (view: EditorView): Promise<Diagnostic[]> => this._find(view, model);
    const options = {
      delay: this._settings.get('findingsDelay'),
      needsRefresh: (update: { transactions: readonly { effects: readonly StateEffect<unknown>[] }[] }) =>
        update.transactions.some(({ effects }) => effects.some(effect => effect.is(again)))
    };
    return linter(source, options);
  }

  private async _find(view: EditorView, model: CodeEditor.IModel): Promise<Diagnostic[]> {
    const { doc } = view.state;
    const magic = magicOf(doc.sliceString(0, 2000));
    if (!this._settings.get('findings') || !magic || !CHECKED.has(magic.name)) {
      return [];
    }
    const lab = this._labOf(model);
    if (lab?.reach !== 'ready') {
      return [];
    }
    try {
      const { marks } = await lab.request<{ marks: Mark[] }>('findings', { text: doc.toString() });
      return diagnostics(marks, doc);
    } catch {
      return []; // the kernel went away, and will be asked again when it is back
    }
  }

  private _labOf(model: CodeEditor.IModel): LabConnection | null {
    const panel = this._tracker.find(one =>
      one.content.widgets.some(cell => cell.model === model)
    );
    return panel ? this._labs.of(panel) : null;
  }

  /** Look again once it is quiet: cells that run together are one change. */
  private _soon(): void {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this._refresh(), QUIET);
  }

  private _refresh(): void {
    for (const view of this._views.keys()) {
      const magic = magicOf(view.state.doc.sliceString(0, 2000));
      if (magic && CHECKED.has(magic.name)) {
        view.dispatch({ effects: again.of(null) });
      }
    }
  }

  private _timer: ReturnType<typeof setTimeout> | undefined;
  /** The editors, each with what has its settings read anew. */
  private readonly _views = new Map<EditorView, () => StateEffect<unknown>>();
}
