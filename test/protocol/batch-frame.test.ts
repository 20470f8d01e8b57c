import { byteStringOf } from '../../src/base/byte-string.ts';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  array,
  bulk,
  error as errorReply,
  integer,
  status,
  type Reply,
} from '../../src/commands/reply.ts';
import { StoreError } from '../../src/base/errors.ts';
import { decodeBatch, encodeBatch, frameBytesOf } from '../../src/protocol/batch-frame.ts';
import { decodeReply, encodeReply } from '../../src/protocol/reply-frame.ts';
import type {
  ShardAnswer,
  ShardOperation,
  ShardReport,
} from '../../src/protocol/shard-operation.ts';

const byteStrings = fc
  .uint8Array({ maxLength: 80 })
  .map((bytes) => Buffer.from(bytes).toString('latin1'));
const versions = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });
const matches = fc.option(
  fc.oneof(fc.constant('*' as const), fc.array(versions, { maxLength: 4 })),
  { nil: undefined },
);
const name = { namespace: fc.constantFrom('default', 'other'), key: byteStrings };
/** Bytes in either form. */
const values = fc.oneof(
  byteStrings,
  fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
);
const deadlines = fc.option(versions, { nil: undefined });

const transactions = fc.string({ maxLength: 40 });
const changes = {
  flush: fc.array(fc.constantFrom('', 'default', 'other'), { maxLength: 3 }),
  changes: fc.array(
    fc.record({
      ...name,
      put: fc.option(
        fc.record({
          value: values,
          expiresAt: deadlines,
        }),
        { nil: undefined },
      ),
    }),
    { maxLength: 5 },
  ),
  version: versions,
  validUntil: fc.oneof(versions, fc.constant(Infinity)),
};

const within = fc.option(
  fc.array(fc.record({ low: byteStrings, high: byteStrings }), { maxLength: 4 }),
  { nil: undefined },
);

const operations: fc.Arbitrary<ShardOperation> = fc.oneof(
  fc.record({ op: fc.constant('change' as const), synced: fc.boolean(), ...changes }),
  fc.record({
    op: fc.constant('prepare' as const),
    transaction: transactions,
    participants: fc.array(fc.nat(63), { maxLength: 64 }),
    ...changes,
  }),
  fc.record({
    op: fc.constantFrom('commit' as const, 'abort' as const, 'forget' as const),
    transaction: transactions,
  }),
  fc.record({ op: fc.constant('get' as const), ...name }),
  fc.record({ op: fc.constant('head' as const), ...name }),
  fc.record({
    op: fc.constant('put' as const),
    ...name,
    value: values,
    ttlMs: fc.option(fc.integer({ min: 1 }), { nil: undefined }),
    ifMatch: matches,
    ifNoneMatch: matches,
  }),
  fc.record({
    op: fc.constant('delete' as const),
    ...name,
    ifMatch: matches,
    ifNoneMatch: matches,
  }),
  fc.record({
    op: fc.constant('list' as const),
    query: fc.record({
      namespace: name.namespace,
      prefix: byteStrings,
      start: fc.option(byteStrings, { nil: undefined }),
      end: fc.option(byteStrings, { nil: undefined }),
      after: fc.option(byteStrings, { nil: undefined }),
      within,
      limit: fc.nat(1000),
      reverse: fc.boolean(),
      includeValues: fc.boolean(),
    }),
    now: fc.nat(),
  }),
  fc
    .record({
      op: fc.constant('command' as const),
      namespace: name.namespace,
      name: fc.constantFrom('set', 'mget'),
      access: fc.constantFrom('read' as const, 'write' as const),
      args: fc.array(byteStrings, { maxLength: 4 }),
      keys: fc.array(byteStrings, { minLength: 1, maxLength: 3 }),
      valueBytesMax: fc.nat(),
    })
    .map((command) => ({ ...command, key: command.keys[0] ?? '' })),
  fc.record({
    op: fc.constant('count' as const),
    namespace: name.namespace,
    within,
    now: fc.nat(),
  }),
  fc.record({
    op: fc.constant('measure' as const),
    namespaces: fc.option(fc.array(fc.string({ unit: 'binary-ascii' })), { nil: undefined }),
  }),
  fc.record({ op: fc.constant('getAt' as const), ...name, now: fc.nat() }),
  fc.record({
    op: fc.constant('sweep' as const),
    now: fc.nat(),
    // No namespace has an empty name.
    namespace: name.namespace.map((namespace) => namespace || undefined),
  }),
  fc.constant({ op: 'mark' as const }),
);

const items = fc.record({
  key: byteStrings,
  version: versions,
  expiresAt: deadlines,
  size: fc.nat(100),
  value: fc.option(byteStrings, { nil: undefined }),
});

const { anyReply } = fc.letrec<{ anyReply: Reply }>((tie) => ({
  anyReply: fc.oneof(
    { depthSize: 'small' },
    byteStrings.map(status),
    byteStrings.map(errorReply),
    fc.option(byteStrings).map(bulk),
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(integer),
    fc.array(tie('anyReply'), { maxLength: 4 }).map(array),
    fc.constant({ kind: 'array' as const, items: null }),
  ),
}));

