import type { Kernel, KernelMessage } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import { ANNOUNCEMENT, TARGET } from './protocol';
import type { Far, News, ReplyHeader } from './protocol';
import { Replies } from './replies';

/** How far the way to a kernel's lab is. */
export type Reach = 'looking' | 'absent' | 'ready';

/** How long a subshell may take before requests go without one, in milliseconds. */
const SUBSHELL = 3000;

/** The comm of JupyterLab since 4.4: it answers beside a running cell. */
type SubshellComm = Kernel.IComm & { subshellStarted?: Promise<void> };
type SubshellKernel = Kernel.IKernelConnection & { supportsSubshells?: boolean };

/**
 * The way to the lab of one kernel: found by itself when the kernel is there, when the extension is
 * loaded in it, and again after a restart.
 */
export class LabConnection implements IDisposable {
  constructor(readonly kernel: Kernel.IKernelConnection) {
    kernel.registerCommTarget(TARGET, this._announced);
    kernel.statusChanged.connect(this._onStatus);
    kernel.connectionStatusChanged.connect(this._onConnection);
    kernel.disposed.connect(() => this.dispose());
    void this._look();
  }

  /** How far it is. */
  get reach(): Reach {
    return this._reach;
  }

  /** Emitted when `reach` changes. */
  get reachChanged(): ISignal<this, Reach> {
    return this._reachChanged;
  }

  /** Emitted when the kernel says that something changed; it does so while it is watched. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emitted with how far a run is, ten times a second at most; null once it has ended. */
  get far(): ISignal<this, Far | null> {
    return this._far;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._drop('The notebook was closed, or its kernel is another one.');
    if (!this.kernel.isDisposed) {
      this.kernel.removeCommTarget(TARGET, this._announced);
      this.kernel.statusChanged.disconnect(this._onStatus);
      this.kernel.connectionStatusChanged.disconnect(this._onConnection);
    }
    Signal.clearData(this);
  }

  /** Ask the kernel. Rejects with a RequestError that says what went wrong. */
  request<T>(type: string, body: Record<string, unknown> = {}): Promise<T> {
    const id = UUID.uuid4();
    const answer = this._replies.expect<T>(id);
    if (this._comm && this._reach === 'ready') {
      this._comm.send({ ...(body as Record<string, never>), id, type });
    } else {
      this._replies.fail('The lab is not connected.');
    }
    return answer;
  }

  private async _look(): Promise<void> {
    const turn = ++this._turn;
    try {
      const reply = await this.kernel.requestCommInfo({ target_name: TARGET });
      if (turn !== this._turn || this._isDisposed) {
        return;
      }
      const { content } = reply;
      if (content.status === 'ok' && ANNOUNCEMENT in content.comms) {
        this._listen(this.kernel.createComm(TARGET, ANNOUNCEMENT));
        await this._connect();
      } else {
        this._set('absent');
      }
    } catch {
      if (turn === this._turn && !this._isDisposed) {
        this._set('absent');
      }
    }
  }

  private readonly _announced = (comm: Kernel.IComm): void => {
    this._turn++;
    this._listen(comm);
    void this._connect();
  };

  private _listen(comm: Kernel.IComm): void {
    comm.onMsg = message => {
      const news = message.content.data as unknown as News;
      if (news.far !== undefined) {
        this._far.emit(news.far);
      } else {
        this._changed.emit();
      }
    };
    comm.onClose = () => {
      this._drop('The extension was unloaded.');
      this._set('absent');
    };
  }

  private async _connect(): Promise<void> {
    const turn = this._turn;
    const comm: SubshellComm = this.kernel.createComm(TARGET);
    await subshell(this.kernel, comm);
    if (turn !== this._turn || this._isDisposed) {
      comm.dispose();
      return;
    }
    comm.onMsg = (message: KernelMessage.ICommMsgMsg) => {
      this._replies.receive(
        message.content.data as unknown as ReplyHeader,
        message.buffers ?? []
      );
    };
    this._comm = comm;
    comm.open();
    this._set('ready');
  }

  private readonly _onStatus = (_: unknown, status: Kernel.Status): void => {
    if (status === 'restarting' || status === 'autorestarting' || status === 'dead') {
      this._turn++;
      this._isLost = true;
      this._drop('The kernel was restarted.');
      this._set('absent');
      if (status === 'dead') {
        this._reachChanged.emit('absent'); // it is told, whatever was there before
      }
    } else if (this._isLost && status === 'idle') {
      this._isLost = false;
      if (this._reach !== 'ready') {
        void this._look();
      }
    }
  };

  private readonly _onConnection = (_: unknown, status: Kernel.ConnectionStatus): void => {
    if (status === 'connected' && this._reach === 'absent') {
      void this._look();
    }
  };

  private _drop(why: string): void {
    this._comm?.dispose();
    this._comm = null;
    this._replies.fail(why);
  }

  private _set(reach: Reach): void {
    if (reach !== this._reach) {
      this._reach = reach;
      this._reachChanged.emit(reach);
    }
  }

  private readonly _replies = new Replies();
  private readonly _reachChanged = new Signal<this, Reach>(this);
  private readonly _changed = new Signal<this, void>(this);
  private readonly _far = new Signal<this, Far | null>(this);
  private _reach: Reach = 'looking';
  private _comm: Kernel.IComm | null = null;
  private _turn = 0;
  private _isLost = false;
  private _isDisposed = false;
}

/** Wait for the comm's own thread in the kernel, where there are such. */
async function subshell(kernel: SubshellKernel, comm: SubshellComm): Promise<void> {
  await kernel.info;
  if (kernel.supportsSubshells && comm.subshellStarted) {
    const late = new Promise<void>(resolve => setTimeout(resolve, SUBSHELL));
    await Promise.race([comm.subshellStarted, late]).catch(() => undefined);
  }
}
