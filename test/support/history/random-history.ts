// Random histories of one key that a right store could have answered, from a seed. Also the same
// with one false answer, which may still be valid by chance.
import { unreachable } from '../../../src/base/assert.ts';
import { pickFrom, randomBelow, type Random } from '../random.ts';
import type { Call, CallConditions, CallOutcome, RecordedCall } from './recorded-call.ts';

export interface RandomHistoryOptions {
  readonly calls: number;
  readonly clients: number;
  /** The share of calls that are answered `unknown` or `not-applied`. */
  readonly lostShare: number;
  /** The share of puts that have a deadline. */
  readonly ttlShare: number;
}

interface Entry {
  readonly value: string;
  readonly version: number;
}

interface UnderWay {
  client: string;
  call: Call;
  invoked: number;
  fate: 'told' | 'lost' | 'lost before' | 'not-applied';
  outcome: CallOutcome | undefined;
}

class ValidKey {
  entry: Entry | undefined;
  version = 0;
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  do(call: Call): CallOutcome {
    const { entry } = this;
    if (call.op === 'expire') {
      if (entry?.value === call.value) this.entry = undefined;
      return { kind: 'expired' };
    }
    if (call.op === 'get') {
      if (entry === undefined) return { kind: 'missing' };
      const isHead = this.#random() < 0.2;
      return { kind: 'found', version: entry.version, value: isHead ? undefined : entry.value };
    }
    const version = entry?.version ?? 0;
    if (!isAllowed(call, version)) return { kind: 'condition-failed', version };
    if (call.op === 'delete') {
      this.entry = undefined;
      if (entry !== undefined) this.version += 1;
      if (call.ifMatch === undefined && call.ifNoneMatch === undefined && this.#random() < 0.3) {
        return { kind: 'gone' };
      }
      return { kind: entry === undefined ? 'missing' : 'deleted' };
    }
    this.version += 1 + randomBelow(this.#random, 2);
    this.entry = { value: call.value, version: this.version };
    return { kind: 'written', version: this.version, created: entry === undefined };
  }
}

function isAllowed({ ifMatch, ifNoneMatch }: CallConditions, version: number): boolean {
  if (ifNoneMatch === '*' && version > 0) return false;
  if (ifMatch === '*') return version > 0;
  return ifMatch === undefined || (version > 0 && ifMatch.includes(version));
}

function randomConditions(random: Random, version: number): CallConditions {
  const choice = random();
  if (choice < 0.6) return {};
  if (choice < 0.75) return { ifNoneMatch: '*' };
  if (choice < 0.8) return { ifMatch: '*' };
  const guesses = [version, version + 1, Math.max(1, version - 1)];
  return { ifMatch: [pickFrom(random, guesses) || 1] };
}

function randomCall(random: Random, number: number, version: number): Call {
  const choice = random();
  if (choice < 0.4) return { op: 'get' };
  if (choice < 0.8) return { op: 'put', value: `v${number}`, ...randomConditions(random, version) };
  return { op: 'delete', ...randomConditions(random, version) };
}

export function randomHistory(random: Random, options: RandomHistoryOptions): RecordedCall[] {
  const key = new ValidKey(random);
  const history: RecordedCall[] = [];
  const underWay = new Map<string, UnderWay>();
  const late: Call[] = [];
  let position = 0;
  let sent = 0;
  const record = ({ client, call, invoked }: UnderWay, outcome: CallOutcome): void => {
    history.push({ client, key: 'k', call, invoked, returned: position++, outcome });
  };
  const send = (client: string, call: Call): void => {
    const isLost = call.op !== 'expire' && random() < options.lostShare;
    const fate = isLost
      ? pickFrom(random, ['lost', 'lost before', 'not-applied'] as const)
      : 'told';
    underWay.set(client, { client, call, invoked: position++, fate, outcome: undefined });
  };
  const goOn = (each: UnderWay): void => {
    const { client, call, fate, outcome } = each;
    if (fate === 'not-applied' || (fate === 'lost before' && outcome === undefined)) {
      underWay.delete(client);
      if (fate === 'lost before' && random() < 0.5) late.push(call);
      record(each, { kind: fate === 'not-applied' ? 'not-applied' : 'unknown' });
    } else if (outcome === undefined) {
      each.outcome = key.do(call);
      if (call.op === 'put' && random() < options.ttlShare) {
        send(`deadline ${call.value}`, { op: 'expire', value: call.value });
      }
    } else {
      underWay.delete(client);
      record(each, fate === 'lost' ? { kind: 'unknown' } : outcome);
    }
  };
  while (sent < options.calls || underWay.size > 0) {
    const isLate = late.length > 0 && random() < 0.2;
    const call = isLate ? late.shift() : undefined;
    if (call !== undefined) key.do(call);
    const client = `c${randomBelow(random, options.clients)}`;
    if (sent < options.calls && !underWay.has(client)) {
      send(client, randomCall(random, sent++, key.version));
    } else if (underWay.size > 0) {
      goOn(pickFrom(random, [...underWay.values()]));
    }
  }
  return history.map((each) =>
    each.outcome.kind === 'unknown' ? { ...each, returned: Infinity } : each,
  );
}

function lieAbout({ outcome }: RecordedCall, random: Random): CallOutcome {
  const step = random() < 0.5 ? 1 : -1;
  switch (outcome.kind) {
    case 'found':
      return random() < 0.4
        ? { kind: 'missing' }
        : { ...outcome, version: Math.max(1, outcome.version + step) };
    case 'written':
      return random() < 0.5
        ? { ...outcome, created: outcome.created !== true }
        : { ...outcome, version: Math.max(1, outcome.version + step) };
    case 'condition-failed':
      return { ...outcome, version: Math.max(0, outcome.version + step) };
    case 'missing':
      return random() < 0.5 ? { kind: 'deleted' } : { kind: 'found', version: 1, value: 'v0' };
    case 'gone':
    case 'deleted':
      return { kind: random() < 0.5 ? 'missing' : 'not-applied' };
    case 'unknown':
      return { kind: 'not-applied' };
    case 'expired':
    case 'not-applied':
      return outcome;
    default:
      return unreachable(outcome);
  }
}

/** Changes one answer, gives one put's value to another reader, or swaps two answers in time. */
export function corrupted(history: readonly RecordedCall[], random: Random): RecordedCall[] {
  const calls = [...history];
  const place = randomBelow(random, calls.length);
  const call = calls[place];
  if (call === undefined) return calls;
  const other = pickFrom(random, calls);
  if (random() < 0.25 && call.outcome.kind === 'found' && other.call.op === 'put') {
    calls[place] = { ...call, outcome: { ...call.outcome, value: other.call.value } };
  } else if (random() < 0.25 && call.returned !== Infinity && other.returned !== Infinity) {
    calls[place] = {
      ...call,
      outcome: other.call.op === call.call.op ? other.outcome : call.outcome,
    };
  } else {
    const outcome = lieAbout(call, random);
    calls[place] = { ...call, outcome, returned: call.returned };
  }
  return calls;
}
