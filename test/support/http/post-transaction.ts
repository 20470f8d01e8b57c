// Sends transactions as a client does, and returns the replies as a client sees them.
import { expect } from 'vitest';

export interface TransactionReply {
  readonly status: number;
  readonly headers: Headers;
  readonly json: unknown;
}

export interface TransactionResult {
  readonly status: number;
  readonly version?: number;
  readonly value?: string;
  readonly valueBase64?: string;
  readonly expiresAt?: number;
  readonly durability?: string;
}

export interface TransactionOutcome {
  readonly committed: boolean;
  readonly failedChecks?: readonly number[];
  readonly results: readonly TransactionResult[];
}

export async function post(
  url: string,
  body: string | Uint8Array<ArrayBuffer>,
): Promise<TransactionReply> {
  const reply = await fetch(`${url}/v1/transactions`, { method: 'POST', body });
  return { status: reply.status, headers: reply.headers, json: await reply.json() };
}

/** Posts a well-formed transaction. Fails unless the store decides it: committed or not. */
export async function transact(url: string, transaction: object): Promise<TransactionOutcome> {
  const { status, json } = await post(url, JSON.stringify(transaction));
  const outcome = json as TransactionOutcome;
  expect({ status, json }).toEqual({ status: outcome.committed ? 200 : 409, json });
  return outcome;
}
