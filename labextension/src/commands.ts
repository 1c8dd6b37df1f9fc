import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { ILauncher } from '@jupyterlab/launcher';
import type { NotebookPanel } from '@jupyterlab/notebook';

import { writeCell } from './cells';
import type { Doer } from './doing';
import { cardIcon, labIcon } from './icons';
import type { Labs } from './kernels';

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

const LOAD = '%load_ext mixpeek_lab';

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
    caption: 'A notebook with Mixpeek Lab loaded',
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

async function newNotebook(app: JupyterFrontEnd, cwd?: string): Promise<void> {
  const { commands, serviceManager } = app;
  await serviceManager.kernelspecs.ready;
  const kernelName = serviceManager.kernelspecs.specs?.default;
  const panel = (await commands.execute('notebook:create-new', { cwd, kernelName })) as
    | NotebookPanel
    | undefined;
  if (!panel) {
    return;
  }
  await panel.context.ready;
  await panel.sessionContext.ready;
  await writeCell(panel, LOAD, true);
  await commands.execute(CommandIDs.show);
}
