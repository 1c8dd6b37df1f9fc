import { Clipboard, Notification, showErrorMessage } from '@jupyterlab/apputils';
import { MenuSvg } from '@jupyterlab/ui-components';
import { CommandRegistry } from '@lumino/commands';
import type { Menu } from '@lumino/widgets';

import { completeCells, filled, titleOf } from './actions';
import { askText, confirmed } from './asking';
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
      if (action.confirm && !(await this._confirmed(section, action, item))) {
        return;
      }
      if (action.request) {
        await this._ask(action, section, item);
      } else if (action.copy) {
        const text = filled(action.copy, item.fields);
        await copy(text);
        Notification.info(`Copied: ${text}`, { autoClose: 2000 });
      } else if (action.cell) {
        await this.write(await this._cell(action.cell, nameOf(section, item)), false);
      } else {
        await this.write(filled(action.code, item.fields), this._runs() !== other);
      }
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      await showErrorMessage(`${titleOf(action)}: ${item.name}`, message);
    }
  }

  /** Write a cell into the notebook in front. */
  async write(text: string, run: boolean): Promise<void> {
    const { panel } = this._labs;
    if (panel) {
      await writeCell(panel, text, run);
    }
  }

  /** The menu of an item's actions; complete cells can be inserted, or run, as well. */
  openMenu(section: string, actions: readonly Action[], item: Item, x: number, y: number): void {
    const commands = new CommandRegistry();
    const menu = new MenuSvg({ commands, renderer });
    const cells = new MenuSvg({ commands, renderer });
    cells.title.label = this._runs() ? 'Insert as a cell' : 'Run as a cell';
    for (const each of [menu, cells]) {
      each.addClass('mxl-menu');
    }
    const add = (to: MenuSvg, action: Action, other: boolean): void => {
      const command = `${other}:${action.id}`;
      const execute = (): Promise<void> => this.perform(section, action, item, other);
      commands.addCommand(command, { label: action.label, execute });
      to.addItem({ command });
    };
    completeCells(actions).forEach(action => add(cells, action, true));
    actions.forEach((action, index) => {
      if (action.apart && index) {
        menu.addItem({ type: 'separator' });
      }
      if (action.copy && cells.items.length && !isIn(menu, cells)) {
        menu.addItem({ type: 'submenu', submenu: cells });
      }
      add(menu, action, false);
    });
    const before = document.activeElement;
    menu.aboutToClose.connect(() =>
      requestAnimationFrame(() => {
        menu.dispose();
        if (before instanceof HTMLElement && document.activeElement === document.body) {
          before.focus();
        }
      })
    );
    menu.open(x, y);
  }

  private async _ask(action: Action, section: string, item: Item): Promise<void> {
    const about = { section, key: item.key, name: nameOf(section, item) };
    const text = action.ask ? await askText(action, item) : '';
    if (text === null) {
      return;
    }
    const lab = this._lab();
    const done = await lab.request<{ interrupt?: boolean; told?: string }>(action.request, {
      ...about,
      text
    });
    if (done.interrupt) {
      await lab.kernel.interrupt();
    } else if (done.told) {
      Notification.success(done.told, { autoClose: 3000 });
    }
  }

  private async _confirmed(section: string, action: Action, item: Item): Promise<boolean> {
    const about = { section, name: nameOf(section, item) };
    const told =
      action.request === 'delete'
        ? (await this._lab().request<{ losses: string[] }>('losses', about)).losses
        : [];
    return confirmed(action, item, told);
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

/** Lumino gives what opens a submenu no role, and makes stops of the lines between items. */
class MenuRenderer extends MenuSvg.Renderer {
  override renderItem(data: Menu.IRenderData): ReturnType<MenuSvg.Renderer['renderItem']> {
    const item = super.renderItem(data);
    if (data.item.type === 'separator') {
      Reflect.deleteProperty(item.attrs, 'tabindex');
    }
    return item;
  }

  override createItemARIA(data: Menu.IRenderData): ReturnType<MenuSvg.Renderer['createItemARIA']> {
    const aria = super.createItemARIA(data);
    const { type } = data.item;
    const roles = { submenu: 'menuitem', separator: 'separator', command: aria.role } as const;
    return { ...aria, role: roles[type] };
  }
}

const renderer = new MenuRenderer();

/** What the kernel calls an item: a version by its extractor as well. */
function nameOf(section: string, item: Item): string {
  return section === 'versions' ? item.key : item.name;
}

function isIn(menu: MenuSvg, submenu: MenuSvg): boolean {
  return menu.items.some(item => item.submenu === submenu);
}

/** JupyterLab's own way moves the selection, and with it the active cell: it is the second choice. */
async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    Clipboard.copyToSystem(text);
  }
}
