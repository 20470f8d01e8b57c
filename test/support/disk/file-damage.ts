// Damages a file of a store: flips each bit in turn, or a random one from a seed.
import type { MemoryFileSystem, Random } from './memory-file-system.ts';

/** An integer from 0 to `limit` - 1. */
export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

export function oneOf<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)];
  if (item === undefined) throw new Error('there is something to choose from');
  return item;
}

/** Gives the bytes once for each bit, with that bit flipped and its name. */
export function* bitFlips(bytes: Buffer): Generator<[what: string, flipped: Buffer], void, void> {
  for (let offset = 0; offset < bytes.length; offset++) {
    for (let bit = 0; bit < 8; bit++) {
      const flipped = Buffer.from(bytes);
      flipped[offset] = (bytes[offset] ?? 0) ^ (1 << bit);
      yield [`bit ${bit} of byte ${offset} flipped`, flipped];
    }
  }
}

type Bad = (bytes: Buffer, random: Random) => Buffer;

const kinds: Readonly<Record<string, Bad>> = {
  'a bit flipped': (bytes, random) => {
    const flipped = Buffer.from(bytes);
    const at = below(random, bytes.length);
    flipped[at] = (bytes[at] ?? 0) ^ (1 << below(random, 8));
    return flipped;
  },
  'the end cut off': (bytes, random) => bytes.subarray(0, below(random, bytes.length)),
  'a stretch zeroed': (bytes, random) => {
    const at = below(random, bytes.length);
    return Buffer.from(bytes).fill(0, at, Math.min(at + 1 + below(random, 4096), bytes.length));
  },
  'a stretch taken out': (bytes, random) => {
    const at = below(random, bytes.length);
    const length = 1 + below(random, random() < 0.5 ? 300 : 100_000);
    return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + length)]);
  },
  'a line taken out': (bytes, random) => {
    const lines = linesOf(bytes);
    return joined(lines.toSpliced(below(random, lines.length), 1));
  },
  'a line repeated': (bytes, random) => {
    const lines = linesOf(bytes);
    const line = lines[below(random, lines.length)] ?? '';
    return joined(lines.toSpliced(below(random, lines.length + 1), 0, line));
  },
  'two lines swapped': (bytes, random) => {
    const lines = linesOf(bytes);
    const [a, b] = [below(random, lines.length), below(random, lines.length)];
    return joined(lines.with(a, lines[b] ?? '').with(b, lines[a] ?? ''));
  },
};

function linesOf(bytes: Buffer): string[] {
  return bytes.toString('latin1').split(/(?<=\n)/);
}

function joined(lines: readonly string[]): Buffer {
  return Buffer.from(lines.join(''), 'latin1');
}

/**
 * Damages or removes one file below the folder.
 *
 * @returns the file and the damage
 */
export function damageOneFile(files: MemoryFileSystem, dataDir: string, random: Random): string {
  const paths = [...files.contents().keys()].filter((path) => path.startsWith(`${dataDir}/`));
  const path = oneOf(random, paths);
  const bytes = files.read(path);
  if (random() < 0.15 || bytes.length === 0) {
    files.remove(path);
    return `${path}: removed`;
  }
  if (random() < 0.1) {
    const other = oneOf(random, paths);
    files.put(path, files.read(other));
    return `${path}: replaced by ${other}`;
  }
  const [what, damage] = oneOf(random, Object.entries(kinds));
  files.put(path, damage(bytes, random));
  return `${path}: ${what}`;
}
