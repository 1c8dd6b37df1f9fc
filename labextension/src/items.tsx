import * as React from 'react';

import { ItemView } from './item';
import type { Shared } from './item';
import { listKey } from './model';

interface Props extends Shared {
  section: string;
  /** The key of the item that consists of them. */
  of?: string;
  level: number;
}

/** The items of a list that are here, and a way to more of them. */
export function Items({ section, of, level, model, doer, actions }: Props): React.JSX.Element {
  const listing = model.listings.get(listKey(section, of));
  if (!listing) {
    return <p className="mxl-note">Loading …</p>;
  }
  if (!listing.items.length) {
    return <></>;
  }
  const more = listing.total - listing.items.length;
  return (
    <>
      <ul className="mxl-items" role="group">
        {listing.items.map((item, index) => (
          <ItemView
            key={item.key}
            item={item}
            section={section}
            level={level}
            place={{ at: index + 1, of: listing.total }}
            model={model}
            doer={doer}
            actions={actions}
          />
        ))}
      </ul>
      {more > 0 && (
        <button
          className="mxl-more"
          data-mxl-row
          tabIndex={-1}
          onClick={() => void model.more(section, of)}
        >
          Show more ({more.toLocaleString('en-US')})
        </button>
      )}
    </>
  );
}
