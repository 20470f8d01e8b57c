// Sends calls as one request, and records the outcome of each.
import { inFlight, type Call, type CallOutcome, type EventOrder } from './call.ts';
import { NoReplyError, type HttpConnection } from './http-connection.ts';
import {
  batchRequest,
  outcomeOfSingle,
  outcomesOfBatch,
  singleRequest,
  type CallToSend,
} from './rest-call.ts';

export interface Caller {
  readonly client: number;
  readonly connection: HttpConnection;
  readonly order: EventOrder;
  /** Takes calls before they are sent: a call in flight counts as unknown. */
  readonly record: Call[];
}

/**
 * Sends one call alone, or several as a batch.
 *
 * @returns false if no reply came
 */
export async function carryOut(
  { client, connection, order, record }: Caller,
  chosen: readonly CallToSend[],
): Promise<{ readonly calls: readonly Call[]; readonly isAnswered: boolean }> {
  const from = order.next();
  const calls = chosen.map((call): Call => ({
    ...call,
    client,
    from,
    to: Infinity,
    outcome: inFlight,
  }));
  record.push(...calls);
  const outcomes = await outcomesOf(connection, chosen);
  const to = order.next();
  for (const [index, call] of calls.entries()) {
    call.outcome = outcomes.each[index] ?? call.outcome;
    if (call.outcome.kind !== 'unknown') call.to = to;
  }
  return { calls, isAnswered: outcomes.isAnswered };
}

async function outcomesOf(
  connection: HttpConnection,
  chosen: readonly CallToSend[],
): Promise<{ readonly each: readonly CallOutcome[]; readonly isAnswered: boolean }> {
  const [only] = chosen;
  try {
    if (chosen.length !== 1 || only === undefined) {
      const reply = await connection.send(batchRequest(chosen));
      return { each: outcomesOfBatch(chosen, reply), isAnswered: true };
    }
    const reply = await connection.send(singleRequest(only));
    return { each: [outcomeOfSingle(only.op, reply)], isAnswered: true };
  } catch (error) {
    if (!(error instanceof NoReplyError)) throw error;
    const kind = error.wasRefused ? 'not-applied' : 'unknown';
    return { each: chosen.map(() => ({ kind, code: error.code })), isAnswered: false };
  }
}
