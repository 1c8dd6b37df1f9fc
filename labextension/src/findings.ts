import { linter } from '@codemirror/lint';
import type { Diagnostic } from '@codemirror/lint';
import { StateEffect } from '@codemirror/state';
import type { Extension } from '@codemirror/state';
import { ViewPlugin } from '@codemirror/view';
import type { EditorView } from '@codemirror/view';
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { INotebookTracker } from '@jupyterlab/notebook';

import type { Labs } from './kernels';
import { magicOf } from './magic';
import { diagnostics } from './marks';
import type { Mark } from './protocol';
import type { LabConnection } from './request';
import type { Settings } from './settings';

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
    _settings.changed.connect(() => this._refresh());
  }

  /** For one editor; `model` is the cell's. */
  extension(model: CodeEditor.IModel): Extension {
    const views = this._views;
    const known = ViewPlugin.fromClass(
      class {
        constructor(private readonly _view: EditorView) {
          views.add(_view);
        }

        destroy(): void {
          views.delete(this._view);
        }
      }
    );
    const source = (view: EditorView): Promise<Diagnostic[]> => this._find(view, model);
    const options = {
      delay: this._settings.get('findingsDelay'),
      needsRefresh: (update: { transactions: readonly { effects: readonly StateEffect<unknown>[] }[] }) =>
        update.transactions.some(({ effects }) => effects.some(effect => effect.is(again)))
    };
    return [known, linter(source, options)];
  }

  private async _find(view: EditorView, model: CodeEditor.IModel): Promise<Diagnostic[]> {
    const { doc } = view.state;
    const magic = magicOf(doc.sliceString(0, 2000));
    if (!this._settings.get('findings') || !magic || magic.name === 'inspect') {
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

  private _refresh(): void {
    for (const view of this._views) {
      if (magicOf(view.state.doc.sliceString(0, 2000))) {
        view.dispatch({ effects: again.of(null) });
      }
    }
  }

  private readonly _views = new Set<EditorView>();
}
