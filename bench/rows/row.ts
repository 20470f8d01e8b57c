// The type of a row: one kind of work under one set of conditions. Knows no contender and no load.

export type KeyDraw = 'uniform' | 'zipfian';

/** A share of GETs in percent, and the kind of the rest. */
export interface MixedWork {
  readonly getPercent: number;
  readonly rest: 'put' | 'list';
}

/** Requests of so many commands each, all with distinct keys. */
export interface PipelineWork {
  readonly command: 'get' | 'set';
  readonly length: number;
}

/** `list` reads a page of 100 keys; `transaction` writes two keys of different shards. */
export type Work = 'get' | 'put' | 'incr' | 'list' | 'transaction' | MixedWork | PipelineWork;

export type Fsync = 'always' | 'interval';

/** The conditions of a row that a variant may change. */
export interface Conditions {
  /** Requests draw their keys from so many. */
  readonly keys: number;
  readonly draw: KeyDraw;
  readonly valueBytes: number;
  readonly connections: number;
  /** More flags of Holdfast, for rows that do not use its defaults. */
  readonly flags?: readonly string[];
  /** Requests carry a token, and a request without it is refused. */
  readonly isAuthenticated?: boolean;
  /** So many more connections are open, and do nothing. */
  readonly idleConnections?: number;
  /** Requests go through this proxy. */
  readonly proxy?: 'caddy';
}

/** Holdfast under other conditions, or with other work. */
export interface Variant extends Partial<Conditions> {
  readonly name: string;
  readonly work?: Exclude<Work, PipelineWork>;
}

export interface Row extends Conditions {
  readonly name: string;
  readonly work: Work;
  readonly fsync: Fsync;
  /** Measured in the same rounds. */
  readonly variants?: readonly Variant[];
  /** Holdfast is measured beside its variants alone, under this name. */
  readonly alone?: string;
}

export function isPipeline(work: Work): work is PipelineWork {
  return typeof work === 'object' && 'length' in work;
}

/** Number of single operations in a request. */
export function operationsIn(work: Work): number {
  return isPipeline(work) ? work.length : 1;
}

/** Counters begin without a value; all other work needs its keys. */
export function needsValues(work: Work): boolean {
  return work !== 'incr';
}

export function writesValues(work: Work): boolean {
  if (isPipeline(work)) return work.command === 'set';
  if (typeof work === 'object') return work.rest === 'put';
  return work === 'put' || work === 'transaction';
}

/** Single GETs and PUTs, which every server over HTTP can do. */
export function isPlain(work: Work): boolean {
  if (isPipeline(work)) return false;
  return typeof work === 'object' ? work.rest === 'put' : work === 'get' || work === 'put';
}
