import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { Doer } from './doing';
import { ItemView } from './item';
import type { LabModel } from './model';
import type { Action, Section } from './protocol';
import { moveFocus } from './focus';

interface Props {
  section: Section;
  actions: Action[];
  model: LabModel;
  doer: Doer;
}

/** One section: a heading that opens, its items, and what to do while there are none. */
export function SectionView({ section, actions, model, doer }: Props): React.JSX.Element {
  const isOpen = model.open.has(section.name);
  const id = `mxl-section-${section.name}`;
  const Caret = isOpen ? caretDownIcon : caretRightIcon;
  return (
    <section className="mxl-section" onKeyDown={moveFocus}>
      <h3>
        <button
          className="mxl-heading"
          data-mxl-row
          aria-expanded={isOpen}
          aria-controls={id}
          onClick={() => model.toggle(section.name)}
        >
          <Caret.react tag="span" className="mxl-caret" width="16px" height="16px" />
          <span className="mxl-title">{section.title}</span>
          <span className="mxl-count">{section.count.toLocaleString()}</span>
        </button>
      </h3>
      <div id={id} hidden={!isOpen}>
        {isOpen && <Items section={section} actions={actions} model={model} doer={doer} />}
      </div>
    </section>
  );
}

function Items({ section, actions, model, doer }: Props): React.JSX.Element {
  const listing = model.listings.get(section.name);
  if (!listing) {
    return <p className="mxl-note">Loading …</p>;
  }
  if (!listing.total) {
    return section.count ? (
      <p className="mxl-note">No {section.one}&apos;s name holds “{model.filter}”.</p>
    ) : (
      <Empty section={section} doer={doer} />
    );
  }
  const more = listing.total - listing.items.length;
  return (
    <>
      <ul className="mxl-items" aria-label={section.title}>
        {listing.items.map(item => (
          <ItemView key={item.key} item={item} section={section} actions={actions} doer={doer} />
        ))}
      </ul>
      {more > 0 && (
        <button className="mxl-more" data-mxl-row onClick={() => void model.more(section.name)}>
          Show more ({more.toLocaleString()})
        </button>
      )}
    </>
  );
}

function Empty({ section, doer }: { section: Section; doer: Doer }): React.JSX.Element {
  return (
    <div className="mxl-note">
      <p>{section.empty}</p>
      {section.code && (
        <button
          className="jp-mod-styled mxl-small"
          data-mxl-row
          onClick={() => doer.write(section.code, false)}
        >
          {section.code_label}
        </button>
      )}
    </div>
  );
}
