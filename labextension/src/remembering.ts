import type { IStateDB } from '@jupyterlab/statedb';

import type { LabModel } from './model';

const KEY = 'mixpeek-lab:open-sections';

/** Have the sections that are open still be open when the page is loaded again. */
export async function rememberSections(model: LabModel, state: IStateDB): Promise<void> {
  let saved = await state.fetch(KEY).catch(() => undefined);
  if (Array.isArray(saved)) {
    model.setOpen(saved.filter(name => typeof name === 'string'));
    void model.refresh();
  }
  model.changed.connect(() => {
    const open = [...model.open];
    if (JSON.stringify(open) !== JSON.stringify(saved)) {
      saved = open;
      void state.save(KEY, open);
    }
  });
}
