import type { Far, Item, LabState } from './protocol';

const STATES: Record<LabState['state'], string> = {
  'not started': 'Not started',
  starting: 'Starting …',
  ready: 'Ready',
  failed: 'Did not start'
};

/** The lab's state in a word or two. */
export function stateWords(lab: LabState): string {
  return STATES[lab.state];
}

/** What runs: the engine, and the endpoint's address. */
export function engineOf(lab: LabState): string {
  if (lab.engine === 'kernel' && !lab.url) {
    return 'this kernel answers, no HTTP endpoint';
  }
  if (lab.state === 'not started') {
    return 'Ray, endpoint: off';
  }
  const ray = lab.ray === 'ready' ? 'Ray' : lab.ray === 'starting' ? 'Ray starts' : '';
  const serve = lab.url ? lab.url.replace(/^https?:\/\//, '') : servePart(lab);
  return [ray, serve].filter(Boolean).join(' · ');
}

function servePart(lab: LabState): string {
  return { starting: 'endpoint starts', failed: 'no endpoint', ready: '', off: '' }[lab.serve] ?? '';
}

/** How far a run is: `40 of 120`. */
export function farWords({ done, total }: Far): string {
  return `${done.toLocaleString('en-US')} of ${total.toLocaleString('en-US')}`;
}

/** A run as it is now, where it is the one that is told of; any other as it was. */
export function farItem(item: Item, far: Far | null): Item {
  if (!far || item.state !== 'busy' || item.fields['raw'] !== far.collection) {
    return item;
  }
  const facts = item.facts.filter(([name]) => name !== 'Phase' && name !== 'Failed so far');
  const failed: [string, string][] = far.failed ? [['Failed so far', String(far.failed)]] : [];
  return { ...item, detail: farWords(far), facts: [...facts, ['Phase', far.phase], ...failed] };
}
