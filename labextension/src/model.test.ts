import { Signal } from '@lumino/signaling';

import { LabModel, PAGE } from './model';
import type { Source } from './model';
import type { Far, Item } from './protocol';
import { RequestError } from './replies';
import type { Reach } from './request';

class Kernel implements Source {
  reach: Reach = 'ready';
  readonly changed = new Signal<this, void>(this);
  readonly far = new Signal<this, Far | null>(this);
  readonly asked: [string, Record<string, unknown>][] = [];
  count = 120;

  request<T>(type: string, body: Record<string, unknown> = {}): Promise<T> {
    this.asked.push([type, body]);
    return Promise.resolve(this.answer(type, body) as T);
  }

  types(): string[] {
    return this.asked.splice(0).map(([type]) => type);
  }

  private answer(type: string, body: Record<string, unknown>): unknown {
    if (type === 'items') {
      const offset = body['offset'] as number;
      const length = Math.max(Math.min(PAGE, this.count - offset), 0);
      return { total: this.count, items: Array.from({ length }, (_, i) => ({ key: offset + i })) };
    }
    return { lab: {}, sections: [], actions: {} };
  }
}

const settled = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 5));
let model: LabModel;

beforeEach(() => {
  model = new LabModel();
  model.setOpen([]);
});
afterEach(() => model.watch(false));

test('while nobody looks, a lab is asked once for its state, and no more', async () => {
  const kernel = new Kernel();
  model.open.add('runs');
  model.setSource(kernel);
  await settled();
  expect(kernel.types()).toEqual(['overview']);
  kernel.changed.emit();
  await settled();
  expect(kernel.types()).toEqual([]);
  await model.peek();
  expect(kernel.types()).toEqual(['overview']);
});

test('the status bar follows without the sections of the sidebar', async () => {
  const kernel = new Kernel();
  model.open.add('runs');
  model.setSource(kernel);
  await settled();
  kernel.types();
  model.watch(true, 'status');
  await settled();
  expect(kernel.types()).toEqual(['watch', 'overview']);
  model.watch(true);
  model.watch(false, 'status');
  await settled();
  expect(kernel.types()).toEqual([]);
  model.watch(false);
  expect(kernel.types()).toEqual(['watch']);
});

test('who looks is told, and told again when something changed, until they look away', async () => {
  const kernel = new Kernel();
  model.watch(true);
  model.setSource(kernel);
  await settled();
  expect(kernel.types()).toEqual(['watch', 'overview']);
  kernel.changed.emit();
  await settled();
  expect(kernel.types()).toEqual(['overview']);
  model.watch(false);
  kernel.changed.emit();
  await settled();
  expect(kernel.asked.splice(0)).toEqual([['watch', expect.objectContaining({ on: false })]]);
});

test('an open section is read page by page, and keeps its length when it is read again', async () => {
  const kernel = new Kernel();
  model.setSource(kernel);
  model.watch(true);
  model.toggle('runs');
  await settled();
  expect(model.listings.get('runs')?.items).toHaveLength(PAGE);
  await model.more('runs');
  expect(model.listings.get('runs')?.items).toHaveLength(2 * PAGE);
  kernel.changed.emit();
  await settled();
  expect(model.listings.get('runs')?.items).toHaveLength(2 * PAGE);
  await model.more('runs');
  expect(model.listings.get('runs')?.items).toHaveLength(120);
});

test('many changes at once make two requests, not many', async () => {
  const kernel = new Kernel();
  model.setSource(kernel);
  model.watch(true);
  await settled();
  kernel.types();
  for (let i = 0; i < 20; i++) {
    kernel.changed.emit();
  }
  await settled();
  expect(kernel.types()).toEqual(['overview', 'overview']);
});

test('a lab that is gone leaves nothing on the screen, and one that is back is read again', async () => {
  const kernel = new Kernel();
  model.setSource(kernel);
  model.watch(true);
  await settled();
  expect(model.overview).not.toBeNull();
  kernel.reach = 'absent';
  model.reachChanged();
  expect(model.overview).toBeNull();
  kernel.reach = 'ready';
  model.reachChanged();
  await settled();
  expect(model.overview).not.toBeNull();
});

test('what an earlier notebook answers late is not shown', async () => {
  const slow = new Kernel();
  let release: (value: unknown) => void = () => undefined;
  slow.request = <T>(type: string) =>
    type === 'overview'
      ? new Promise<T>(resolve => (release = resolve as (value: unknown) => void))
      : Promise.resolve({} as T);
  model.setSource(slow);
  model.watch(true);
  const next = new Kernel();
  model.setSource(next);
  release({ lab: { home: 'wrong' }, sections: [], actions: {} });
  await settled();
  expect(model.lab?.home).toBeUndefined();
  expect(model.overview).not.toBeNull();
});

test('a kernel that does not answer holds nobody up', async () => {
  const slow = new Kernel();
  slow.request = <T>() => new Promise<T>(() => undefined);
  model.watch(true);
  model.setSource(slow);
  await settled();
  const next = new Kernel();
  model.setSource(next);
  await settled();
  expect(model.overview).not.toBeNull();
  expect(model.isLate).toBe(false);
});

test('a run that goes on is told of without a request', async () => {
  const kernel = new Kernel();
  model.watch(true);
  model.setSource(kernel);
  await settled();
  kernel.types();
  const far = { collection: 'a', done: 1, total: 2, failed: 0, phase: 'processing' };
  kernel.far.emit(far);
  expect(model.far).toEqual(far);
  kernel.far.emit(null);
  expect(model.far).toBeNull();
  expect(kernel.types()).toEqual([]);
  model.watch(false);
  kernel.far.emit(far);
  expect(model.far).toBeNull();
});

test('what an open item consists of is read with it, until it is closed', async () => {
  const kernel = new Kernel();
  const item = { key: '0', parts: 'versions' } as Item;
  model.watch(true);
  model.setSource(kernel);
  await settled();
  model.toggleItem('extractors', item);
  await settled();
  expect(kernel.asked.pop()?.[1]).toMatchObject({ section: 'versions', of: '0', offset: 0 });
  expect(model.listings.get('versions/0')?.items).toHaveLength(PAGE);
  model.toggleItem('extractors', item);
  kernel.types();
  kernel.changed.emit();
  await settled();
  expect(kernel.types()).toEqual(['overview']);
});

test('a lab whose folder was removed leaves its reason, and no stale items', async () => {
  const kernel = new Kernel();
  model.watch(true);
  model.setSource(kernel);
  await settled();
  kernel.request = () => Promise.reject(new RequestError('GoneError', 'it was deleted'));
  kernel.changed.emit();
  await settled();
  expect(model.overview).toBeNull();
  expect(model.error).toBe('it was deleted');
});
