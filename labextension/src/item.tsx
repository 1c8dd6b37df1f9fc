import { copyIcon, ellipsesIcon, inspectorIcon, runIcon, stopIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { actionsOf } from './actions';
import type { Doer } from './doing';
import { Items } from './items';
import { itemKey } from './model';
import type { LabModel } from './model';
import type { Action, Item } from './protocol';
import { farItem } from './words';

const ICONS: Record<string, LabIcon> = {
  run: runIcon,
  show: inspectorIcon,
  copy: copyIcon,
  stop: stopIcon
};

/** Characters of a detail that is shown whole, beside a name of whatever length: `1 failed`. */
const SHORT = 14;

/** What the lines of the tree share. */
export interface Shared {
  model: LabModel;
  doer: Doer;
  /** Section, or list of parts → what can be done with its items. */
  actions: Record<string, Action[]>;
}

interface Props extends Shared {
  item: Item;
  /** The section, or the list of parts, that it is in. */
  section: string;
  level: number;
  /** Where it stands among its like, from 1, and how many those are. */
  place: { at: number; of: number };
}

/** One item: a line that opens its facts and parts, its most used actions, and the menu of all. */
export function ItemView(props: Props): React.JSX.Element {
  const { section, level, place, model, doer } = props;
  const item = farItem(props.item, model.far);
  const isOpen = model.openItems.has(itemKey(section, item));
  const menuButton = React.useRef<HTMLButtonElement>(null);
  const own = actionsOf(props.actions[section] ?? [], item);
  const openMenu = (x: number, y: number): void => doer.openMenu(section, own, item, x, y);
  const openAtButton = (): void => {
    const box = menuButton.current?.getBoundingClientRect();
    openMenu(box?.left ?? 0, box?.bottom ?? 0);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const remove = own.find(action => action.id === 'delete');
    if (event.target !== event.currentTarget) {
      return;
    }
    if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      openAtButton();
    } else if (event.key === 'Delete' && remove) {
      void doer.perform(section, remove, item, false);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <li
      className="mxl-item"
      role="treeitem"
      data-mxl-row
      tabIndex={-1}
      aria-level={level}
      aria-expanded={isOpen}
      aria-setsize={place.of}
      aria-posinset={place.at}
      aria-label={[item.name, item.detail, item.note].filter(Boolean).join(', ')}
      onKeyDown={onKeyDown}
      onContextMenu={event => {
        event.preventDefault();
        event.stopPropagation();
        openMenu(event.clientX, event.clientY);
      }}
    >
      <div className="mxl-row" style={{ paddingLeft: (level - 2) * 16 }}>
        <div
          className="mxl-line"
          data-mxl-toggle
          title={[item.name, item.detail, item.note].filter(Boolean).join(' · ')}
          onClick={() => model.toggleItem(section, item)}
        >
          <span className="mxl-dot" data-state={item.state} aria-hidden="true" />
          <span className="mxl-name">{item.name}</span>
          <span className={`mxl-detail${item.detail.length > SHORT ? '' : ' mxl-short'}`}>
            {item.detail}
          </span>
        </div>
        <span className="mxl-actions">
          {own
            .filter(action => action.icon)
            .map(action => (
              <ActionButton
                key={action.id}
                section={section}
                action={action}
                item={item}
                doer={doer}
              />
            ))}
          <button
            ref={menuButton}
            className="mxl-icon"
            tabIndex={-1}
            title="More actions"
            aria-label={`More actions: ${item.name}`}
            aria-haspopup="menu"
            onClick={openAtButton}
          >
            <ellipsesIcon.react tag="span" width="14px" height="14px" />
          </button>
        </span>
      </div>
      <Progress item={item} model={model} />
      {isOpen && <Facts item={item} level={level} />}
      {isOpen && item.parts && (
        <Items {...props} section={item.parts} of={item.key} level={level + 1} />
      )}
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
      tabIndex={-1}
      title={action.label}
      aria-label={`${action.label}: ${item.name}`}
      onClick={event => void doer.perform(section, action, item, event.altKey)}
    >
      <Icon.react tag="span" width="14px" height="14px" />
    </button>
  );
}

/** A bar below the line of a run that goes on. */
function Progress({ item, model: { far } }: { item: Item; model: LabModel }): React.JSX.Element {
  if (!far?.total || farItem(item, far) === item) {
    return <></>;
  }
  return (
    <div
      className="mxl-bar"
      role="progressbar"
      aria-label={`Rows of ${far.collection}`}
      aria-valuenow={far.done}
      aria-valuemin={0}
      aria-valuemax={far.total}
    >
      <span style={{ width: `${(100 * far.done) / far.total}%` }} />
    </div>
  );
}

function Facts({ item, level }: { item: Item; level: number }): React.JSX.Element {
  if (!item.note && !item.facts.length) {
    return <></>;
  }
  return (
    <dl className="mxl-facts" style={{ paddingLeft: 13 + (level - 1) * 16 }}>
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
