import type { ISessionContext } from '@jupyterlab/apputils';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { LabConnection } from './request';

/** The labs of the open notebooks, each found by itself; `current` is the one in front. */
export class Labs {
  constructor(private readonly _tracker: INotebookTracker) {
    _tracker.forEach(panel => this._add(panel));
    _tracker.widgetAdded.connect((_, panel) => this._add(panel));
    _tracker.currentChanged.connect(() => this._changed.emit());
  }

  /** The notebook in front. */
  get panel(): NotebookPanel | null {
    return this._tracker.currentWidget;
  }

  /** The way to its lab; null while it has no kernel. */
  get current(): LabConnection | null {
    return this.panel ? this.of(this.panel) : null;
  }

  /**
   * The way to a notebook's lab; null while it has no kernel. Of the notebooks that share a kernel,
   * only one may have comms: the others go by its way.
   */
  of(panel: NotebookPanel): LabConnection | null {
    const own = this._connections.get(panel) ?? null;
    if (!own || own.reach === 'ready') {
      return own;
    }
    const same = [...this._connections.values()].filter(other => other.kernel.id === own.kernel.id);
    return same.find(other => other.reach === 'ready') ?? own;
  }

  /** Emitted when `panel`, `current` or its reach becomes another. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted when a kernel says that what is in its lab became another; while it is watched. */
  get contentChanged(): ISignal<this, void> {
    return this._contentChanged;
  }

  private _add(panel: NotebookPanel): void {
    const follow = (context: ISessionContext): void => {
      const kernel = context.session?.kernel ?? null;
      const before = this._connections.get(panel);
      if (before?.kernel === kernel) {
        return;
      }
      before?.dispose();
      this._connections.delete(panel);
      if (kernel && !panel.isDisposed) {
        const connection = new LabConnection(kernel);
        connection.reachChanged.connect(() => this._changed.emit());
        connection.changed.connect(() => this._contentChanged.emit());
        this._connections.set(panel, connection);
      }
      this._changed.emit();
    };
    panel.sessionContext.kernelChanged.connect(follow);
    panel.sessionContext.sessionChanged.connect(follow);
    panel.disposed.connect(() => {
      this._connections.get(panel)?.dispose();
      this._connections.delete(panel);
      this._changed.emit();
    });
    follow(panel.sessionContext);
  }

  private readonly _connections = new Map<NotebookPanel, LabConnection>();
  private readonly _changed = new Signal<this, void>(this);
  private readonly _contentChanged = new Signal<this, void>(this);
}
