// What clients asked of a store and what they were told, as data: the history that a checker
// judges. Knows no store and no simulation.

/** The version conditions of a call; both must hold. `*` is any entry that is there. */
export interface CallConditions {
  readonly ifMatch?: '*' | readonly number[] | undefined;
  readonly ifNoneMatch?: '*' | readonly number[] | undefined;
}

export interface GetCall {
  readonly op: 'get';
}

export interface PutCall extends CallConditions {
  readonly op: 'put';
  /** No two puts of a history have the same. */
  readonly value: string;
  /** The one it was to have, where that was told before; see check-one-order.ts. */
  readonly version?: number | undefined;
}

export interface DeleteCall extends CallConditions {
  readonly op: 'delete';
}

/** A call of no client: the deadline of the put of this value passes, and removes what it put. */
export interface ExpireCall {
  readonly op: 'expire';
  readonly value: string;
}

export type Call = GetCall | PutCall | DeleteCall | ExpireCall;

export type CallOutcome =
  /** Answers a get; without a value where only the version was told. */
  | { readonly kind: 'found'; readonly version: number; readonly value: string | undefined }
  /** Answers a get or a delete. */
  | { readonly kind: 'missing' }
  /** Answers a put; `created` where it was told. */
  | { readonly kind: 'written'; readonly version: number; readonly created: boolean | undefined }
  /** Answers a delete. */
  | { readonly kind: 'deleted' }
  /** Answers a put or a delete; 0 is no entry. */
  | { readonly kind: 'condition-failed'; readonly version: number }
  /** A deadline has passed. */
  | { readonly kind: 'expired' }
  /** It may have happened at any time since it was sent, may happen yet, or never. */
  | { readonly kind: 'unknown' }
  /** It has not happened and never will. */
  | { readonly kind: 'not-applied' };

export interface RecordedCall {
  /** Calls of one step, on one key or several, are one moment; undefined: alone. */
  readonly step?: number | undefined;
  readonly client: string;
  readonly key: string;
  readonly call: Call;
  /** Positions in one total order of all events. */
  readonly invoked: number;
  /** Infinity where there was no answer: then the outcome is `unknown`. */
  readonly returned: number;
  readonly outcome: CallOutcome;
}
