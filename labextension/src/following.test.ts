import type { ICodeCellModel } from '@jupyterlab/cells';

import { RunsUnderWay, wordsFor } from './following';
import type { IHeard, IRunState } from './following';

const VIEW = 'application/vnd.jupyter.widget-view+json';
const STATE: IRunState = {
  title: 'docs', total: 1000, done: 120, failed: 2, documents: 118, phase: 'processing',
  rate: 12.34, left: '1 min 11 s', report: null
}; // prettier-ignore
const VIEWED = { output_type: 'display_data', data: { [VIEW]: { model_id: 'bar' } }, metadata: {} };

/** A cell as far as it is needed. */
function makeCell(...outputs: object[]): ICodeCellModel {
  return {
    executionState: 'idle',
    executionCount: null,
    outputs: {
      get length() { return outputs.length; },
      get: (at: number) => outputs[at],
      set: (at: number, output: object) => { outputs[at] = output; },
      add: (output: object) => outputs.push(output),
      toJSON: () => outputs
    }
  } as unknown as ICodeCellModel; // prettier-ignore
}

const heard = (type: string, content: object, cause = 'run', session = 'before'): IHeard => ({
  header: { msg_type: type },
  parent_header: { msg_id: cause, session },
  content: content as Record<string, unknown>
});
const update = (state: object, cause = 'run', id = 'bar'): IHeard =>
  heard('comm_msg', { comm_id: id, data: { method: 'update', state: { state } } }, cause);

test('a run that an earlier page began is followed to its end', () => {
  const [other, cell] = [makeCell(), makeCell({ output_type: 'stream' }, VIEWED)];
  const runs = new RunsUnderWay(() => [other, cell]);
  const told: string[] = [];
  runs.changed.connect((_, id) => told.push(id));
  runs.hear(heard('stream', { name: 'stdout', text: 'too early' }), 'me');
  runs.hear(update(STATE), 'me');
  expect(runs.stateOf('bar')).toEqual(STATE);
  expect(cell.executionState).toBe('running');
  runs.hear(heard('stream', { name: 'stdout', text: "another cell's" }, 'other'), 'me');
  runs.hear(heard('update_display_data', { data: {}, metadata: {}, transient: { display_id: 'd' } }), 'me');
  runs.hear(heard('execute_result', { data: { 'text/plain': 'report' }, metadata: {}, execution_count: 7 }), 'me');
  runs.hear(heard('status', { execution_state: 'idle' }), 'me');
  expect(cell.outputs.toJSON()).toEqual([
    { output_type: 'stream' },
    { output_type: 'display_data', data: {}, metadata: {} },
    { output_type: 'execute_result', data: { 'text/plain': 'report' }, metadata: {}, execution_count: 7 }
  ]);
  expect([cell.executionCount, cell.executionState]).toEqual([7, 'idle']);
  expect([runs.stateOf('bar'), told]).toEqual([null, ['bar', 'bar']]);
});

test("what this page asked for, other widgets and other notebooks' views are left alone", () => {
  const cell = makeCell(VIEWED);
  const runs = new RunsUnderWay(() => [cell]);
  runs.hear(update(STATE), 'before');
  runs.hear(update({ rows: 3 }), 'me');
  runs.hear(update(STATE, 'run', 'elsewhere'), 'me');
  runs.hear(heard('error', { ename: 'E', evalue: '', traceback: [] }), 'me');
  expect(runs.stateOf('bar')).toBeNull();
  expect(cell.outputs.toJSON()).toEqual([VIEWED]);
});

test('of several runs in one cell each ends with its report, or when the next begins', () => {
  const next = (id: string): typeof VIEWED => ({ ...VIEWED, data: { [VIEW]: { model_id: id } } });
  const cell = makeCell(VIEWED, next('two'), next('three'));
  const runs = new RunsUnderWay(() => [cell]);
  const states = (): (string | null)[] => ['bar', 'two', 'three'].map(id => runs.stateOf(id)?.phase ?? null);
  runs.hear(update(STATE), 'me');
  runs.hear(update({ ...STATE, report: {} }), 'me');
  expect([states(), cell.executionState]).toEqual([[null, null, null], 'running']);
  runs.hear(update(STATE, 'run', 'two'), 'me');
  expect(states()).toEqual([null, 'processing', null]);
  runs.hear(update(STATE, 'run', 'three'), 'me');
  expect(states()).toEqual([null, null, 'processing']);
  runs.hear(heard('status', { execution_state: 'idle' }), 'me');
  expect([states(), cell.executionState]).toEqual([[null, null, null], 'idle']);
});

test('a run ends with its kernel', () => {
  const cell = makeCell(VIEWED);
  const runs = new RunsUnderWay(() => [cell]);
  runs.hear(update(STATE), 'me');
  runs.forget();
  expect([runs.stateOf('bar'), cell.executionState]).toEqual([null, 'idle']);
});

test('how far a run is, in words', () => {
  expect(wordsFor(STATE)).toBe(
    '120 of 1,000 rows, 118 documents, 2 failed, 12.3 rows/s, 1 min 11 s left'
  );
  expect(wordsFor({ ...STATE, failed: 0, rate: null, done: 1000 })).toBe(
    '1,000 of 1,000 rows, 118 documents'
  );
});
