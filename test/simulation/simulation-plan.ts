// The choices of a seed before a simulation begins: settings of the store, numbers of clients and
// calls, kinds of faults.
import type { FsyncMode } from '../../src/base/fsync-mode.ts';
import { defaultNamespace } from '../../src/base/default-namespace.ts';
import { pickFrom, randomBelow, type Random } from '../support/random.ts';
import { allNamesIn, secondNamespace } from './entry-names.ts';
import type { ProcessSettings } from './simulated-process.ts';

/** Kinds of faults, and the rate of each, in steps out of 10,000. */
export interface FaultRates {
  readonly kill: number;
  readonly powerCut: number;
  readonly threadDeath: number;
  readonly threadHang: number;
  readonly ioError: number;
  readonly fullDisk: number;
  readonly close: number;
  readonly clockJump: number;
  /** The rate in steps with a transaction over several shards in flight. */
  readonly amidTransaction: number;
}

export interface SimulationPlan {
  readonly settings: ProcessSettings;
  /** A restart may choose another of these modes. */
  readonly modes: readonly FsyncMode[];
  readonly clients: number;
  /** The names of the entries that all clients use. */
  readonly keys: readonly string[];
  /** Values are shorter than `usual`. One in ten may be as long as `long`. */
  readonly valueBytes: readonly [usual: number, long: number];
  readonly operations: number;
  /** The share of calls that read or change several keys at one moment. */
  readonly transactions: number;
  readonly purses: number;
  /** The share of pauses between two processes in which a reshard runs. */
  readonly reshards: number;
  /** The rate at which backups begin, in steps out of 10,000. */
  readonly backups: number;
  readonly faults: FaultRates;
}

const modes: readonly FsyncMode[] = ['always', 'interval', 'never'];

function rate(random: Random, often: number): number {
  return random() < 0.5 ? 0 : often * random();
}

/**
 * With large values and rare compactions, a compaction frees much space on a full disk. Its effects
 * show only if the process lives on.
 */
const largeShare = 0.2;

export function planFrom(random: Random): SimulationPlan {
  const isLarge = random() < largeShare;
  const mode = random() < 0.5 ? 'always' : pickFrom(random, modes);
  return {
    settings: {
      shards: 2 + randomBelow(random, isLarge ? 1 : 3),
      fsync: mode,
      fsyncIntervalMs: pickFrom(random, [50, 300, 1000]),
      directReads: pickFrom(random, [false, true, true]),
      compactJournalBytes: isLarge ? 400_000 : pickFrom(random, [400, 1500, 8000]),
    },
    modes: random() < 0.5 ? [mode] : modes,
    clients: 2 + randomBelow(random, 6),
    keys: [
      ...allNamesIn(defaultNamespace).slice(0, (isLarge ? 8 : 2) + randomBelow(random, 8)),
      ...allNamesIn(secondNamespace).slice(0, 1 + randomBelow(random, 4)),
    ],
    valueBytes: isLarge ? [12_000, 30_000] : [60, 3000],
    operations: 80 + randomBelow(random, 220),
    transactions: random() < 0.2 ? 0 : 0.15 + 0.6 * random(),
    purses: 3 + randomBelow(random, 4),
    reshards: rate(random, 0.7),
    backups: rate(random, 160),
    faults: {
      kill: rate(random, isLarge ? 20 : 60),
      powerCut: rate(random, isLarge ? 20 : 60),
      threadDeath: rate(random, 30),
      threadHang: rate(random, 12),
      ioError: rate(random, 60),
      fullDisk: isLarge ? 20 + 60 * random() : rate(random, 30),
      close: rate(random, 30),
      clockJump: rate(random, 60),
      amidTransaction: rate(random, 400),
    },
  };
}
