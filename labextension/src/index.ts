import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { EditorExtensionRegistry, IEditorExtensionRegistry, IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Token } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';

import { CommandIDs, addCommands } from './commands';
import { Doer } from './doing';
import { CellFindings } from './findings';
import { Labs } from './kernels';
import { CellLanguages } from './languages';
import { LabModel } from './model';
import { rememberSections } from './remembering';
import { saved } from './saved';
import { Settings } from './settings';
import { Sidebar } from './sidebar';
import { StatusItem, followStart } from './status';

/** What the plugins share: the labs of the open notebooks, and the settings. */
interface IShared {
  labs: Labs;
  model: LabModel;
  settings: Settings;
}

const IShared = new Token<IShared>('mixpeek-lab:IShared', 'The labs of the open notebooks.');

const lab: JupyterFrontEndPlugin<IShared> = {
  id: 'mixpeek-lab:lab',
  description: "Finds the lab of each notebook's kernel.",
  autoStart: true,
  provides: IShared,
  requires: [INotebookTracker],
  optional: [ISettingRegistry],
  activate: (_: JupyterFrontEnd, tracker: INotebookTracker, registry: ISettingRegistry | null) => {
    const labs = new Labs(tracker);
    const model = new LabModel();
    labs.changed.connect(() => {
      model.setSource(labs.current);
      model.reachChanged();
    });
    return { labs, model, settings: new Settings(lab.id, registry) };
  }
};

const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'mixpeek-lab:sidebar',
  description: 'The sidebar, its commands and the launcher card.',
  autoStart: true,
  requires: [IShared],
  optional: [ICommandPalette, ILauncher, ILayoutRestorer, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    { labs, model, settings }: IShared,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null,
    state: IStateDB | null
  ) => {
    if (state) {
      void rememberSections(model, state);
    }
    const doer = new Doer(labs, () => settings.get('actions') === 'run');
    const panel = new Sidebar(labs, model, doer, app.commands);
    app.shell.add(panel, 'left', { rank: 450, type: 'Mixpeek Lab' });
    restorer?.add(panel, panel.id);
    addCommands({ app, labs, doer, palette, launcher });
  }
};

const languages: JupyterFrontEndPlugin<void> = {
  id: 'mixpeek-lab:languages',
  description: 'Cells that begin with a magic, in the language of their body.',
  autoStart: true,
  requires: [IShared, IEditorExtensionRegistry, IEditorLanguageRegistry],
  activate: (
    _: JupyterFrontEnd,
    { settings }: IShared,
    extensions: IEditorExtensionRegistry,
    registry: IEditorLanguageRegistry
  ) => {
    const cells = new CellLanguages(registry, () => settings.get('languages'), settings.changed);
    extensions.addExtension({
      name: 'mixpeek-lab:languages',
      factory: ({ model }) =>
        EditorExtensionRegistry.createImmutableExtension(cells.extension(model))
    });
  }
};

const findings: JupyterFrontEndPlugin<void> = {
  id: 'mixpeek-lab:findings',
  description: 'What the checks find in a cell, while it is typed.',
  autoStart: true,
  requires: [IShared, INotebookTracker, IEditorExtensionRegistry],
  activate: (
    _: JupyterFrontEnd,
    { labs, settings }: IShared,
    tracker: INotebookTracker,
    extensions: IEditorExtensionRegistry
  ) => {
    const cells = new CellFindings(tracker, labs, settings);
    extensions.addExtension({
      name: 'mixpeek-lab:findings',
      factory: ({ model }) =>
        EditorExtensionRegistry.createImmutableExtension(cells.extension(model))
    });
  }
};

const status: JupyterFrontEndPlugin<void> = {
  id: 'mixpeek-lab:status',
  description: "The lab's state in the status bar.",
  autoStart: true,
  requires: [IShared],
  optional: [IStatusBar], // Jupyter Notebook has none
  activate: (
    app: JupyterFrontEnd,
    { labs, model, settings }: IShared,
    bar: IStatusBar | null
  ) => {
    if (!bar) {
      return;
    }
    const item = new StatusItem(model, () => void app.commands.execute(CommandIDs.show));
    const isActive = (): boolean => settings.get('statusBar') && model.lab !== null;
    const changed = new Signal<StatusItem, void>(item);
    model.changed.connect(() => changed.emit());
    settings.changed.connect(() => changed.emit());
    bar.registerStatusItem(status.id, {
      item,
      align: 'left',
      rank: 5,
      isActive,
      activeStateChanged: changed
    });
    followStart(labs, model, isActive);
  }
};

export default [lab, sidebar, languages, findings, status, saved];
