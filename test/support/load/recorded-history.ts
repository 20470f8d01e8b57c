// Turns a load's calls into the history that the checker for linearizability takes.
import type { Call as RecordedOperation, RecordedCall } from '../history/recorded-call.ts';
import type { Call } from './call.ts';
import type { Contents } from './find-losses.ts';

/** Earlier than every call of a load. */
const beforeAll = { client: 'before', invoked: -2, returned: -1 };

function operationOf({ op, value = '', condition }: Call): RecordedOperation {
  if (op === 'get') return { op };
  const ifMatch = typeof condition === 'number' ? [condition] : undefined;
  const conditions = { ifMatch, ifNoneMatch: condition === 'absent' ? ('*' as const) : undefined };
  return op === 'put' ? { op, value, ...conditions } : { op, ...conditions };
}

function outcomeOf({ outcome }: Call): RecordedCall['outcome'] {
  switch (outcome.kind) {
    case 'read':
      return outcome.content === undefined
        ? { kind: 'missing' }
        : { kind: 'found', ...outcome.content };
    case 'condition-failed':
      return { kind: 'condition-failed', version: outcome.version ?? 0 };
    case 'written':
    case 'deleted':
    case 'missing':
    case 'not-applied':
    case 'unknown':
      return outcome;
    default:
      return outcome satisfies never;
  }
}

function recordedCall(call: Call): RecordedCall {
  const outcome = outcomeOf(call);
  return {
    client: String(call.client),
    key: call.key,
    call: operationOf(call),
    invoked: call.from,
    returned: outcome.kind === 'unknown' ? Infinity : call.to,
    outcome,
  };
}

/** Adds the contents before all calls, and the contents read after them at `[from, to]`. */
export function recordedHistory(
  before: Contents,
  calls: readonly Call[],
  after: Contents,
  [from, to]: readonly [number, number],
): RecordedCall[] {
  const puts = [...before].flatMap(([key, content]): RecordedCall[] => {
    if (content === undefined) return [];
    const { value, version } = content;
    const outcome = { kind: 'written', version, created: undefined } as const;
    return [{ ...beforeAll, key, call: { op: 'put', value }, outcome }];
  });
  const gets = Array.from(after, ([key, content]): Call => {
    return { client: -1, key, op: 'get', from, to, outcome: { kind: 'read', content } };
  });
  return [...puts, ...[...calls, ...gets].map(recordedCall)];
}
