// Judges all that clients hear of the locks of one namespace. A client holds a lock for certain from the
// answer to its request until it asks for the release, or until the deadline by the store's time. A call
// without an answer may have happened or not. Sends nothing itself.
import type { StoreError } from '../../../src/base/errors.ts';
import type { HeldLock } from '../../../src/locks/lock-rules.ts';
import type { RunRecord } from '../run-record.ts';
import type { SimulatedClock } from '../simulated-clock.ts';
import { LockTenures, type Claim, type Tenure } from './lock-tenures.ts';

export interface LockFigures {
  lockGrants: number;
  /** Grants to requests that found others before them. */
  lockGrantsInTurn: number;
  /** Grants of locks whose holders knew of no end but the deadline. */
  lockGrantsAfterExpiry: number;
  /** Grants whose clients had gone meanwhile. */
  lockGrantsUndelivered: number;
  /** Requests that left their queue: their time was over, or their clients had gone. */
  lockWaitsLeft: number;
  lockCallsUnknown: number;
  lockQuotaRefusals: number;
  locksRenewed: number;
  locksReleased: number;
  /** Renewals and releases by others than the holder, or with another fence. */
  lockForgeriesRefused: number;
  /** Renewals and releases of a lock that had expired, or was taken from its holder. */
  locksFoundLost: number;
  /** Locks that clients held when a process started. */
  locksHeldAtStart: number;
  fencesAfterRestore: number;
}

/** A request to take a lock, from its arrival on. */
export interface AskedTake {
  /** An attempt may take effect from now on. */
  readonly planned: (lock: HeldLock) => void;
  /** The request leaves its queue soon. */
  readonly left: () => void;
  readonly granted: (lock: HeldLock, isDelivered: boolean) => void;
  readonly refused: (error: StoreError) => void;
}

export interface AskedRenewal {
  readonly planned: (lock: HeldLock) => void;
  readonly renewed: (lock: HeldLock) => void;
  readonly refused: (error: StoreError) => void;
}

export interface AskedRelease {
  readonly released: () => void;
  readonly refused: (error: StoreError) => void;
}

export interface AskedLook {
  readonly seen: (lock: HeldLock | undefined) => void;
}

interface Waiting {
  readonly lock: string;
}

/** A claim, with the answers that are possible when it is made. */
interface MadeClaim {
  readonly text: string;
  readonly tenure: Tenure | undefined;
  readonly mustSucceed: boolean;
  readonly mustFail: boolean;
}

export class LockJudge {
  readonly figures: LockFigures = {
    lockGrants: 0,
    lockGrantsInTurn: 0,
    lockGrantsAfterExpiry: 0,
    lockGrantsUndelivered: 0,
    lockWaitsLeft: 0,
    lockCallsUnknown: 0,
    lockQuotaRefusals: 0,
    locksRenewed: 0,
    locksReleased: 0,
    lockForgeriesRefused: 0,
    locksFoundLost: 0,
    locksHeldAtStart: 0,
    fencesAfterRestore: 0,
  };
  readonly #record: RunRecord;
  readonly #clock: SimulatedClock;
  readonly #tenures: LockTenures;
  /** Those that wait for locks, or ask for the first time and would wait. */
  readonly #waiting = new Set<Waiting>();
  /** Locks that may be released at any moment by anyone, one for each such request. */
  #clearings: string[] = [];
  #highestFence = 0;
  #lastGrant: Claim | undefined;

  constructor(record: RunRecord, clock: SimulatedClock) {
    this.#record = record;
    this.#clock = clock;
    this.#tenures = new LockTenures(clock);
  }

  /** The last grant of which a client knows; undefined if there is none. */
  get lastGrant(): Claim | undefined {
    return this.#lastGrant;
  }

  /** The highest fence that any client knows. */
  get highestFence(): number {
    return this.#highestFence;
  }

  noteProcessEnded(): void {
    this.#waiting.clear();
    this.#clearings = [];
  }

  noteClockSetBack(): void {
    this.#tenures.noteClockSetBack();
  }

