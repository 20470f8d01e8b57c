import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/base/errors.ts';
import { outcomeOfError, outcomeOfResult } from '../../../src/http/audit/outcomes.ts';
import type { TransactionName } from '../../../src/store/authorization.ts';
import type { TransactOptions } from '../../../src/store/store.ts';
import type { TransactionPlan, TransactionResult } from '../../../src/store/transaction.ts';
import { openAuditedApp } from '../../support/http/audited-app.ts';
import { ModelStore } from '../../support/stores/model-store.ts';

describe('the outcome of an error', () => {
  test.each([
    [new StoreError('FORBIDDEN', ''), { outcome: 'denied', error: 'FORBIDDEN' }],
    [new StoreError('UNAUTHENTICATED', ''), { outcome: 'denied', error: 'UNAUTHENTICATED' }],
    [new StoreError('DISK_FULL', ''), { outcome: 'not-applied', error: 'DISK_FULL' }],
    [
      new StoreError('SHARD_UNAVAILABLE', '', { outcome: 'unknown' }),
      { outcome: 'unknown', error: 'SHARD_UNAVAILABLE' },
    ],
    [new TypeError('a bug'), { outcome: 'unknown', error: 'INTERNAL' }],
    ['no error', { outcome: 'unknown', error: 'INTERNAL' }],
  ])('is that of the operation: %s', (error, outcome) => {
    expect(outcomeOfError(error)).toEqual(outcome);
  });
});

test('the error of a command is its first word: the rest may repeat an argument', () => {
  const reply = { kind: 'error', message: "WRONGTYPE 'SECRET' is of another type" } as const;
  const outcome = { outcome: 'not-applied', error: 'WRONGTYPE' };
  expect(outcomeOfResult({ kind: 'reply', reply }, true)).toEqual(outcome);
  const odd = { kind: 'error', message: 'SECRET1 is odd' } as const;
  expect(outcomeOfResult({ kind: 'reply', reply: odd }, true)).toEqual({
    ...outcome,
    error: 'ERR',
  });
});

/** Fails for a reason of its own, once an operation is under way. */
class BrokenStore extends ModelStore {
  override async submit(...parts: Parameters<ModelStore['submit']>) {
    const [{ namespace }] = parts;
    if (namespace === 'app') throw new TypeError('a bug');
    return await super.submit(...parts);
  }

  override async transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options?: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    if (names[0]?.namespace === 'app') throw new TypeError('a bug');
    return await super.transact(names, plan, options);
  }
}

test('a request that fails by a mistake of the server leaves a record all the same', async () => {
  const { send, records } = await openAuditedApp({ store: new BrokenStore() });
  expect((await send(['PUT', '/v1/keys/a', 'v'])).status).toBe(500);
  const body = '{"operations":[{"op":"put","key":"b","value":"v"}]}';
  expect((await send(['POST', '/v1/transactions', body])).status).toBe(500);
  const unknown = { outcome: 'unknown', error: 'INTERNAL' };
  expect(await records()).toMatchObject([
    { action: 'put', key: 'a', ...unknown },
    { action: 'transaction', key: 'b', ...unknown },
  ]);
});
