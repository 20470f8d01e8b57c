// Charges one request to the rates of its caller, and sets the headers by which the reply tells of them. A
// request that is refused takes nothing. Must not know routes, dialects or what a body means: handlers tell
// whether it writes.
import { tighterOf, type CallerRates, type RateName } from '../../access/caller-rates.ts';
import { StoreError } from '../../base/errors.ts';
import type { BodyLimit } from '../body/incoming-body.ts';
import type { RequestHead } from '../wire/request-head.ts';
import type { HeaderPairs } from './cors.ts';

/** A larger body is charged before it is read, whether it writes or not. */
export const unchargedBodyMax = 64 * 1024;

const units: Readonly<Record<RateName, string>> = {
  requests: 'requests',
  writtenBytes: 'written bytes',
};

export interface ChargeOptions {
  readonly monotonicMs: () => number;
  /** Called for each request that is refused. */
  readonly onRefused: (rate: RateName) => void;
}

function rateLimited(rate: RateName, perSecond: number, retryAfterMs: number): StoreError {
  const detail =
    `The token may have ${perSecond} ${units[rate]} a second; try again in ${retryAfterMs} ms. ` +
    'Nothing was done.';
  const facts = { retryable: true, retryAfterMs, limit: perSecond };
  return new StoreError('RATE_LIMITED', detail, facts);
}

export class RequestCharge {
  readonly #request: RequestHead;
  readonly #rates: CallerRates;
  readonly #options: ChargeOptions;
  readonly #otherHeaders: HeaderPairs;
  #targetBytes = 0;
  #isWriteCharged = false;

  constructor(request: RequestHead, rates: CallerRates, options: ChargeOptions) {
    this.#request = request;
    this.#rates = rates;
    this.#options = options;
    this.#otherHeaders = request.replyHeaders ?? [];
  }

  /** @returns the refusal, if the caller has had all of its requests */
  takeRequest(): StoreError | undefined {
    const refusal = this.#take('requests', 1);
    this.tell();
    return refusal;
  }

  /** The target has a command: if it writes, these bytes count with those of its body. */
  noteTarget(bytes: number): void {
    this.#targetBytes = bytes;
  }

  /**
   * Charges a body of known length, unless its handler does so.
   *
   * @param limit that of its handler
   * @throws StoreError RATE_LIMITED
   */
  countBody(bytes: number, { mayOnlyRead = false }: BodyLimit): void {
    if (!mayOnlyRead || bytes > unchargedBodyMax) this.countWrite(bytes);
  }

  /**
   * Charges a request that writes, once.
   *
   * @param bodyBytes the length of its body
   * @throws StoreError RATE_LIMITED
   */
  countWrite(bodyBytes: number): void {
    if (this.#isWriteCharged) return;
    this.#isWriteCharged = true;
    const refusal = this.#take('writtenBytes', bodyBytes + this.#targetBytes);
    if (refusal !== undefined) this.#rates.requests?.giveBack(1, this.#options.monotonicMs());
    this.tell();
    if (refusal !== undefined) throw refusal;
  }

  /** Sets the headers of the reply. */
  tell(): void {
    const nowMs = this.#options.monotonicMs();
    const bucket = tighterOf(this.#rates, nowMs);
    if (bucket === undefined) return;
    this.#request.replyHeaders = [
      ...this.#otherHeaders,
      'ratelimit-limit',
      String(bucket.perSecond),
      'ratelimit-remaining',
      String(bucket.remaining(nowMs)),
      'ratelimit-reset',
      String(bucket.secondsUntilFull(nowMs)),
    ];
  }

  #take(rate: RateName, count: number): StoreError | undefined {
    const bucket = this.#rates[rate];
    if (bucket === undefined || count === 0) return undefined;
    const waitMs = bucket.take(count, this.#options.monotonicMs());
    if (waitMs === 0) return undefined;
    this.#options.onRefused(rate);
    return rateLimited(rate, bucket.perSecond, waitMs);
  }
}
