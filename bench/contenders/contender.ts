// The interface of a contender: a server that rows are measured on. Knows no contender and no load.
import type { Load } from '../loads/load.ts';
import type { Belongings } from '../measuring/belongings.ts';
import type { CpuPins } from '../measuring/cpu-pins.ts';
import type { Dialect } from '../rows/request-template.ts';
import type { Row } from '../rows/row.ts';

export interface Place {
  readonly belongings: Belongings;
  readonly pins: CpuPins;
}

/** A contender that serves a row. */
export interface Running {
  /** Without a slash at the end. */
  readonly url: string;
  /** All its processes. */
  readonly pids: readonly number[];
  /** With the settings that are not its defaults. */
  readonly settings: string;
  readonly dialect: Dialect;
  /** Writes the values of these keys with seed 0. Undefined: it stores nothing, nothing is checked. */
  readonly fill: ((from: number, to: number, valueBytes: number) => Promise<void>) | undefined;
  /** @returns the value of a key, or its counter as text; undefined if it has none */
  readonly read: (key: string) => Promise<string | undefined>;
  /** Whether a load of its own may have written a value that the bench has not. */
  readonly isOwnValue?: (value: string) => boolean;
  /** Rounds by a load of its own. Undefined: by the load of the run. */
  readonly load?: Load;
  /** Each request needs it. */
  readonly token?: string;
}

export interface Contender {
  readonly name: string;
  /** Why it cannot run here, such as a program that is not installed. Undefined if it can. */
  readonly missing: () => string | undefined;
  /** Versions of its programs, for the report. */
  readonly versions: () => string;
  /** Whether it can do the work of a row at the durability of the row. */
  readonly takes: (row: Row) => boolean;
  /** Starts it on free loopback ports. All that it starts and makes is in `belongings`. */
  readonly start: (row: Row, place: Place) => Promise<Running>;
}
