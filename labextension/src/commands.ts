import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { ILauncher } from '@jupyterlab/launcher';
import { NotebookActions } from '@jupyterlab/notebook';
import type { NotebookPanel } from '@jupyterlab/notebook';

import type { Doer } from './doing';
import { cardIcon, labIcon } from './icons';
import type { Labs } from './kernels';
import { LOAD, starterNotebook } from './starter';

export const CATEGORY = 'Mixpeek Lab';

export namespace CommandIDs {
  export const show = 'mixpeek-lab:show-sidebar';
  export const newNotebook = 'mixpeek-lab:new-notebook';
  export const load = 'mixpeek-lab:load';
  export const start = 'mixpeek-lab:start';
  export const status = 'mixpeek-lab:status';
  export const stop = 'mixpeek-lab:stop';
  export const extractor = 'mixpeek-lab:insert-extractor';
  export const retriever = 'mixpeek-lab:insert-retriever';
  export const inspect = 'mixpeek-lab:insert-inspect';
}

/** Cells that commands write: run at once where there is nothing to fill in. */
const CELLS: { id: string; label: string; code: string }[] = [
  { id: CommandIDs.load, label: 'Load in This Notebook', code: LOAD },
  { id: CommandIDs.start, label: 'Start Ray and the Endpoint', code: '%lab start' },
  { id: CommandIDs.status, label: 'Show What Runs', code: '%lab status' },
  { id: CommandIDs.stop, label: 'Stop', code: '%lab stop' },
  {
    id: CommandIDs.extractor,
    label: 'Insert an Extractor Cell',
    code: `%%extractor «my_extractor»
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature

manifest = ExtractorManifest(
    feature_extractor_name="my_extractor",
    version="1.0.0",
    supported_input_types=["text"],
    features=[Feature.embedding("my_embedding", dim=2)],
)


class Lengths(BatchProcessor):
    def process(self, batch):
        texts = batch["data"].fillna("").astype(str)
        batch["my_embedding"] = [[float(len(text)), 1.0] for text in texts]
        return batch`
  },
  {
    id: CommandIDs.retriever,
    label: 'Insert a Retriever Cell',
    code: `%%retriever «search_docs»
collection: collection
searches:
  - feature: feature
  - lexical: true
fusion: rrf`
  },
  {
    id: CommandIDs.inspect,
    label: 'Insert an SQL Cell',
    code: `%%inspect
SELECT * FROM «collections» LIMIT 20`
  }
];

export interface Surroundings {
  app: JupyterFrontEnd;
  labs: Labs;
  doer: Doer;
  palette: ICommandPalette | null;
  launcher: ILauncher | null;
}

/** Register the commands, and put them into the palette and onto the launcher. */
export function addCommands({ app, labs, doer, palette, launcher }: Surroundings): void {
  const { commands, shell } = app;
  commands.addCommand(CommandIDs.show, {
    label: 'Show the Sidebar',
    icon: labIcon,
    execute: () => shell.activateById('mixpeek-lab-sidebar')
  });
  commands.addCommand(CommandIDs.newNotebook, {
    label: args => (args['isLauncher'] ? 'Lab notebook' : 'New Notebook with the Lab'),
    caption: 'From a few texts to a search: cells that run as they are',
    icon: labIcon,
    execute: async args => newNotebook(app, args['cwd'] as string | undefined)
  });
  for (const { id, label, code } of CELLS) {
    commands.addCommand(id, {
      label,
      isEnabled: () => labs.panel !== null,
      execute: () => doer.write(code, true)
    });
  }
  labs.changed.connect(() => commands.notifyCommandChanged());
  const listed = [CommandIDs.show, CommandIDs.newNotebook, ...CELLS.map(cell => cell.id)];
  for (const command of listed) {
    palette?.addItem({ command, category: CATEGORY });
  }
  launcher?.add({
    command: CommandIDs.newNotebook,
    category: 'Notebook',
    rank: 10,
    kernelIconUrl: cardIcon,
    args: { isLauncher: true }
  });
}

/** Make the starter notebook beside the others, open it, and run what loads the lab. */
async function newNotebook(app: JupyterFrontEnd, path = ''): Promise<void> {
  const { commands, serviceManager } = app;
  const { contents, kernelspecs } = serviceManager;
  await kernelspecs.ready;
  const kernel = kernelspecs.specs?.default ?? 'python3';
  const shown = kernelspecs.specs?.kernelspecs[kernel]?.display_name ?? kernel;
  const file = await contents.newUntitled({ path, type: 'notebook' });
  await contents.save(file.path, {
    type: 'notebook',
    format: 'json',
    content: starterNotebook(kernel, shown)
  });
  const options = { path: file.path, factory: 'Notebook', kernel: { name: kernel } };
  const panel = (await commands.execute('docmanager:open', options)) as NotebookPanel | undefined;
  if (panel?.content === undefined) {
    return; // Jupyter Notebook opens a page of its own
  }
  await panel.context.ready;
  await panel.sessionContext.ready;
  panel.content.activeCellIndex = panel.content.widgets.findIndex(
    cell => cell.model.sharedModel.getSource() === LOAD
  );
  await NotebookActions.run(panel.content, panel.sessionContext);
  await commands.execute(CommandIDs.show);
}
