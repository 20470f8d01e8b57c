// The calls of clients and their answers, as data: the history that a checker judges. Knows no
// store and no simulation.

/** The version conditions of a call. Both must hold. `*` is any existing entry. */
export interface CallConditions {
  readonly ifMatch?: '*' | readonly number[] | undefined;
  readonly ifNoneMatch?: '*' | readonly number[] | undefined;
}

export interface GetCall {
  readonly op: 'get';
}

export interface PutCall extends CallConditions {
  readonly op: 'put';
  /** No two puts of a history have the same value. */
  readonly value: string;
  /** The version that the put would have, if the client knew it in advance; see check-one-order.ts. */
  readonly version?: number | undefined;
}

export interface DeleteCall extends CallConditions {
  readonly op: 'delete';
}

/** A call of no client: the deadline of the put of this value passes and removes the entry. */
export interface ExpireCall {
  readonly op: 'expire';
  readonly value: string;
}

export type Call = GetCall | PutCall | DeleteCall | ExpireCall;

export type CallOutcome =
  /** Answers a get. The value is undefined if the answer had only the version. */
  | { readonly kind: 'found'; readonly version: number; readonly value: string | undefined }
  /** Answers a get or a delete. */
  | { readonly kind: 'missing' }
  /** Answers a put. `created` is undefined if the answer did not say. */
  | { readonly kind: 'written'; readonly version: number; readonly created: boolean | undefined }
  /** Answers a delete. */
  | { readonly kind: 'deleted' }
  /** Answers a delete, and does not say whether there was an entry. */
  | { readonly kind: 'gone' }
  /** Answers a put or a delete. Version 0 means that there is no entry. */
  | { readonly kind: 'condition-failed'; readonly version: number }
  /** A deadline has passed. */
  | { readonly kind: 'expired' }
  /** The call may have happened at any time since it was sent, may still happen, or may never. */
  | { readonly kind: 'unknown' }
  /** It has not happened and never will. */
  | { readonly kind: 'not-applied' };

export interface RecordedCall {
  /** Calls of one step, on one key or several, belong to one moment. Undefined: the call is alone. */
  readonly step?: number | undefined;
  readonly client: string;
  readonly key: string;
  readonly call: Call;
  /** Positions in one total order of all events. */
  readonly invoked: number;
  /** Infinity if there was no answer: then the outcome is `unknown`. */
  readonly returned: number;
  readonly outcome: CallOutcome;
}
