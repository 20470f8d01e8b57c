// Compares the read cache with a plain model of the store behind it, over random operations from a
// seed: writes, flushes, reads that are answered later, time, and threads that die.
import { expect, test } from 'vitest';
import { byteStringOfBytes } from '../../src/base/byte-string.ts';
import { newEntryHash, type EntryHash } from '../../src/base/entry-hash.ts';
import { ReadCache, type Moment } from '../../src/router/read-cache.ts';
import { textOfName, type EntryName } from '../../src/store/operation.ts';
import type { EntryResult, Result } from '../../src/store/result.ts';
import { pickFrom, randomBelow, seededRandom, type Random } from '../support/random.ts';
import { entry } from '../support/simulated/staged-queue.ts';
import { missing } from '../support/stores/operations.ts';

const seed = Number(process.env['CACHE_SEED'] ?? Date.now() % 1_000_000);
const runs = 30;
const steps = 3000;

interface Read {
  readonly name: EntryName;
  readonly queuedAt: Moment | undefined;
  /** The answer at its place in the order. */
  answer: Result;
  /** True until something is queued behind the read that keeps its answer out of the cache. */
  mayFill: boolean;
}

interface World {
  readonly cacheBytes: number;
  readonly hashOf: EntryHash;
  readonly namespaces: readonly string[];
  readonly keys: readonly string[];
  /** Usual and largest size of a value. */
  readonly sizes: readonly [usual: number, largest: number];
}

/** The store, the reads under way, and an unbounded cache of the same rules. */
class Model {
  readonly cache: ReadCache;
  now = 1000;
  readonly #world: World;
  readonly #random: Random;
  readonly #store = new Map<string, EntryResult>();
  /** The store as a thread that dies may find it again. */
  #synced = new Map<string, EntryResult>();
  readonly #cached = new Map<string, EntryResult>();
  #reads: Read[] = [];
  #version = 0;

  constructor(world: World, random: Random) {
    this.#world = world;
    this.#random = random;
    this.cache = new ReadCache(world.cacheBytes, world.hashOf);
  }

  step(): void {
    const chance = this.#random();
    if (chance < 0.1) this.#put(this.#anyName());
    else if (chance < 0.13) this.#remove(this.#anyName());
    else if (chance < 0.134) this.#flush(pickFrom(this.#random, this.#world.namespaces));
    else if (chance < 0.138) this.#loseThread();
    else if (chance < 0.15) this.#synced = new Map(this.#store);
    else if (chance < 0.2) this.now += randomBelow(this.#random, 100);
    else if (chance < 0.45) this.#read(this.#anyName());
    // More often than reads come, or they would all be old.
    else if (chance < 0.8) this.#answer();
  }

  *names(): Generator<EntryName> {
    for (const namespace of this.#world.namespaces) {
      for (const key of this.#world.keys) yield { namespace, key };
    }
  }

  /** The store's answer now, once everything that is queued is carried out. */
  present(name: EntryName): EntryResult | undefined {
    const present = this.#store.get(textOfName(name));
    return isAlive(present, this.now) ? present : undefined;
  }

  /** The answer now of a cache of unbounded size. */
  cached(name: EntryName): EntryResult | undefined {
    const cached = this.#cached.get(textOfName(name));
    return isAlive(cached, this.now) ? cached : undefined;
  }

  #anyName(): EntryName {
    const { namespaces, keys } = this.#world;
    return { namespace: pickFrom(this.#random, namespaces), key: pickFrom(this.#random, keys) };
  }

  #put(name: EntryName): void {
    const [usual, largest] = this.#world.sizes;
    this.#version += 1;
    const text = `${name.namespace} ${name.key} ${this.#version} `;
    const size = randomBelow(this.#random, this.#random() < 0.1 ? largest : usual);
    const expiresAt = this.#random() < 0.3 ? this.now + randomBelow(this.#random, 400) : undefined;
    const result = { ...entry(text.padEnd(size, '.'), expiresAt), version: this.#version };
    this.#store.set(textOfName(name), result);
    this.#written(name);
  }

  #remove(name: EntryName): void {
    this.#store.delete(textOfName(name));
    this.#written(name);
  }

  #written(name: EntryName): void {
    this.cache.writeQueued(name);
    this.#cached.delete(textOfName(name));
    for (const read of this.#reads) {
      if (textOfName(read.name) === textOfName(name)) read.mayFill = false;
    }
  }

  #flush(namespace: string): void {
    this.cache.flushQueued(namespace);
    for (const name of this.names()) {
      if (name.namespace !== namespace) continue;
      this.#store.delete(textOfName(name));
      this.#cached.delete(textOfName(name));
    }
    for (const read of this.#reads) if (read.name.namespace === namespace) read.mayFill = false;
  }

  /** The writes since the last sync are lost. Reads under way are asked again. */
  #loseThread(): void {
    this.cache.clear();
    this.#cached.clear();
    this.#store.clear();
    for (const [text, result] of this.#synced) this.#store.set(text, result);
    for (const read of this.#reads) {
      read.answer = this.present(read.name) ?? missing;
      read.mayFill = false;
    }
  }

  #read(name: EntryName): void {
    const queuedAt = this.cache.readQueued(name);
    const answer = this.present(name) ?? missing;
    this.#reads.push({ name, queuedAt, answer, mayFill: true });
  }

  #answer(): void {
    const read = this.#reads.shift();
    if (read === undefined) return;
    const { name, queuedAt, answer, mayFill } = read;
    this.cache.readAnswered(name, queuedAt, answer);
    if (mayFill && answer.kind === 'entry') this.#cached.set(textOfName(name), answer);
  }
}

