import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Doer } from './doing';
import type { Shared } from './item';
import { Items } from './items';
import type { Section } from './protocol';
import { farWords } from './words';

interface Props extends Shared {
  section: Section;
}

/** One section: a heading that opens, its items, and what to do while there are none. */
export function SectionView({ section, ...shared }: Props): React.JSX.Element {
  const { model, doer } = shared;
  const isOpen = model.open.has(section.name);
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  const now = section.name === 'runs' && model.far && !isOpen ? farWords(model.far) : '';
  const count = section.count.toLocaleString('en-US');
  return (
    <li
      id={`mxl-section-${section.name}`}
      className="mxl-section"
      role="treeitem"
      data-mxl-row
      tabIndex={-1}
      aria-level={1}
      aria-expanded={isOpen}
      aria-label={[section.title, count, now].filter(Boolean).join(', ')}
    >
      <div
        className="mxl-heading"
        data-mxl-toggle
        onClick={() => model.toggle(section.name)}
      >
        <Caret.react tag="span" className="mxl-caret" width="16px" height="16px" />
        <span className="mxl-title">{section.title}</span>
        {now && <span className="mxl-now">{now}</span>}
        <span className="mxl-count">{count}</span>
      </div>
      {isOpen && <Items {...shared} section={section.name} level={2} />}
      {isOpen && model.listings.get(section.name)?.total === 0 && (
        <Nothing section={section} filter={model.filter} doer={doer} />
      )}
    </li>
  );
}

interface NothingProps {
  section: Section;
  filter: string;
  doer: Doer;
}

function Nothing({ section, filter, doer }: NothingProps): React.JSX.Element {
  if (section.count) {
    return (
      <p className="mxl-note">
        No {section.one}&apos;s name holds “{filter}”.
      </p>
    );
  }
  return (
    <div className="mxl-note">
      <p>{section.empty}</p>
      {section.code && (
        <button
          className="jp-mod-styled mxl-small"
          data-mxl-row
          tabIndex={-1}
          onClick={() => doer.write(section.code, false)}
        >
          {section.code_label}
        </button>
      )}
    </div>
  );
}
