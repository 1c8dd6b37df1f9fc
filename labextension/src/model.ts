import { UUID } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Far, Item, LabState, Overview, Page } from './protocol';
import { RequestError } from './replies';
import type { Reach } from './request';

/** What the model needs of a connection; tests give a plain object. */
export interface Source {
  readonly reach: Reach;
  readonly changed: ISignal<unknown, void>;
  readonly far: ISignal<unknown, Far | null>;
  request<T>(type: string, body?: Record<string, unknown>): Promise<T>;
}

export interface Listing {
  total: number;
  items: Item[];
}

/** Items of a page, and how many more each "Show more" brings. */
export const PAGE = 50;

/** How long an answer takes before it is said that the kernel is busy, in milliseconds. */
const PATIENCE = 2500;

/** Errors that say that the whole lab is gone. */
const GONE: ReadonlySet<string> = new Set(['GoneError']);

/** How often a kernel is told that somebody still looks, in milliseconds. */
const RENEW = 60_000;

/**
 * What the sidebar shows of one lab: the overview, and the pages of the sections that are open.
 * It asks only while it is watched, and again when the kernel says that something changed.
 */
export class LabModel {
  overview: Overview | null = null;
  error = '';
  filter = '';
  /** The sections that are open. At first, the way from one's own code and data to a search. */
  readonly open = new Set(['extractors', 'buckets', 'collections', 'retrievers']);
  /** Section, or the key of an item that is open → what of it is on the screen. */
  readonly listings = new Map<string, Listing>();
  /** The items that are open, by `itemKey`. */
  readonly openItems = new Set<string>();
  /** How far the run is that goes on. */
  far: Far | null = null;
  /** Whether the kernel has not answered for a while: what is shown is as of before. */
  isLate = false;

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get source(): Source | null {
    return this._source;
  }

  get lab(): LabState | null {
    return this.overview?.lab ?? null;
  }

  /** Show another lab, or none. What is open stays open. */
  setSource(source: Source | null): void {
    if (source === this._source) {
      return;
    }
    this._source?.changed.disconnect(this._onChange, this);
    this._source?.far.disconnect(this._onFar, this);
    this._tell(false);
    clearTimeout(this._patience); // it is for whom nobody waits any more
    this._source = source;
    this._clear();
    source?.changed.connect(this._onChange, this);
    source?.far.connect(this._onFar, this);
    this.reachChanged();
  }

  /** The connection came or went. */
  reachChanged(): void {
    if (this._source?.reach !== 'ready') {
      this._clear();
      this._changed.emit();
    } else {
      if (this._isWatched) {
        this._tell(true);
      }
      void this.refresh();
    }
  }

  /**
   * Begin or end to follow the lab, for one of its views: nothing is asked and nothing polls while
   * nobody looks.
   */
  watch(on: boolean, who = 'sidebar'): void {
    const before = this._isWatched;
    if (on) {
      this._watchers.add(who);
    } else {
      this._watchers.delete(who);
    }
    if (this._isWatched !== before) {
      this._tell(on);
      if (on) {
        void this.refresh();
      }
    }
  }

  /** Look once, where nobody follows the lab anyway. */
  async peek(): Promise<void> {
    if (!this._isWatched) {
      await this.refresh();
    }
  }

  toggle(section: string): void {
    if (!this.open.delete(section)) {
      this.open.add(section);
      void this._load(section, PAGE);
    }
    this._changed.emit();
  }

  /** Open or close an item; what it consists of is asked for then. */
  toggleItem(section: string, item: Item): void {
    const key = itemKey(section, item);
    if (!this.openItems.delete(key)) {
      this.openItems.add(key);
      if (item.parts) {
        void this._load(item.parts, PAGE, item.key);
      }
    }
    this._changed.emit();
  }

  /** Open these sections, and no others. */
  setOpen(sections: readonly string[]): void {
    this.open.clear();
    sections.forEach(section => this.open.add(section));
    this._changed.emit();
  }

  setFilter(text: string): void {
    if (text !== this.filter) {
      this.filter = text;
      this._changed.emit();
      void this.refresh();
    }
  }

  /** Bring one more page of a section. */
  async more(section: string, of?: string): Promise<void> {
    const shown = this.listings.get(listKey(section, of))?.items.length ?? 0;
    await this._load(section, shown + PAGE, of);
  }

