import type { ICodeCellModel } from '@jupyterlab/cells';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

const VIEW = 'application/vnd.jupyter.widget-view+json';

/** What is read of a message of the kernel's. */
export interface IHeard {
  header: { msg_type: string };
  parent_header: { msg_id?: string; session?: string };
  content: Record<string, unknown>;
}

/** How far a run is: what `widgets/progress.py` tells its view. */
export interface IRunState {
  title: string;
  total: number;
  done: number;
  failed: number;
  documents: number;
  phase: string;
  rate: number | null;
  left: string;
  report: unknown;
}

interface IFollowed {
  cell: ICodeCellModel;
  id: string;
}

type Outputs = ICodeCellModel['outputs'];
type Output = Parameters<Outputs['add']>[0];

/**
 * The runs that were under way when this page was loaded.
 *
 * JupyterLab makes no models of widgets before the kernel is idle, and has forgotten whose messages
 * those of the running cell are. All that the kernel tells comes nevertheless: from it is read how
 * far a run is, and what the cell puts out goes where it belongs.
 */
export class RunsUnderWay {
  constructor(private readonly _cells: () => Iterable<ICodeCellModel>) {}

  /** Those of a notebook. */
  static of(panel: NotebookPanel): RunsUnderWay {
    const runs = new RunsUnderWay(function* () {
      for (const cell of panel.content.model?.cells ?? []) {
        if (cell.type === 'code') {
          yield cell as ICodeCellModel;
        }
      }
    });
    const context = panel.sessionContext;
    context.iopubMessage.connect((_, message) => {
      runs.hear(message as unknown as IHeard, context.session?.kernel?.clientId ?? '');
    });
    context.kernelChanged.connect(() => runs.forget());
    context.statusChanged.connect((_, status) => {
      if (/dead|restarting|terminating/.test(status)) {
        runs.forget();
      }
    });
    return runs;
  }

  /** Emitted with the id of a view's model when its run went on. */
  get changed(): ISignal<this, string> {
    return this._changed;
  }

  /** How far the run of a view is; null where it isn't followed. */
  stateOf(id: string): IRunState | null {
    return this._states.get(id) ?? null;
  }

  /** Take in a message of the kernel's; `me` is this page's session, whose own cells look after themselves. */
  hear(message: IHeard, me: string): void {
    const { msg_id: cause, session } = message.parent_header;
    if (!cause || !session || session === me) {
      return;
    }
    if (message.header.msg_type === 'comm_msg') {
      this._note(message.content, cause);
      return;
    }
    const followed = this._followed.get(cause);
    if (followed) {
      this._take(message, followed, cause);
    }
  }

  /** The kernel is another, or gone, and the runs with it. */
  forget(): void {
    for (const [cause, followed] of this._followed) {
      this._end(followed, cause);
    }
  }

  private _note(content: IHeard['content'], cause: string): void {
    const id = String(content.comm_id);
    const state = stateIn(content.data);
    const known = this._followed.get(cause);
    const cell = known?.id === id ? known.cell : state && this._find(id);
    if (!state || !cell) {
      return;
    }
    if (state.report) {
      this._leave(id);
      return;
    }
    if (known && known.id !== id) {
      this._leave(known.id);
    }
    this._followed.set(cause, { cell, id });
    cell.executionState = 'running';
    this._states.set(id, state);
    this._changed.emit(id);
  }

  /** One output of the running cell, as a page that had begun it would take it. */
  private _take({ header, content }: IHeard, followed: IFollowed, cause: string): void {
    const { cell, id } = followed;
    const type = header.msg_type;
    if (type === 'status' && content.execution_state === 'idle') {
      this._end(followed, cause);
    } else if (type === 'update_display_data') {
      const data = content.data as Record<string, unknown>;
      const at = placeOf(cell.outputs, id);
      if (at >= 0 && (!Object.keys(data).length || modelIn(data) === id)) {
        cell.outputs.set(at, outputOf('display_data', content));
      }
    } else if (OUTPUTS.has(type)) {
      cell.outputs.add(outputOf(type, content));
      if (type === 'execute_result') {
        cell.executionCount = content.execution_count as number;
      }
    }
  }

  private _end({ cell, id }: IFollowed, cause: string): void {
    this._followed.delete(cause);
    cell.executionState = 'idle';
    this._leave(id);
  }

  /** A run is over; its cell may go on, with another one. */
  private _leave(id: string): void {
    if (this._states.delete(id)) {
      this._changed.emit(id);
    }
  }

  private _find(id: string): ICodeCellModel | null {
    for (const cell of this._cells()) {
      if (placeOf(cell.outputs, id) >= 0) {
        return cell;
      }
    }
    return null;
  }

  private readonly _followed = new Map<string, IFollowed>();
  private readonly _states = new Map<string, IRunState>();
  private readonly _changed = new Signal<this, string>(this);
}

const OUTPUTS = new Set(['stream', 'display_data', 'execute_result', 'error']);

/** The id of the model whose view an output is; empty where it is none. */
export function modelIn(data: Record<string, unknown> | undefined): string {
  const view = data?.[VIEW] as { model_id?: string } | undefined;
  return view?.model_id ?? '';
}

/** A line for how far a run is. */
export function wordsFor(state: IRunState): string {
  const number = (value: number): string => value.toLocaleString('en');
  const rate = state.rate ?? 0;
  return [
    `${number(state.done)} of ${number(state.total)} rows`,
    `${number(state.documents)} documents`,
    state.failed ? `${number(state.failed)} failed` : '',
    rate ? `${rate.toFixed(rate < 100 ? 1 : 0)} rows/s` : '',
    state.left && state.done < state.total ? `${state.left} left` : ''
  ]
    .filter(Boolean)
    .join(', ');
}

/** A run's state in what a widget tells its view: of ours only those of runs have a phase. */
function stateIn(data: unknown): IRunState | null {
  const told = data as { method?: string; state?: { state?: IRunState } } | undefined;
  const state = told?.method === 'update' ? told.state?.state : undefined;
  return state && typeof state.phase === 'string' ? state : null;
}

function placeOf(outputs: Outputs, id: string): number {
  for (let at = 0; at < outputs.length; at += 1) {
    if (modelIn(outputs.get(at).data) === id) {
      return at;
    }
  }
  return -1;
}

/** A message's content in the form of the notebook's file. */
function outputOf(type: string, content: IHeard['content']): Output {
  const kept = { ...content };
  delete kept.transient;
  return { output_type: type, ...kept };
}
