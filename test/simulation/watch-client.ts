// Watches entries, in runs of the scenario `waits`, and keeps the last sight of each. Versions that it sees
// only grow, and once the faults have stopped it must have seen the present state of all.
import type { Sight } from '../../src/store/result.ts';
import type { CommandStore, Store } from '../../src/store/store.ts';
import { pickFrom, randomBelow, type Random } from '../support/random.ts';
import { entryOfName } from './entry-names.ts';
import type { SimulatedProcess } from './simulated-process.ts';
import type { SimulationClient } from './simulation-parts.ts';

export interface WatchClientOptions {
  readonly random: Random;
  readonly names: readonly string[];
  /** Called with a description of something that a client must never see. */
  readonly onWrong: (wrong: string) => void;
}

interface Watched {
  readonly name: string;
  readonly end: () => void;
  last: Sight | undefined;
  /** The highest version that was seen. */
  version: number;
}

/** Watches at a time, at most. */
const watchesMax = 8;

function versionIn(sight: Sight | undefined): number {
  return sight?.kind === 'entry' ? sight.version : 0;
}

export class WatchClient implements SimulationClient {
  readonly name = 'watcher';
  isBusy = false;
  readonly #options: WatchClientOptions;
  #process: SimulatedProcess | undefined;
  #watched: Watched[] = [];

  constructor(options: WatchClientOptions) {
    this.#options = options;
  }

  /** Begins a watch, and perhaps ends an older one. */
  async act(store: CommandStore, process: SimulatedProcess): Promise<void> {
    const { random, names } = this.#options;
    // The watches of a process that is gone are gone with it.
    if (process !== this.#process) this.#watched = [];
    this.#process = process;
    if (this.#watched.length === watchesMax) {
      const [left] = this.#watched.splice(randomBelow(random, watchesMax), 1);
      left?.end();
    }
    this.#watch(store, pickFrom(random, names));
  }

  /**
   * Compares each last sight with a read.
   *
   * @returns the first name that was seen otherwise; undefined if there is none
   */
  async nameBehind(store: Store): Promise<string | undefined> {
    for (const { name, last } of this.#watched) {
      // The caller of a watch that was refused has heard so, and waits no more.
      if (last?.kind === 'refused') continue;
      // oxlint-disable-next-line no-await-in-loop -- few, and each may end the search
      const present = await store.submit({ op: 'get', ...entryOfName(name) });
      if (present.kind !== 'entry' && present.kind !== 'missing') return name;
      if (last === undefined || versionIn(last) !== versionIn(present)) return name;
    }
    return undefined;
  }

  /** True if the watches are those of this process. */
  isOf(process: SimulatedProcess): boolean {
    return this.#process === process;
  }

  #watch(store: CommandStore, name: string): void {
    const onSight = (sight: Sight): void => {
      const version = versionIn(sight);
      if (version !== 0 && version < watched.version) {
        this.#options.onWrong(`${name} was seen at ${version} after ${watched.version}`);
      }
      watched.last = sight;
      watched.version = Math.max(watched.version, version);
    };
    const watched: Watched = { name, last: undefined, version: 0, end: () => end() };
    const end = store.watch({ op: 'get', ...entryOfName(name) }, onSight);
    this.#watched.push(watched);
  }
}
