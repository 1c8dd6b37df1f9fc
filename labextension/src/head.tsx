import { refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Doer } from './doing';
import type { LabModel } from './model';
import type { LabState } from './protocol';
import { engineOf, stateWords } from './words';

interface Props {
  model: LabModel;
  doer: Doer;
  lab: LabState;
}

/** The lab's state, its one button, and the filter. */
export function Head({ model, doer, lab }: Props): React.JSX.Element {
  const asked =
    (lab.state === 'not started' || lab.state === 'failed') && lab.engine !== 'kernel';
  return (
    <div className="mxl-head">
      <div className="mxl-state">
        <span className="mxl-dot" data-state={lab.state} aria-hidden="true" />
        <span className="mxl-state-words" role="status">
          <strong>{stateWords(lab)}</strong> <span>{engineOf(lab)}</span>
        </span>
        {asked && (
          <button
            className="jp-mod-styled mxl-small"
            onClick={() => doer.write('%lab start', true)}
            title="Run %lab start: Ray and the endpoint, in the background"
          >
            Start
          </button>
        )}
        <button
          className="jp-ToolbarButtonComponent mxl-icon"
          onClick={() => void model.refresh()}
          title="Refresh"
          aria-label="Refresh"
        >
          <refreshIcon.react tag="span" width="14px" height="14px" />
        </button>
      </div>
      {model.isLate && (
        <p className="mxl-late" role="status">
          The kernel is busy. What is shown is as of before.
        </p>
      )}
      {(lab.error || model.error) && (
        <p className="mxl-error" role="alert">
          {model.error || lab.error}
        </p>
      )}
      <input
        className="mxl-filter"
        type="search"
        placeholder="Filter by name"
        aria-label="Filter by name"
        value={model.filter}
        onChange={event => model.setFilter(event.target.value)}
      />
    </div>
  );
}
