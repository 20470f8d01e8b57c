// The history of a store over several runs of its server. A run has its contents at the start, its
// calls, and the contents at the next start. Judges each run by itself.
import { checkLinearizability } from '../history/check-linearizability.ts';
import { EventOrder, isChange, type Call } from './call.ts';
import { findLosses, type Contents } from './find-losses.ts';
import { HttpConnection } from './http-connection.ts';
import type { Load } from './load.ts';
import { recordedHistory } from './recorded-history.ts';
import { batchRequest, contentOf, outcomesOfBatch } from './rest-call.ts';

export function keysOf(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `key-${index}`);
}

/** Reads the entry of each key. */
export async function readContents(url: string, keys: readonly string[]): Promise<Contents> {
  const connection = new HttpConnection(url);
  try {
    const gets = keys.map((key) => ({ key, op: 'get' as const }));
    const outcomes = outcomesOfBatch(gets, await connection.send(batchRequest(gets)));
    return new Map(outcomes.map((outcome, index) => [keys[index] ?? '', contentOf(outcome)]));
  } finally {
    connection.close();
  }
}

export class Lives {
  readonly order = new EventOrder();
  readonly keys: readonly string[];
  readonly counts = { lives: 0, calls: 0, acknowledged: 0, notApplied: 0, unknown: 0, lost: 0 };
  readonly losses: string[] = [];
  #before: Contents;
  readonly #versions = new Map<string, number>();

  /** @param before the contents at the start of the first run */
  constructor(keys: readonly string[], before: Contents = new Map()) {
    this.keys = keys;
    this.#before = before;
    this.#noteVersions([], before);
  }

  /** Judges a run that has ended by the contents of the next one, at `url`. */
  async judge({ calls }: Pick<Load, 'calls'>, url: string): Promise<void> {
    this.judgeBy(await readContents(url, this.keys), calls);
  }

  /** Judges a run that has ended by the contents after it. */
  judgeBy(after: Contents, calls: readonly Call[]): void {
    const ended = this.order.next();
    // A call in flight ends with the process: it has happened by now, or never will.
    for (const call of calls) if (call.outcome.kind === 'unknown') call.to = ended;
    const losses = [
      ...findLosses(this.#before, calls, after),
      ...this.#reusedVersions(calls),
      ...this.#inexplicable(calls, after),
    ];
    this.#count(calls, losses);
    this.losses.push(...losses.map((loss) => `life ${this.counts.lives}: ${loss}`));
    this.#before = after;
    this.#noteVersions(calls, after);
  }

  /** Checks the run for linearizability. */
  #inexplicable(calls: readonly Call[], after: Contents): string[] {
    const read = [this.order.next(), this.order.next()] as const;
    const history = recordedHistory(this.#before, calls, after, read);
    const violation = checkLinearizability(history);
    return violation === undefined ? [] : [violation.explanation];
  }

  #reusedVersions(calls: readonly Call[]): string[] {
    return calls.flatMap(({ key, outcome }) => {
      const known = this.#versions.get(key) ?? 0;
      if (outcome.kind !== 'written' || outcome.version > known) return [];
      return [`${key}: version ${outcome.version} was given in a life before, up to ${known}`];
    });
  }

  #noteVersions(calls: readonly Call[], after: Contents): void {
    const note = (key: string, version: number): void => {
      this.#versions.set(key, Math.max(version, this.#versions.get(key) ?? 0));
    };
    for (const { key, outcome } of calls)
      if (outcome.kind === 'written') note(key, outcome.version);
    for (const [key, content] of after) if (content !== undefined) note(key, content.version);
  }

  #count(calls: readonly Call[], losses: readonly string[]): void {
    this.counts.lives += 1;
    this.counts.calls += calls.length;
    this.counts.lost += losses.length;
    for (const call of calls) {
      if (isChange(call)) this.counts.acknowledged += 1;
      if (call.outcome.kind === 'not-applied') this.counts.notApplied += 1;
      if (call.outcome.kind === 'unknown') this.counts.unknown += 1;
    }
  }
}
