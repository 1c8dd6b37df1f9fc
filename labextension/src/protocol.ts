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
  confirm: string;
}

export interface Overview {
  version: string;
  lab: LabState;
  sections: Section[];
  actions: Record<string, Action[]>;
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
