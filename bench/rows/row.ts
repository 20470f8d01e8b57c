// The type of a row: one kind of work under one set of conditions. Knows no contender and no load.

export type KeyDraw = 'uniform' | 'zipfian';

/** A share of GETs in percent; the rest are PUTs. */
export interface MixedWork {
  readonly getPercent: number;
}

/** Requests of so many commands each, all with distinct keys. */
export interface PipelineWork {
  readonly command: 'get' | 'set';
  readonly length: number;
}

export type Work = 'get' | 'put' | 'incr' | MixedWork | PipelineWork;

export type Fsync = 'always' | 'interval';

/** The conditions of a row that a variant may change. */
export interface Conditions {
  /** Requests draw their keys from so many. */
  readonly keys: number;
  readonly draw: KeyDraw;
  readonly valueBytes: number;
  readonly connections: number;
}

export interface Row extends Conditions {
  readonly name: string;
  readonly work: Work;
  readonly fsync: Fsync;
  /** More flags of Holdfast, for rows that do not use its defaults. */
  readonly flags?: readonly string[];
  /** Holdfast under other conditions, measured in the same rounds. */
  readonly variant?: Partial<Conditions> & { readonly name: string };
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
  return work === 'put' || typeof work === 'object';
}
