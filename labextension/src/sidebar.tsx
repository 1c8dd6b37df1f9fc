import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { Doer } from './doing';
import { labIcon } from './icons';
import type { Labs } from './kernels';
import type { LabModel } from './model';
import { Gap } from './gap';
import { Head } from './head';
import { Tree } from './tree';

/** The panel at the left: the lab of the notebook in front. */
export class Sidebar extends ReactWidget {
  constructor(
    private readonly _labs: Labs,
    private readonly _model: LabModel,
    private readonly _doer: Doer,
    private readonly _commands: CommandRegistry
  ) {
    super();
    this.id = 'mixpeek-lab-sidebar';
    this.addClass('mxl');
    this.title.icon = labIcon;
    this.title.caption = 'Mixpeek Lab';
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', 'Mixpeek Lab');
    document.addEventListener('visibilitychange', this._look);
  }

  override dispose(): void {
    document.removeEventListener('visibilitychange', this._look);
    super.dispose();
  }

  protected override render(): React.JSX.Element {
    return (
      <UseSignal signal={this._labs.changed}>
        {() => <UseSignal signal={this._model.changed}>{() => this._content()}</UseSignal>}
      </UseSignal>
    );
  }

  private _content(): React.JSX.Element {
    const { overview } = this._model;
    const isReady = this._labs.current?.reach === 'ready';
    if (!isReady || !overview) {
      return (
        <Gap
          labs={this._labs}
          error={this._model.error}
          commands={this._commands}
          doer={this._doer}
        />
      );
    }
    return (
      <>
        <Head model={this._model} doer={this._doer} lab={overview.lab} />
        <Tree
          sections={overview.sections}
          actions={overview.actions}
          model={this._model}
          doer={this._doer}
        />
      </>
    );
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._look();
  }

  protected override onAfterHide(message: Message): void {
    super.onAfterHide(message);
    this._look();
  }

  protected override onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this._look();
  }

  /** Follow the lab while this can be seen, and no longer. */
  private readonly _look = (): void => {
    this._model.watch(this.isVisible && !document.hidden);
  };
}