function isAlive(result: EntryResult | undefined, now: number): boolean {
  return result !== undefined && (result.expiresAt ?? Infinity) > now;
}

const keysOf = (count: number): string[] =>
  Array.from({ length: count }, (_, index) => `${'k'.repeat(1 + (index % 3))}${index}`);

interface Finding {
  /** Of the cache. Its three ways to answer must agree. */
  readonly answer: EntryResult | undefined | 'no agreement';
  readonly expected: EntryResult | undefined;
}

/** Asks for a name at each step of each run, until a check finds something. */
function explore(world: World, check: (model: Model, name: EntryName) => Finding | undefined) {
  let hits = 0;
  for (let run = 0; run < runs; run++) {
    const random = seededRandom(seed * 1_000_003 + run);
    const model = new Model(world, random);
    const names = [...model.names()];
    for (let step = 0; step < steps; step++) {
      model.step();
      const name = pickFrom(random, names);
      const finding = check(model, name);
      if (finding === undefined) continue;
      return { hits, finding: { ...finding, name, where: `CACHE_SEED=${seed} ${run} ${step}` } };
    }
    hits += model.cache.figures.hits;
  }
  return { hits, finding: undefined };
}

/** The answer of the cache in the three ways that it has. */
function answerOf({ cache, now }: Model, name: EntryName): Finding['answer'] {
  const result = cache.get(name, now);
  const text = cache.getText(name, now);
  const head = cache.head(name, now);
  const isAgreed =
    result === undefined
      ? text === undefined && head === undefined
      : text === textOf(result) && isSame(head, { ...result, value: undefined });
  return isAgreed ? result : 'no agreement';
}

const textOf = ({ value }: EntryResult): string => byteStringOfBytes(value ?? Buffer.alloc(0));

/** Compares without `expect`, which would take most of the time. */
function isSame(one: Finding['answer'], two: EntryResult | undefined): boolean {
  if (one === undefined || one === 'no agreement' || two === undefined) return one === two;
  return (
    one.version === two.version &&
    one.expiresAt === two.expiresAt &&
    one.size === two.size &&
    (one.value === undefined) === (two.value === undefined) &&
    textOf(one) === textOf(two)
  );
}

const keyed = newEntryHash([seed, 1]);

test.each([
  { hash: 'a good hash', hashOf: keyed, cacheBytes: 5000, hitsLeast: 1000 },
  { hash: 'a good hash', hashOf: keyed, cacheBytes: 1200, hitsLeast: 1000 },
  {
    hash: 'four hashes',
    hashOf: (namespace: number, key: string) => keyed(namespace, key) & 3,
    cacheBytes: 5000,
    hitsLeast: 200,
  },
  { hash: 'one hash', hashOf: () => -1, cacheBytes: 1_000_000, hitsLeast: 20 },
])(
  'a cache of $cacheBytes bytes with $hash answers as the store does, or not at all',
  ({ hashOf, cacheBytes, hitsLeast }) => {
    const keys = keysOf(20);
    const sizes: World['sizes'] = [60, 1000];
    const world: World = { cacheBytes, hashOf, namespaces: ['a', 'b', 'c'], keys, sizes };
    let bytesMost = 0;
    const { hits, finding } = explore(world, (model, name) => {
      bytesMost = Math.max(bytesMost, model.cache.figures.bytes);
      const [answer, expected] = [answerOf(model, name), model.present(name)];
      return answer === undefined || isSame(answer, expected) ? undefined : { answer, expected };
    });
    expect(finding).toBeUndefined();
    expect(bytesMost).toBeLessThanOrEqual(cacheBytes);
    // If the cache were empty most of the time, the test would show nothing.
    expect(hits).toBeGreaterThan(hitsLeast);
  },
);

test('a cache that is large enough holds exactly what its rules let in', () => {
  const keys = keysOf(4);
  // Each name has a hash of its own, so that no write keeps another name's answer out.
  const hashOf: EntryHash = (namespace, key) => namespace * keys.length + keys.indexOf(key);
  const namespaces = ['a', 'b'];
  const world: World = { cacheBytes: 2 ** 26, hashOf, namespaces, keys, sizes: [60, 30_000] };
  const { hits, finding } = explore(world, (model, name) => {
    const [answer, expected] = [answerOf(model, name), model.cached(name)];
    return isSame(answer, expected) ? undefined : { answer, expected };
  });
  expect(finding).toBeUndefined();
  expect(hits).toBeGreaterThan(10_000);
});
