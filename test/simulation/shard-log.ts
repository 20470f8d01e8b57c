// What one shard did, in its order of commits, as seen in its thread: to judge what it has when it
// is recovered. After a power cut outside `always` that is what it had behind some batch; otherwise
// it is all.
import { decodeBatch } from '../../src/protocol/batch-frame.ts';
import { decodeReply } from '../../src/protocol/reply-frame.ts';
import type { PageItem } from '../../src/protocol/shard-operation.ts';

export interface LoggedEntry {
  readonly version: number;
  readonly value: string;
  readonly expiresAt: number | undefined;
}

/** What a key has; `unsure` after a batch of which nobody was told whether it happened. */
type Held = LoggedEntry | 'nothing' | 'unsure';

interface LoggedBatch {
  readonly changes: readonly (readonly [key: string, held: Held])[];
}

export class ShardLog {
  #base = new Map<string, LoggedEntry>();
  #batches: LoggedBatch[] = [];
  #nextSeq = 0;

  /** Checks what is recovered against what was done before, and begins anew with it. */
  begin(
    items: readonly PageItem<Uint8Array>[],
    nextSeq: number,
    mayHaveLost: boolean,
    now: number,
  ): string | undefined {
    const found = new Map(items.map((item) => [item.key, entryOf(item)]));
    const misfit = this.#misfit(found, mayHaveLost, now);
    const isReused = nextSeq < this.#nextSeq;
    const before = this.#nextSeq;
    this.#base = found;
    this.#batches = [];
    this.#nextSeq = nextSeq;
    if (isReused) return `seq went back from ${before} to ${nextSeq}`;
    return misfit;
  }

  /** Checks what it holds while it serves. */
  misfitNow(items: readonly PageItem<Uint8Array>[], now: number): string | undefined {
    return this.#misfit(new Map(items.map((item) => [item.key, entryOf(item)])), false, now);
  }

  noteBatch(frame: Uint8Array, reply: Uint8Array): void {
    const { stamp, operations } = decodeBatch(frame);
    const { report, results } = decodeReply(reply);
    const changes: [string, Held][] = [];
    for (const [index, result] of results.entries()) {
      const operation = operations[index];
      if (operation?.op === 'put' && result.kind === 'written') {
        const { key, value, ttlMs } = operation;
        const expiresAt = ttlMs === undefined ? undefined : stamp + ttlMs;
        changes.push([key, { version: result.version, value: textOf(value), expiresAt }]);
      } else if (operation?.op === 'delete' && result.kind === 'deleted') {
        changes.push([operation.key, 'nothing']);
      } else if (
        (operation?.op === 'put' || operation?.op === 'delete') &&
        result.kind === 'refused' &&
        result.error.outcome === 'unknown'
      ) {
        changes.push([operation.key, 'unsure']);
      }
    }
    if (changes.length > 0) this.#batches.push({ changes });
    if (!report.isBroken) this.#nextSeq = Math.max(this.#nextSeq, report.nextSeq);
  }

  /** The thread died in the middle of it. */
  noteLostBatch(frame: Uint8Array): void {
    const changes: [string, Held][] = [];
    for (const operation of decodeBatch(frame).operations) {
      if (operation.op === 'put' || operation.op === 'delete') {
        changes.push([operation.key, 'unsure']);
      }
    }
    if (changes.length > 0) this.#batches.push({ changes });
  }

  #misfit(
    found: ReadonlyMap<string, LoggedEntry>,
    mayHaveLost: boolean,
    now: number,
  ): string | undefined {
    const held = new Map<string, Held>(this.#base);
    let reason = this.#difference(held, found, now);
    for (const { changes } of this.#batches) {
      if (mayHaveLost && reason === undefined) return undefined;
      for (const [key, change] of changes) held.set(key, change);
      reason = this.#difference(held, found, now);
    }
    if (reason === undefined) return undefined;
    return mayHaveLost
      ? `what is recovered is not what there was behind any batch; as for the last: ${reason}`
      : reason;
  }

  #difference(
    held: ReadonlyMap<string, Held>,
    found: ReadonlyMap<string, LoggedEntry>,
    now: number,
  ): string | undefined {
    for (const key of new Set([...held.keys(), ...found.keys()])) {
      const expected = held.get(key) ?? 'nothing';
      const actual = found.get(key);
      if (expected === 'unsure') continue;
      if (expected === 'nothing') {
        if (actual !== undefined) return `${key} is there again: ${actual.value}`;
      } else if (actual === undefined) {
        // The sweep may have removed it.
        const isDue = expected.expiresAt !== undefined && expected.expiresAt <= now;
        if (!isDue) return `${key} is missing: ${expected.value} version ${expected.version}`;
      } else if (actual.version !== expected.version || actual.value !== expected.value) {
        const { version, value } = expected;
        return `${key} has ${actual.value} version ${actual.version}, not ${value} version ${version}`;
      }
    }
    return undefined;
  }
}

export function textOf(value: Uint8Array | undefined): string {
  return Buffer.from(value ?? []).toString('latin1');
}

export function entryOf({ version, value, expiresAt }: PageItem<Uint8Array>): LoggedEntry {
  return { version, value: textOf(value), expiresAt };
}