  /** @param mayWait true: the request joins the queue of the lock now */
  askToTake(lock: string, userId: string, ttlMs: number, mayWait: boolean): AskedTake {
    const floor = this.#highestFence;
    const own: Waiting = { lock };
    const before = [...this.#waiting].filter((waiting) => waiting.lock === lock);
    if (mayWait) this.#waiting.add(own);
    let lastPlanned = 0;
    return {
      planned: (held) => {
        this.#record.note(`${userId} may get ${lock} with ${held.fence} until ${held.expiresAt}`);
        lastPlanned = held.fence;
        const claim = { lock, userId, fence: held.fence };
        const isOver = this.#clearings.includes(lock);
        this.#tenures.plan(claim, { since: held.expiresAt - ttlMs, until: held.expiresAt, isOver });
      },
      left: () => {
        if (this.#waiting.delete(own)) this.figures.lockWaitsLeft += 1;
      },
      granted: ({ fence }, isDelivered) => {
        this.#waiting.delete(own);
        const isOvertaking = before.some((waiting) => this.#waiting.has(waiting));
        if (isOvertaking) this.#fail(`${userId} has got ${lock} before one that waits for longer`);
        if (before.length > 0) this.figures.lockGrantsInTurn += 1;
        this.#judgeGrant({ lock, userId, fence }, floor, isDelivered);
      },
      refused: (error) => {
        this.#waiting.delete(own);
        const tenure = this.#tenures.find({ lock, userId, fence: lastPlanned });
        if (tenure !== undefined && error.outcome === 'not-applied') this.#tenures.forget(tenure);
        if (error.code === 'CONDITION_FAILED') this.#fail(`${lock} has a condition for ${userId}`);
        if (error.code === 'QUOTA_EXCEEDED') this.figures.lockQuotaRefusals += 1;
        this.#noteUnknown(error);
      },
    };
  }

  askToRenew(claim: Claim, ttlMs: number): AskedRenewal {
    const made = this.#claim(claim, 'a renewal');
    const { tenure, text } = made;
    const until = tenure?.until ?? 0;
    return {
      planned: ({ expiresAt }) => {
        if (tenure === undefined) return;
        const isLate = expiresAt - ttlMs >= Math.max(...tenure.deadlines);
        if (isLate) this.#fail(`${text} comes after its deadline`);
        tenure.deadlines.add(expiresAt);
        tenure.until = Math.min(tenure.until, expiresAt);
      },
      renewed: ({ fence, expiresAt }) => {
        this.#record.note(`${text} succeeds until ${expiresAt}`);
        if (made.mustFail || fence !== claim.fence) this.#fail(`${text} succeeds: ${fence}`);
        if (tenure !== undefined) tenure.until = expiresAt;
        this.figures.locksRenewed += 1;
      },
      refused: (error) => {
        this.#judgeRefused(made, error);
        if (tenure !== undefined && error.outcome === 'not-applied') tenure.until = until;
      },
    };
  }

  askToRelease(claim: Claim): AskedRelease {
    const made = this.#claim(claim, 'a release');
    const { tenure, text } = made;
    const wasReleasing = tenure?.isReleasing === true;
    if (tenure !== undefined) tenure.isReleasing = true;
    return {
      released: () => {
        this.#record.note(`${text} succeeds`);
        if (made.mustFail) this.#fail(`${text} succeeds`);
        if (tenure !== undefined) tenure.isGone = true;
        this.figures.locksReleased += 1;
      },
      refused: (error) => {
        this.#judgeRefused(made, error);
        const isUndone = error.outcome === 'not-applied';
        if (tenure !== undefined && isUndone) tenure.isReleasing = wasReleasing;
      },
    };
  }

  /** A release without a fence. It may also end a grant that comes while it is under way. */
  askToClear(lock: string): AskedRelease {
    const cleared = this.#tenures.of(lock);
    for (const tenure of cleared) tenure.isOver = true;
    const told = cleared.filter(({ isTold }) => isTold);
    this.#clearings.push(lock);
    const ended = (): void => {
      this.#clearings.splice(this.#clearings.indexOf(lock), 1);
    };
    return {
      released: () => {
        this.#record.note(`anyone has released ${lock}`);
        ended();
        // One that had expired was not removed. It may be there again if the clock is set back.
        for (const tenure of told) {
          if (this.#clock.seenMs < tenure.until) tenure.isGone = true;
        }
      },
      refused: (error) => {
        if (error.code === 'QUOTA_EXCEEDED') this.#fail(`a quota refuses to release ${lock}`);
        if (error.outcome === 'not-applied') ended();
        this.#noteUnknown(error);
      },
    };
  }

  askToLook(lock: string): AskedLook {
    const all = this.#tenures.of(lock);
    const certain = all.filter((tenure) => this.#tenures.isCertain(tenure));
    const lost = new Set(all.filter((tenure) => this.#tenures.isLost(tenure)));
    return {
      seen: (held) => {
        for (const tenure of certain) {
          if (!this.#tenures.isCertain(tenure) || tenure.fence === held?.fence) continue;
          this.#fail(`${lock} is held with ${tenure.fence}, and ${held?.fence ?? 'none'} is shown`);
        }
        if (held === undefined) return;
        const shown = this.#tenures.withFence(held.fence);
        const isRight = shown?.lock === lock && shown.deadlines.has(held.expiresAt);
        if (!isRight) this.#fail(`${lock} is shown as ${JSON.stringify(held)}, as none was given`);
        if (shown !== undefined && lost.has(shown)) {
          this.#fail(`${lock} is shown with ${held.fence}, which was released, or taken again`);
        }
        this.#noteKnown(held.fence);
      },
    };
  }

  /** The locks that clients hold for certain now. */
  heldNow(lock: string): readonly Claim[] {
    return this.#tenures.of(lock).filter((tenure) => this.#tenures.isCertain(tenure));
  }

  #judgeGrant(claim: Claim, floor: number, isDelivered: boolean): void {
    const { lock, userId, fence } = claim;
    this.#record.note(`${userId} has got ${lock} with ${fence}`);
    const tenure = this.#tenures.find(claim);
    if (tenure === undefined || tenure.isTold || fence <= floor) {
      this.#fail(
        `${lock} was granted to ${userId} with ${fence}: it is not new, or not above ${floor}`,
      );
      return;
    }
    const others = this.#tenures.of(lock).filter(({ isTold }) => isTold);
    tenure.isTold = true;
    // The server gives it back.
    if (!isDelivered) tenure.isOver = true;
    for (const other of others) {
      const [first, second] = other.fence < fence ? [other, tenure] : [tenure, other];
      const isEnded = first.isOver || first.isReleasing;
      if (isEnded || second.since >= first.until) continue;
      this.#fail(
        `${lock} was granted to ${second.userId} at ${second.since}, held by ${first.userId} until ${first.until}`,
      );
    }
    this.#noteKnown(fence);
    this.#lastGrant = claim;
    const last = others.toSorted((one, two) => one.fence - two.fence).at(-1);
    if (last !== undefined && !last.isOver && !last.isReleasing)
      this.figures.lockGrantsAfterExpiry += 1;
    this.figures.lockGrants += 1;
    if (!isDelivered) this.figures.lockGrantsUndelivered += 1;
  }

  #claim(claim: Claim, what: string): MadeClaim {
    const tenure = this.#tenures.find(claim);
    return {
      text: `${what} of ${claim.lock} by ${claim.userId} with ${claim.fence}`,
      tenure,
      mustSucceed: tenure !== undefined && this.#tenures.isCertain(tenure),
      mustFail: tenure === undefined || this.#tenures.isLost(tenure),
    };
  }

  #judgeRefused({ text, tenure, mustSucceed }: MadeClaim, error: StoreError): void {
    if (error.code === 'QUOTA_EXCEEDED') this.#fail(`${text} is refused by a quota`);
    this.#noteUnknown(error);
    this.#record.note(`${text} is refused: ${error.code} ${error.outcome}`);
    if (error.code !== 'CONDITION_FAILED') return;
    if (tenure === undefined) {
      this.figures.lockForgeriesRefused += 1;
      return;
    }
    const isHeld = mustSucceed && !tenure.isOver && this.#clock.seenMs < tenure.until;
    if (isHeld) this.#fail(`${text} is refused, and it is held until ${tenure.until}`);
    tenure.isOver = true;
    this.figures.locksFoundLost += 1;
  }

  #noteUnknown({ outcome }: StoreError): void {
    if (outcome === 'unknown') this.figures.lockCallsUnknown += 1;
  }

  #noteKnown(fence: number): void {
    this.#highestFence = Math.max(this.#highestFence, fence);
  }

  #fail(violation: string): void {
    this.#record.fail(violation);
  }
}
