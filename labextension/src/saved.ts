import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { INotebookTracker } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { Widget } from '@lumino/widgets';

import { RunsUnderWay, modelIn, wordsFor } from './following';
import type { IRunState } from './following';

type Registry = NotebookPanel['content']['rendermime'];
type Renderer = ReturnType<Registry['createRenderer']>;
type Model = Parameters<Renderer['renderModel']>[0];

const VIEW = 'application/vnd.jupyter.widget-view+json';
const HTML = 'text/html';

/** In the HTML that our widgets leave beside their live view. */
const OURS = 'mixpeek-lab-static';

/** Of a view whose model came from the notebook, without a kernel: ours can show nothing then. */
const DISCONNECTED = 'jupyter-widgets-disconnected';

/** How long a view of a cell that has just run may take, in milliseconds, until its saved result is shown. */
const PATIENCE = 1500;

/**
 * Where a widget's model is gone with its kernel, its saved result is shown in place of an error.
 *
 * JupyterLab takes the live view of an output that has one, whether or not there is a model for it,
 * and never comes back to the HTML beside it.
 */
export const saved: JupyterFrontEndPlugin<void> = {
  id: 'mixpeek-lab:saved',
  description: 'The saved results of widgets whose kernel is gone.',
  autoStart: true,
  requires: [INotebookTracker],
  activate: (_: JupyterFrontEnd, tracker: INotebookTracker) => {
    const watch = (panel: NotebookPanel): void =>
      showSaved(panel.content.rendermime, RunsUnderWay.of(panel));
    tracker.forEach(watch);
    tracker.widgetAdded.connect((_, panel) => watch(panel));
  }
};

/**
 * From now on, each view of a widget that `registry` makes has its saved result behind it, or, of a
 * run that goes on, how far it is.
 */
export function showSaved(registry: Registry, runs: RunsUnderWay): void {
  const create = registry.createRenderer.bind(registry);
  registry.createRenderer = mimeType => {
    const renderer = create(mimeType);
    if (mimeType === VIEW) {
      new SavedResult(renderer, () => create(HTML), runs);
    }
    return renderer;
  };
}

/** Stands beside the renderer of a live view, and shows the saved HTML while there is no view. */
class SavedResult {
  constructor(
    private readonly _live: Renderer,
    private readonly _createHtml: () => Renderer,
    private readonly _runs: RunsUnderWay
  ) {
    const render = _live.renderModel.bind(_live);
    _live.renderModel = model => {
      const html = model.data[HTML];
      this._model = typeof html === 'string' && html.includes(OURS) ? model : null;
      this._rendered = Date.now();
      this._watch();
      return render(model);
    };
    _live.disposed.connect(() => this._stop());
    _runs.changed.connect(this._tell);
  }

  /** The renderer says in plain text that it waits, or failed; a view is an element. */
  private _watch(): void {
    this._remove();
    if (!this._model) {
      this._observer.disconnect();
      return;
    }
    this._observer.observe(this._live.node, { childList: true, attributeFilter: ['class'] });
    this._look();
  }

  private _look(): void {
    clearTimeout(this._timer);
    const view = this._live.node.firstElementChild;
    // A view that has lived goes on showing what it has, whatever becomes of its kernel.
    this._hasLived ||= view !== null && !view.classList.contains(DISCONNECTED);
    if ((view && this._hasLived) || this._live.isHidden) {
      this._remove();
      return;
    }
    const isWaiting = !view && !this._live.node.textContent?.startsWith('Error');
    const left = isWaiting ? this._rendered + PATIENCE - Date.now() : 0;
    this._timer = setTimeout(() => this._show(), Math.max(left, 0));
  }

  private _show(): void {
    const parent = this._live.parent;
    if (this._shown || !this._model || !(parent && 'addWidget' in parent)) {
      return;
    }
    const html = this._createHtml();
    // In a widget of its own: an output area takes the last thing that renders for its output.
    this._shown = new Widget();
    this._shown.addClass('jp-OutputArea-output');
    this._shown.addClass('mixpeek-lab-saved');
    this._shown.node.append(html.node);
    this._shown.disposed.connect(() => html.dispose());
    this._live.node.style.display = 'none';
    (parent as unknown as { addWidget(widget: Widget): void }).addWidget(this._shown);
    void html.renderModel(this._model);
    this._html = html;
    this._tell(this._runs, this._id);
  }

  private get _id(): string {
    return modelIn(this._model?.data);
  }

  /** A run that goes on says how far it is, in place of what was saved. */
  private readonly _tell = (_: RunsUnderWay, id: string): void => {
    if (!this._shown || !this._html || id !== this._id) {
      return;
    }
    const state = this._runs.stateOf(id);
    this._html.setHidden(state !== null);
    if (!state) {
      this._line?.node.remove();
      this._line = null;
      return;
    }
    if (!this._line) {
      this._line = new ProgressLine();
      this._shown.node.append(this._line.node);
    }
    this._line.update(state);
  };

  private _remove(): void {
    this._live.node.style.display = '';
    this._shown?.dispose();
    this._shown = this._html = this._line = null;
  }

  private _stop(): void {
    clearTimeout(this._timer);
    this._observer.disconnect();
    this._runs.changed.disconnect(this._tell);
    this._shown?.dispose();
  }

  private _model: Model | null = null;
  private _rendered = 0;
  private _hasLived = false;
  private _shown: Widget | null = null;
  private _html: Renderer | null = null;
  private _line: ProgressLine | null = null;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _observer = new MutationObserver(() => this._look());
}

/** How far a run is, in one line and a bar. Only its phase is read out when it becomes another. */
class ProgressLine {
  constructor() {
    this.node.className = 'mixpeek-lab-under-way';
    this._phase.setAttribute('role', 'status');
    this._about.textContent =
      'The page was loaded in the middle of this run. The report is shown here when it ends; to stop it, interrupt the kernel.';
    this.node.append(this._phase, ' ', this._words, this._bar, this._about);
  }

  readonly node = document.createElement('div');

  update(state: IRunState): void {
    const phase = `${state.title}: ${state.phase}`;
    if (this._phase.textContent !== phase) {
      this._phase.textContent = phase;
    }
    this._words.textContent = wordsFor(state);
    this._bar.max = Math.max(state.total, 1);
    this._bar.value = state.done;
    this._bar.setAttribute('aria-label', state.title);
  }

  private readonly _phase = document.createElement('strong');
  private readonly _words = document.createElement('span');
  private readonly _bar = document.createElement('progress');
  private readonly _about = document.createElement('p');
}
