// Sends prepared requests, a few at a time. Requests that a busy server refuses are sent again, and counted;
// so are batches of which it refuses some operations. Anything else but a success fails.
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchRequest } from './workload.ts';

const atOnce = 8;
const triesMax = 30;
/** If a refusal does not say how long to wait. */
const waitMs = 1000;

interface Result {
  readonly status: number;
  readonly retryAfterMs?: number;
}

/** The status of a batch is 200 even if its operations fail, so this looks into the body. */
function resultsIn(text: string): readonly Result[] {
  if (!text.startsWith('{"results":')) return [];
  const { results }: { results: readonly Result[] } = JSON.parse(text);
  return results;
}

/**
 * Sends a request until the server carries it out. A batch is sent again as a whole, so its operations
 * must do no harm twice.
 *
 * @returns how often the server refused it
 * @throws Error if it failed otherwise than by 503, or was refused too often
 */
export async function sendOne(url: string, { path, ...init }: BenchRequest): Promise<number> {
  for (let refusals = 0; refusals < triesMax; refusals++) {
    const reply = await fetch(url + path, init);
    const text = await reply.text();
    if (!reply.ok && reply.status !== 503) {
      throw new Error(`${path} was answered ${reply.status} ${text}`);
    }
    const results = reply.ok ? resultsIn(text) : [{ status: 503 }];
    const failed = results.filter(({ status }) => status > 299);
    const [other] = failed.filter(({ status }) => status !== 503);
    if (other !== undefined) throw new Error(`an operation failed: ${JSON.stringify(other)}`);
    const [refused] = failed;
    if (refused === undefined) return refusals;
    await delay(refused.retryAfterMs ?? waitMs);
  }
  throw new Error(`${path} was refused ${triesMax} times`);
}

/** @returns how many refusals there were; they are told on standard error, too */
export async function send(url: string, requests: readonly BenchRequest[]): Promise<number> {
  const waiting = [...requests].toReversed();
  let refusals = 0;
  const sendRest = async () => {
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const own = await sendOne(url, next);
      refusals += own;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, sendRest));
  if (refusals > 0) process.stderr.write(`${refusals} requests were refused and sent again\n`);
  return refusals;
}
