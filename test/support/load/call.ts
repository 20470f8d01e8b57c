// One call of a load and its outcome, in the form that history checks take. Each key of a batch is
// a call. Knows no server.

/** Value and version of an entry; undefined if there is none. */
export type Content = { readonly value: string; readonly version: number } | undefined;

interface CallBegun {
  readonly client: number;
  readonly key: string;
  readonly op: 'get' | 'put' | 'delete';
  /** The value of a put. No two puts of a run have the same value. */
  readonly value?: string;
  /** The version that the entry must have; `absent` if there must be none. */
  readonly condition?: number | 'absent' | undefined;
  /** Position of the request in the order of all events. */
  readonly from: number;
}

export type CallOutcome =
  /** The content that a get found. */
  | { readonly kind: 'read'; readonly content: Content }
  | { readonly kind: 'condition-failed'; readonly version: number | undefined }
  | { readonly kind: 'written'; readonly version: number; readonly created: boolean }
  | { readonly kind: 'deleted' }
  /** There was nothing to delete. */
  | { readonly kind: 'missing' }
  | { readonly kind: 'not-applied'; readonly code: string }
  | { readonly kind: 'unknown'; readonly code: string };

export interface Call extends CallBegun {
  /** Position of the reply. If the outcome is unknown: from this position on it cannot take effect. */
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
