// Judges how slowly a body came lately, against what it holds. Counts in ticks and not in time: a
// process that was itself stopped must not blame its clients.
import type { BodyAccount } from './body-account.ts';

/** How often bodies are judged, and only while one of them waits for room. */
export const tickMs = 250;

/** A body is slow if it would take longer than this, at its pace of late, to bring what it holds. */
const bringMsMax = 10_000;

/** The pace of late is that of so many ticks. */
const paceTicks = 2;

/** Weighs how much a slow body holds: a few idle bytes are worth less than a slow megabyte. */
const rankBytes = 1024;

function gainedLately({ gained, gainedBefore }: BodyAccount): number {
  return gained + gainedBefore;
}

/** Never one that waits: it is not its client that it waits for. */
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

/** The pace is measured from here on. */
export function beginPace(body: BodyAccount): void {
  body.ticksRead = 0;
}

export function endTick(body: BodyAccount): void {
  if (body.owed > 0) body.ticksWaited += 1;
  else body.ticksRead += 1;
  body.gainedBefore = body.gained;
  body.gained = 0;
}
