// The rates of one caller: how much it may ask for in a second. There is one such object a token, for as
// long as the token lives, so all connections share it. Knows no request.
import { RateBucket } from './rate-bucket.ts';

export const rateNames = ['requests', 'writtenBytes'] as const;

export type RateName = (typeof rateNames)[number];

/** The rates as the maker of a token gives them. */
export interface RateFigures {
  readonly requestsPerSecond: number | undefined;
  readonly writtenBytesPerSecond: number | undefined;
}

export type CallerRates = Readonly<Partial<Record<RateName, RateBucket>>>;

/** @returns undefined for a token without a rate */
export function ratesOf({
  requestsPerSecond,
  writtenBytesPerSecond,
}: RateFigures): CallerRates | undefined {
  if (requestsPerSecond === undefined && writtenBytesPerSecond === undefined) return undefined;
  return {
    ...(requestsPerSecond !== undefined && { requests: new RateBucket(requestsPerSecond) }),
    ...(writtenBytesPerSecond !== undefined && {
      writtenBytes: new RateBucket(writtenBytesPerSecond),
    }),
  };
}

/** The one of which the smaller share is left. */
export function tighterOf(
  { requests, writtenBytes }: CallerRates,
  nowMs: number,
): RateBucket | undefined {
  if (requests === undefined || writtenBytes === undefined) return requests ?? writtenBytes;
  return writtenBytes.shareLeft(nowMs) < requests.shareLeft(nowMs) ? writtenBytes : requests;
}
