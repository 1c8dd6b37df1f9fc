import { UUID } from '@lumino/coreutils';
import { Signal } from '@lumino/signaling';
import type { ISignal } from '@lumino/signaling';

import type { Item, LabState, Overview, Page } from './protocol';
import type { Reach } from './request';

/** What the model needs of a connection; tests give a plain object. */
export interface Source {
  readonly reach: Reach;
  readonly changed: ISignal<unknown, void>;
  request<T>(type: string, body?: Record<string, unknown>): Promise<T>;
}

export interface Listing {
  total: number;
  items: Item[];
}

/** Items of a page, and how many more each "Show more" brings. */
export const PAGE = 50;

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
  readonly listings = new Map<string, Listing>();

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
    this._tell(false);
    this._source = source;
    this._clear();
    source?.changed.connect(this._onChange, this);
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
  async more(section: string): Promise<void> {
    await this._load(section, (this.listings.get(section)?.items.length ?? 0) + PAGE);
  }

  /** Ask for everything that is on the screen. While one is on its way, one more is enough. */
  async refresh(): Promise<void> {
    if (this._refreshing) {
      this._again = true;
      return;
    }
    this._refreshing = true;
    do {
      this._again = false;
      await this._ask();
    } while (this._again);
    this._refreshing = false;
  }

  private async _ask(): Promise<void> {
    const source = this._source;
    if (source?.reach !== 'ready') {
      return;
    }
    try {
      const overview = await source.request<Overview>('overview');
      if (source !== this._source) {
        this._again = true;
        return;
      }
      this.overview = overview;
      this.error = '';
      const length = (name: string): number =>
        Math.max(this.listings.get(name)?.items.length ?? 0, PAGE);
      const shown = this._watchers.has('sidebar') ? [...this.open] : [];
      await Promise.all(shown.map(name => this._load(name, length(name))));
    } catch (error) {
      this._fail(source, error);
    }
    this._changed.emit();
  }

  private async _load(section: string, length: number): Promise<void> {
    const source = this._source;
    if (source?.reach !== 'ready') {
      return;
    }
    const { filter } = this;
    try {
      const starts = Array.from({ length: Math.ceil(length / PAGE) }, (_, page) => page * PAGE);
      const pages = await Promise.all(
        starts.map(offset =>
          source.request<Page>('items', { section, offset, limit: PAGE, filter })
        )
      );
      if (source === this._source && filter === this.filter) {
        const items = pages.flatMap(page => page.items);
        this.listings.set(section, { items, total: pages[0]?.total ?? 0 });
        this._changed.emit();
      }
    } catch (error) {
      this._fail(source, error);
    }
  }

  private _fail(source: Source, error: unknown): void {
    if (source === this._source && source.reach === 'ready') {
      this.error = error instanceof Error ? error.message : String(error);
      this._changed.emit();
    }
  }

  private _clear(): void {
    this.overview = null;
    this.error = '';
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
  private _refreshing = false;
  private _again = false;
  private _renewal: ReturnType<typeof setInterval> | undefined;
}
