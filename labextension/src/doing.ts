import { Clipboard, Dialog, Notification, showDialog, showErrorMessage } from '@jupyterlab/apputils';
import { MenuSvg } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';

import { filled } from './actions';
import { writeCell } from './cells';
import type { Labs } from './kernels';
import type { Action, Item } from './protocol';
import type { LabConnection } from './request';

/** Does what an action says, in the notebook in front. */
export class Doer {
  constructor(
    private readonly _labs: Labs,
    private readonly _runs: () => boolean
  ) {}

  /** Perform an action; with `other`, insert where the setting says run, and the reverse. */
  async perform(section: string, action: Action, item: Item, other: boolean): Promise<void> {
    try {
      if (action.confirm && !(await confirmed(action, item))) {
        return;
      }
      if (action.request) {
        await this._ask(action, section, item);
      } else if (action.copy) {
        const text = filled(action.copy, item.fields);
        await copy(text);
        Notification.info(`Copied: ${text}`, { autoClose: 2000 });
      } else if (action.cell) {
        await this.write(await this._cell(action.cell, item.name), false);
      } else {
        await this.write(filled(action.code, item.fields), this._runs() !== other);
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await showErrorMessage(`${action.label.replace(/…$/, '')}: ${item.name}`, message);
    }
  }

  /** Write a cell into the notebook in front. */
  async write(text: string, run: boolean): Promise<void> {
    const { panel } = this._labs;
    if (panel) {
      await writeCell(panel, text, run);
    }
  }

  /** The menu of an item's actions. */
  openMenu(section: string, actions: readonly Action[], item: Item, x: number, y: number): void {
    const commands = new CommandRegistry();
    const menu = new MenuSvg({ commands });
    menu.addClass('mxl-menu');
    for (const action of actions) {
      commands.addCommand(action.id, {
        label: action.label,
        execute: () => this.perform(section, action, item, false)
      });
      if (action.confirm) {
        menu.addItem({ type: 'separator' });
      }
      menu.addItem({ command: action.id });
    }
    menu.aboutToClose.connect(() => requestAnimationFrame(() => menu.dispose()));
    menu.open(x, y);
  }

  private async _ask(action: Action, section: string, item: Item): Promise<void> {
    const lab = this._lab();
    const about = { section, key: item.key, name: item.name };
    const done = await lab.request<{ interrupt?: boolean; deleted?: string }>(
      action.request,
      about
    );
    if (done.interrupt) {
      await lab.kernel.interrupt();
    } else if (done.deleted) {
      Notification.success(`Deleted: ${done.deleted}`, { autoClose: 3000 });
    }
  }

  private async _cell(what: string, name: string): Promise<string> {
    return (await this._lab().request<{ code: string }>('cell', { what, name })).code;
  }

  private _lab(): LabConnection {
    const lab = this._labs.current;
    if (!lab) {
      throw new Error('The notebook has no kernel.');
    }
    return lab;
  }
}

/** JupyterLab's own way moves the selection, and with it the active cell: it is the second choice. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    Clipboard.copyToSystem(text);
  }
}

async function confirmed(action: Action, item: Item): Promise<boolean> {
  const { button } = await showDialog({
    title: `${action.label.replace(/…$/, '')}: ${item.name}`,
    body: filled(action.confirm, item.fields),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: 'Delete' })],
    defaultButton: 0
  });
  return button.accept;
}
