/** What the kernel and the front end say to each other: see `mixpeek_lab/sidebar`. */

/** The comms' target. */
export const TARGET = 'mixpeek_lab';

/** Id of the comm with which a kernel says that a lab is there. */
export const ANNOUNCEMENT = 'mixpeek-lab';

export type State = 'not started' | 'starting' | 'ready' | 'failed';

export interface LabState {
  state: State;
  ray: string;
  serve: string;
  url: string;
  error: string;
  home: string;
  /** `ray`, or `kernel`: no endpoint there. */
  engine: string;
  /** Why it is this engine; half a sentence. */
  why: string;
}

/** How far a run is. */
export interface Far {
  collection: string;
  done: number;
  total: number;
  failed: number;
  phase: string;
}

/** What the kernel says unasked, while it is watched. */
export interface News {
  /** Something changed. */
  change?: number;
  /** How far the run is; null once it has ended. */
  far?: Far | null;
}

export interface Section {
  name: string;
  title: string;
  one: string;
  empty: string;
  code: string;
  code_label: string;
  count: number;
}

export interface Action {
  id: string;
  label: string;
  code: string;
  cell: string;
  icon: string;
  copy: string;
  /** A request to the kernel, instead of a cell. */
  request: string;
  /** What to ask the user for: the request's `text`. */
  ask: string;
  confirm: string;
  /** Whether a line is drawn above it in a menu. */
  apart: boolean;
}

export interface Overview {
  version: string;
  lab: LabState;
  sections: Section[];
  /** Section, or list of parts → what can be done with its items. */
  actions: Record<string, Action[]>;
  far: Far | null;
}

export interface Item {
  key: string;
  name: string;
  detail: string;
  state: '' | 'ok' | 'busy' | 'warning' | 'error';
  note: string;
  facts: [string, string][];
  fields: Record<string, string>;
  without: string[];
  /** The list of what it consists of: lines below it. Empty where it has none. */
  parts: string;
  part_count: number;
}

export interface Page {
  total: number;
  items: Item[];
}

/** One answer's header: the kernel sends its body as JSON in a buffer, in one part or several. */
export interface ReplyHeader {
  id: string;
  ok: boolean;
  part?: number;
  parts?: number;
  encoding?: 'json' | 'gzip';
  error?: { kind: string; message: string };
}

/** A finding where it stands in a cell. Lines and columns count from 1; column 0 is the line. */
export interface Mark {
  line: number;
  column: number;
  length: number;
  severity: 'error' | 'warning' | 'info';
  rule: string;
  message: string;
  fix: string;
  replacement: string | null;
}
