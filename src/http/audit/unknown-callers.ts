// Records refusals of callers that the server does not know. Records so many a second, and counts the
// others in one record: a flood of guesses must not push the records of users out of the files.
import type { AuditRecord } from '../../audit/audit-record.ts';

const recordsASecond = 20;

export interface UnknownCallersOptions {
  readonly add: (record: AuditRecord) => void;
  readonly monotonicMs: () => number;
}

export class UnknownCallers {
  readonly #options: UnknownCallersOptions;
  #secondBegunAtMs = -Infinity;
  #recorded = 0;
  /** The latest one that was only counted. */
  #latest: AuditRecord | undefined;
  #counted = 0;

  constructor(options: UnknownCallersOptions) {
    this.#options = options;
  }

  note(record: AuditRecord): void {
    const nowMs = this.#options.monotonicMs();
    if (nowMs - this.#secondBegunAtMs >= 1000) {
      this.close();
      this.#secondBegunAtMs = nowMs;
      this.#recorded = 0;
    }
    if (this.#recorded < recordsASecond) {
      this.#recorded += 1;
      this.#options.add(record);
      return;
    }
    this.#latest = record;
    this.#counted += 1;
  }

  /** Records those that were only counted. */
  close(): void {
    if (this.#latest === undefined) return;
    this.#options.add({ ...this.#latest, count: this.#counted });
    this.#latest = undefined;
    this.#counted = 0;
  }
}
