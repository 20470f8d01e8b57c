// One call of a load and what became of it, as the checks of a history see it. A batch is a call a
// key. Knows no server.

/** What an entry is: its value and version, or undefined where there is none. */
export type Content = { readonly value: string; readonly version: number } | undefined;

interface CallBegun {
  readonly client: number;
  readonly key: string;
  readonly op: 'get' | 'put' | 'delete';
  /** What a put writes; no two puts of a run write the same. */
  readonly value?: string;
  /** The version that is asked for, or that there be no entry. */
  readonly condition?: number | 'absent' | undefined;
  /** A place in the order of all events. */
  readonly from: number;
}

export type CallOutcome =
  /** What it read, or what a conditional write found where its condition did not hold. */
  | { readonly kind: 'read'; readonly content: Content }
  | { readonly kind: 'condition-failed'; readonly version: number | undefined }
  | { readonly kind: 'written'; readonly version: number; readonly created: boolean }
  | { readonly kind: 'deleted' }
  /** Nothing was there to delete. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'not-applied'; readonly code: string }
  | { readonly kind: 'unknown'; readonly code: string };

export interface Call extends CallBegun {
  /** Likewise; for an unknown outcome, the place from which it cannot take effect any more. */
  to: number;
  outcome: CallOutcome;
}

export function isChange({ outcome: { kind } }: Call): boolean {
  return kind === 'written' || kind === 'deleted';
}

export const inFlight: CallOutcome = { kind: 'unknown', code: 'in flight' };

export function isInFlight(outcome: CallOutcome): boolean {
  return outcome === inFlight;
}

/** The order of all events of a run. */
export class EventOrder {
  #last = 0;

  next(): number {
    this.#last += 1;
    return this.#last;
  }
}