  /** Ask for everything that is on the screen. While one is on its way, one more is enough. */
  async refresh(): Promise<void> {
    const source = this._source;
    if (!source || this._refreshing === source) {
      this._again = true;
      return;
    }
    // What another notebook's kernel has not answered yet is waited for no longer.
    this._refreshing = source;
    clearTimeout(this._patience);
    this._patience = setTimeout(() => this._setLate(source, true), PATIENCE);
    do {
      this._again = false;
      await this._ask(source);
    } while (this._again && this._refreshing === source);
    this._setLate(source, false);
    if (this._refreshing === source) {
      clearTimeout(this._patience);
      this._refreshing = null;
    }
  }

  private _setLate(source: Source, isLate: boolean): void {
    if (source === this._source && this.isLate !== isLate) {
      this.isLate = isLate;
      this._changed.emit();
    }
  }

  private async _ask(source: Source): Promise<void> {
    if (source.reach !== 'ready') {
      return;
    }
    try {
      const overview = await source.request<Overview>('overview');
      if (source !== this._source) {
        return;
      }
      this.overview = overview;
      this.far = overview.far;
      this.error = '';
      const length = (name: string, of?: string): number =>
        Math.max(this.listings.get(listKey(name, of))?.items.length ?? 0, PAGE);
      const shown = this._watchers.has('sidebar') ? [...this.open] : [];
      await Promise.all(shown.map(name => this._load(name, length(name))));
      const parts = shown.flatMap(name => this._openWithParts(name));
      await Promise.all(
        parts.map(({ parts: list, key }) => this._load(list, length(list, key), key))
      );
    } catch (error) {
      this._fail(source, error);
    }
    this._changed.emit();
  }

  /** The items of a section that are open, and consist of something. */
  private _openWithParts(section: string): Item[] {
    const items = this.listings.get(section)?.items ?? [];
    return items.filter(item => item.parts && this.openItems.has(itemKey(section, item)));
  }

  private async _load(section: string, length: number, of?: string): Promise<void> {
    const source = this._source;
    if (source?.reach !== 'ready') {
      return;
    }
    const { filter } = this;
    try {
      const starts = Array.from({ length: Math.ceil(length / PAGE) }, (_, page) => page * PAGE);
      const pages = await Promise.all(
        starts.map(offset =>
          source.request<Page>('items', { section, of, offset, limit: PAGE, filter })
        )
      );
      if (source === this._source && filter === this.filter) {
        const items = pages.flatMap(page => page.items);
        this.listings.set(listKey(section, of), { items, total: pages[0]?.total ?? 0 });
        this._changed.emit();
      }
    } catch (error) {
      this._fail(source, error);
    }
  }

  private _fail(source: Source, error: unknown): void {
    if (source === this._source && source.reach === 'ready') {
      if (error instanceof RequestError && GONE.has(error.kind)) {
        this._clear(); // what was shown is not there any more
      }
      this.error = error instanceof Error ? error.message : String(error);
      this._changed.emit();
    }
  }

  private _clear(): void {
    this.overview = null;
    this.error = '';
    this.far = null;
    this.isLate = false;
    this.listings.clear();
  }

  private get _isWatched(): boolean {
    return this._watchers.size > 0;
  }

  private readonly _onChange = (): void => {
    if (this._isWatched) {
      void this.refresh();
    }
  };

  private readonly _onFar = (_: unknown, far: Far | null): void => {
    if (this._isWatched) {
      this.far = far;
      this._changed.emit();
    }
  };

  private _tell(on: boolean): void {
    clearInterval(this._renewal);
    const source = this._source;
    if (source?.reach !== 'ready') {
      return;
    }
    const say = (): void => {
      source.request('watch', { client: this._client, on }).catch(() => undefined);
    };
    say();
    if (on) {
      this._renewal = setInterval(say, RENEW);
    }
  }

  private readonly _client = UUID.uuid4();
  private readonly _changed = new Signal<this, void>(this);
  private _source: Source | null = null;
  private readonly _watchers = new Set<string>();
  private _refreshing: Source | null = null;
  private _again = false;
  private _patience: ReturnType<typeof setTimeout> | undefined;
  private _renewal: ReturnType<typeof setInterval> | undefined;
}

/** Under which an item is open. */
export function itemKey(section: string, item: Item): string {
  return `${section}/${item.key}`;
}

/** Under which a list is kept: a section's, or that of what the item `of` consists of. */
export function listKey(section: string, of?: string): string {
  return of === undefined ? section : `${section}/${of}`;
}
