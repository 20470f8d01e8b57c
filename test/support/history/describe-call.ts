// Describes calls and states in words, for people who search for a bug.
import { unreachable } from '../../../src/base/assert.ts';
import type { KeyState } from './key-state.ts';
import type { Call, CallConditions, CallOutcome, RecordedCall } from './recorded-call.ts';

function describeConditions({ ifMatch, ifNoneMatch }: CallConditions): string {
  const match = ifMatch === undefined ? '' : ` if-match ${String(ifMatch)}`;
  return ifNoneMatch === undefined ? match : `${match} if-none-match ${String(ifNoneMatch)}`;
}

function describeAsked(call: Call): string {
  switch (call.op) {
    case 'get':
      return 'get';
    case 'put':
      return `put ${call.value}${describeConditions(call)}`;
    case 'delete':
      return `delete${describeConditions(call)}`;
    case 'expire':
      return `deadline of ${call.value}`;
    default:
      return unreachable(call);
  }
}

function describeOutcome(outcome: CallOutcome): string {
  switch (outcome.kind) {
    case 'found':
      return `${outcome.value ?? 'a value'} version ${outcome.version}`;
    case 'written':
      return `written version ${outcome.version}${outcome.created === true ? ', created' : ''}`;
    case 'condition-failed':
      return `condition failed, version ${outcome.version}`;
    case 'missing':
    case 'deleted':
    case 'gone':
    case 'expired':
    case 'unknown':
    case 'not-applied':
      return outcome.kind;
    default:
      return unreachable(outcome);
  }
}

export function describeCall({ client, call, invoked, returned, outcome }: RecordedCall): string {
  const when = `${invoked}..${returned === Infinity ? '' : returned}`;
  return `${when} ${client}: ${describeAsked(call)} -> ${describeOutcome(outcome)}`;
}

export function describeState({ entry }: KeyState): string {
  if (entry === undefined) return 'no entry';
  return `${entry.value ?? 'a value that no call read'} version ${entry.version ?? 'not told'}`;
}
