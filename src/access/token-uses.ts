// Owns when each token was last used. A use is noted in memory, and written to the store seldom, in
// batches, and off the path of requests. A time that cannot be written is lost: no request depends
// on it.
import type { Store } from '../store/store.ts';
import { encodeUse, nameOfUse } from './access-records.ts';
import type { Caller } from './caller.ts';
import type { RecordChanges } from './record-changes.ts';
import { TokenCaller } from './token-caller.ts';

/** The time of a token's use is at most so old. */
export const usePrecisionMs = 10 * 60 * 1000;

/** Uses that are noted in this time are written together. */
const gatherMs = 1000;

const batchMax = 1000;

export interface TokenUsesOptions {
  readonly store: Pick<Store, 'submitAll'>;
  readonly records: RecordChanges;
  /** Runs the work after so many milliseconds. */
  readonly later: (ms: number, work: () => void) => void;
}

export class TokenUses {
  readonly #options: TokenUsesOptions;
  #unwritten = new Set<TokenCaller>();
  #failures = 0;

  constructor(options: TokenUsesOptions) {
    this.#options = options;
  }

  /** Times that could not be written. */
  get failures(): number {
    return this.#failures;
  }

  /** @param nowMs Unix milliseconds that never go back */
  note(caller: Caller, nowMs: number): void {
    if (!(caller instanceof TokenCaller)) return;
    const { lastUsedAt } = caller;
    if (lastUsedAt !== undefined && nowMs - lastUsedAt < usePrecisionMs) return;
    caller.lastUsedAt = nowMs;
    this.#unwritten.add(caller);
    if (this.#unwritten.size === 1) this.#options.later(gatherMs, () => void this.write());
  }

  /** Writes all times that were noted. Never rejects. */
  async write(): Promise<void> {
    const callers = [...this.#unwritten];
    this.#unwritten = new Set();
    for (let start = 0; start < callers.length; start += batchMax) {
      const batch = callers.slice(start, start + batchMax);
      // oxlint-disable-next-line no-await-in-loop -- one batch at a time leaves room for others
      this.#failures += await this.#writeBatch(batch).catch(() => batch.length);
    }
  }

  /** @returns the number of times that the store refused */
  #writeBatch(callers: readonly TokenCaller[]): Promise<number> {
    const { records, store } = this.#options;
    // No token is deleted meanwhile, so no record stays behind without its token.
    return records.exclusive(async () => {
      const puts = callers
        .filter(({ isRevoked }) => !isRevoked)
        .map(({ record, lastUsedAt = 0 }) => {
          const value = encodeUse({ tokenId: record.id, lastUsedAt });
          return { op: 'put' as const, ...nameOfUse(record.id), value };
        });
      const results = await store.submitAll(puts);
      return results.filter(({ kind }) => kind === 'refused').length;
    });
  }
}
