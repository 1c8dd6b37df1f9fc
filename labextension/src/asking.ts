import { Dialog, InputDialog, showDialog } from '@jupyterlab/apputils';
import { Widget } from '@lumino/widgets';

import { filled, titleOf } from './actions';
import type { Action, Item } from './protocol';

/** Ask whether to do what cannot be taken back; `losses` are sentences on what would be lost. */
export async function confirmed(
  action: Action,
  item: Item,
  losses: readonly string[]
): Promise<boolean> {
  const { button } = await showDialog({
    title: `${titleOf(action)}: ${item.name}`,
    body: said(filled(action.confirm, item.fields), losses),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: titleOf(action) })],
    defaultButton: 0
  });
  return button.accept;
}

/** Ask for a text; null where nothing is to be done. */
export async function askText(action: Action, item: Item): Promise<string | null> {
  const { button, value } = await InputDialog.getText({
    title: `${titleOf(action)}: ${item.name}`,
    label: filled(action.ask, item.fields),
    text: item.name,
    okLabel: titleOf(action)
  });
  const text = value?.trim() ?? '';
  return button.accept && text && text !== item.name ? text : null;
}

function said(text: string, losses: readonly string[]): Widget {
  const node = document.createElement('div');
  node.className = 'mxl-losses';
  node.append(element('p', text));
  if (losses.length) {
    const list = document.createElement('ul');
    list.append(...losses.map(loss => element('li', loss)));
    node.append(list);
  }
  return new Widget({ node });
}

function element(tag: string, text: string): HTMLElement {
  const node = document.createElement(tag);
  node.textContent = text;
  return node;
}
