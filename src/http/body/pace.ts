// Judges how slowly a body came lately, compared with the bytes it holds. Counts ticks and not
// time: a process that was stopped must not blame its clients.
import type { BodyAccount } from './body-account.ts';

/** The interval of judging bodies, which happens only while one of them waits for room. */
export const tickMs = 250;

/** A body is slow if its recent pace would take longer than this to bring what it holds. */
const bringMsMax = 10_000;

/** The number of ticks that make the recent pace. */
const paceTicks = 2;

/** Added to what a body gained: a slow megabyte then ranks before a few idle bytes. */
const rankBytes = 1024;

function gainedLately({ gained, gainedBefore }: BodyAccount): number {
  return gained + gainedBefore;
}

/** Never true for a body that waits: the server keeps it waiting, not its client. */
export function isSlow(body: BodyAccount): boolean {
  if (body.owed > 0 || body.isComplete || body.held === 0) return false;
  if (body.ticksRead < paceTicks) return false;
  return (body.held / gainedLately(body)) * paceTicks * tickMs > bringMsMax;
}

/** Orders slow bodies: first the one that came slowest for what it holds. */
export function bySlowness(one: BodyAccount, other: BodyAccount): number {
  return rankOf(one) - rankOf(other);
}

function rankOf(body: BodyAccount): number {
  return (gainedLately(body) + rankBytes) / body.held;
}

/** Begins to measure the pace here. */
export function beginPace(body: BodyAccount): void {
  body.ticksRead = 0;
}

export function endTick(body: BodyAccount): void {
  if (body.owed > 0) body.ticksWaited += 1;
  else body.ticksRead += 1;
  body.gainedBefore = body.gained;
  body.gained = 0;
}
