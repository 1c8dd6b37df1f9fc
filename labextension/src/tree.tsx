import * as React from 'react';

import { keepOneTabStop, moveFocus } from './focus';
import type { Shared } from './item';
import type { Section } from './protocol';
import { SectionView } from './section';

interface Props extends Shared {
  sections: Section[];
}

/** The sections as one tree: one stop of Tab, and the arrows within. */
export function Tree({ sections, ...shared }: Props): React.JSX.Element {
  const tree = React.useRef<HTMLUListElement>(null);
  React.useEffect(() => {
    if (tree.current) {
      keepOneTabStop(tree.current); // the row that had it may be gone
    }
  });
  return (
    <ul
      ref={tree}
      className="mxl-sections"
      role="tree"
      aria-label="What the lab holds"
      onKeyDown={moveFocus}
      onFocus={event => keepOneTabStop(event.currentTarget, event.target)}
    >
      {sections.map(section => (
        <SectionView key={section.name} section={section} {...shared} />
      ))}
    </ul>
  );
}
