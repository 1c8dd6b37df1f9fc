import { NotebookActions } from '@jupyterlab/notebook';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { labIcon } from './icons';
import type { Labs } from './kernels';
import type { LabModel } from './model';
import { engineOf, stateWords } from './words';

/** The lab's state in the status bar; a click shows the sidebar. */
export class StatusItem extends ReactWidget {
  constructor(
    private readonly _model: LabModel,
    private readonly _show: () => void
  ) {
    super();
    this.addClass('mxl-status');
  }

  protected override render(): React.JSX.Element {
    return (
      <UseSignal signal={this._model.changed}>
        {() => {
          const { lab } = this._model;
          if (!lab) {
            return <></>;
          }
          const words = `${stateWords(lab)} ${engineOf(lab)}`.trim();
          return (
            <button
              className="mxl-status-button"
              title={`Mixpeek Lab: ${words}\n${lab.home}`}
              aria-label={`Mixpeek Lab: ${words}. Show the sidebar`}
              onClick={this._show}
            >
              <labIcon.react tag="span" className="mxl-status-icon" width="14px" height="14px" />
              <span>{`Lab: ${stateWords(lab).toLowerCase()}`}</span>
              {lab.state === 'ready' && <span>{` · ${engineOf(lab)}`}</span>}
            </button>
          );
        }}
      </UseSignal>
    );
  }
}

/**
 * Keep the state true without polling: follow a lab while it starts, and look once whenever a cell
 * of its notebook has run.
 */
export function followStart(labs: Labs, model: LabModel, isShown: () => boolean): void {
  model.changed.connect(() => {
    model.watch(isShown() && model.lab?.state === 'starting' && !document.hidden, 'status');
  });
  NotebookActions.executed.connect((_, { notebook }) => {
    if (notebook === labs.panel?.content && isShown()) {
      void model.peek();
    }
  });
}
