import { ILayoutRestorer } from '@jupyterlab/application';
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Token } from '@lumino/coreutils';

import { addCommands } from './commands';
import { Doer } from './doing';
import { Labs } from './kernels';
import { LabModel } from './model';
import { Settings } from './settings';
import { Sidebar } from './sidebar';

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
  optional: [ICommandPalette, ILauncher, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    { labs, model, settings }: IShared,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    restorer: ILayoutRestorer | null
  ) => {
    const doer = new Doer(labs, () => settings.get('actions') === 'run');
    const panel = new Sidebar(labs, model, doer, app.commands);
    app.shell.add(panel, 'left', { rank: 450, type: 'Mixpeek Lab' });
    restorer?.add(panel, panel.id);
    addCommands({ app, labs, doer, palette, launcher });
  }
};

export default [lab, sidebar];