const answers: fc.Arbitrary<ShardAnswer> = fc.oneof(
  fc.record({ kind: fc.constant('reply' as const), reply: anyReply, hasChanged: fc.boolean() }),
  fc
    .tuple(versions, deadlines, byteStrings, fc.boolean())
    .map(([version, expiresAt, value, withValue]) => ({
      kind: 'entry' as const,
      version,
      expiresAt,
      size: value.length,
      value: withValue ? value : undefined,
    })),
  fc.constant({ kind: 'missing' as const }),
  fc.record({
    kind: fc.constant('written' as const),
    version: versions,
    previousVersion: fc.oneof(fc.constant(0), versions),
  }),
  fc.record({ kind: fc.constant('deleted' as const), previousVersion: versions }),
  fc.record({ kind: fc.constant('condition-failed' as const), version: fc.nat() }),
  fc.record({
    kind: fc.constant('page' as const),
    items: fc.array(items, { maxLength: 5 }),
    scannedTo: fc.option(byteStrings, { nil: undefined }),
  }),
  fc.record({ kind: fc.constant('count' as const), count: fc.nat() }),
  fc.record({
    kind: fc.constant('figures' as const),
    figures: fc.array(
      fc.record({ namespace: name.namespace, keys: fc.nat(), bytes: fc.maxSafeNat() }),
      { maxLength: 5 },
    ),
  }),
  fc.constant({ kind: 'done' as const }),
  fc.constant({ kind: 'stale' as const }),
);

const report: ShardReport = {
  durability: 'synced',
  nextSeq: 2 ** 52,
  entries: 1,
  bytes: 2,
  heapBytes: 6,
  heapBytesMax: Infinity,
  journalBytes: 3,
  liveJournals: 4,
  snapshotBytes: 5,
  nextExpiryAt: Infinity,
  syncSeconds: 0.001,
  hasUnsynced: false,
  hasUnmarked: true,
  isBroken: false,
  isDiskFull: true,
  wantsCompaction: true,
  namespaces: [
    { namespace: 'default', keys: 1, bytes: 2 },
    { namespace: '~kept.default', keys: 0, bytes: 0 },
  ],
};

const bytes = (value: string): Buffer => Buffer.from(value, 'latin1');

/** An answer as the main thread reads it: values as buffers, sizes, and the durability reached. */
function seen(answer: ShardAnswer): unknown {
  if (answer.kind === 'entry') {
    return { ...answer, value: answer.value === undefined ? undefined : bytes(answer.value) };
  }
  if (answer.kind === 'written') {
    return { ...answer, created: answer.previousVersion === 0, durability: 'synced' };
  }
  if (answer.kind === 'deleted') return { ...answer, durability: 'synced' };
  if (answer.kind !== 'page') return answer;
  const seenItems = answer.items.map((item) => ({
    ...item,
    value: item.value === undefined ? undefined : bytes(item.value),
  }));
  return { ...answer, items: seenItems };
}

/** An operation as the shard reads it: values as byte strings. */
function received(operation: ShardOperation): ShardOperation {
  if (operation.op === 'put') return { ...operation, value: byteStringOf(operation.value) };
  if (operation.op !== 'change' && operation.op !== 'prepare') return operation;
  const read = operation.changes.map(({ put, ...rest }) => ({
    ...rest,
    put: put && { ...put, value: byteStringOf(put.value) },
  }));
  return { ...operation, changes: read };
}

describe('a frame', () => {
  test('carries any batch to the other side as it is', () => {
    fc.assert(
      fc.property(fc.nat(), fc.array(operations, { maxLength: 20 }), (timestamp, batch) => {
        expect(decodeBatch(encodeBatch({ timestamp, operations: batch }))).toEqual({
          timestamp,
          operations: batch.map(received),
        });
      }),
    );
  });

  test("is no larger than the sum of its operations' stated sizes", () => {
    fc.assert(
      fc.property(operations, (operation) => {
        fc.pre(operation.op !== 'list');
        const conditions = 'ifMatch' in operation ? 8 * 8 : 0;
        const size = encodeBatch({ timestamp: 0, operations: [operation] }).length;
        expect(size).toBeLessThanOrEqual(12 + conditions + frameBytesOf(operation));
      }),
    );
  });

  test('carries any reply to the other side as it is', () => {
    fc.assert(
      fc.property(fc.array(answers, { maxLength: 20 }), (results) => {
        const reply = decodeReply(encodeReply({ report, results }));
        expect(reply).toEqual({ report, results: results.map(seen) });
      }),
    );
  });

  test('carries an error with all its facts', () => {
    const error = new StoreError('DISK_FULL', 'kein Platz für „é“', {
      outcome: 'unknown',
      retryable: true,
      retryAfterMs: 5,
      limit: 7,
      parameter: 'x',
    });
    const [result] = decodeReply(
      encodeReply({ report, results: [{ kind: 'refused', error }] }),
    ).results;
    expect(result).toEqual({ kind: 'refused', error });
    expect(result).toHaveProperty('error.outcome', 'unknown');
    expect(result).toHaveProperty('error.limit', 7);
  });
});
