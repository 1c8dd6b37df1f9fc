import type { LabState } from './protocol';

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
