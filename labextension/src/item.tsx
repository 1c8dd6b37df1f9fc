import { copyIcon, ellipsesIcon, inspectorIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { actionsOf } from './actions';
import type { Doer } from './doing';
import type { Action, Item, Section } from './protocol';

const ICONS: Record<string, LabIcon> = {
  run: runIcon,
  show: inspectorIcon,
  copy: copyIcon,
  stop: stopIcon
};

interface Props {
  item: Item;
  section: Section;
  actions: Action[];
  doer: Doer;
}

/** One item: a line that opens its facts, its most used actions, and the menu of all. */
export function ItemView({ item, section, actions, doer }: Props): React.JSX.Element {
  const [isOpen, setOpen] = React.useState(false);
  const menuButton = React.useRef<HTMLButtonElement>(null);
  const own = actionsOf(actions, item);
  const openMenu = (x: number, y: number): void => doer.openMenu(section.name, own, item, x, y);
  const openAtButton = (): void => {
    const box = menuButton.current?.getBoundingClientRect();
    openMenu(box?.left ?? 0, box?.bottom ?? 0);
  };
  return (
    <li
      className="mxl-item"
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation();
        if (event.clientX || event.clientY) {
          openMenu(event.clientX, event.clientY);
        } else {
          openAtButton();
        }
      }}
    >
      <div className="mxl-row">
        <button
          className="mxl-line"
          data-mxl-row
          aria-expanded={isOpen}
          title={`${item.name}${item.note ? `: ${item.note}` : ''}`}
          onClick={() => setOpen(!isOpen)}
        >
          <span className="mxl-dot" data-state={item.state} aria-hidden="true" />
          <span className="mxl-name">{item.name}</span>
          <span className="mxl-detail">{item.detail}</span>
          {item.note && <span className="mxl-unseen">, {item.note}</span>}
        </button>
        <span className="mxl-actions">
          {own
            .filter(action => action.icon)
            .map(action => (
              <ActionButton
                key={action.id}
                section={section.name}
                action={action}
                item={item}
                doer={doer}
              />
            ))}
          <button
            ref={menuButton}
            className="mxl-icon"
            title="More actions"
            aria-label={`More actions for ${section.one} ${item.name}`}
            aria-haspopup="menu"
            onClick={openAtButton}
          >
            <ellipsesIcon.react tag="span" width="14px" height="14px" />
          </button>
        </span>
      </div>
      {isOpen && <Facts item={item} />}
    </li>
  );
}

interface ButtonProps {
  section: string;
  action: Action;
  item: Item;
  doer: Doer;
}

function ActionButton({ section, action, item, doer }: ButtonProps): React.JSX.Element {
  const Icon = ICONS[action.icon] ?? inspectorIcon;
  return (
    <button
      className="mxl-icon"
      title={action.label}
      aria-label={`${action.label}: ${item.name}`}
      onClick={event => void doer.perform(section, action, item, event.altKey)}
    >
      <Icon.react tag="span" width="14px" height="14px" />
    </button>
  );
}

function Facts({ item }: { item: Item }): React.JSX.Element {
  return (
    <dl className="mxl-facts">
      {item.note && (
        <>
          <dt>State</dt>
          <dd>{item.note}</dd>
        </>
      )}
      {item.facts.map(([label, value], index) => (
        <React.Fragment key={index}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </React.Fragment>
      ))}
    </dl>
  );
}
