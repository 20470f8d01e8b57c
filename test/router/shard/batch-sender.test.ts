import { expect, test } from 'vitest';
import { StoreError } from '../../../src/base/errors.ts';
import type { ShardResult } from '../../../src/protocol/shard-operation.ts';
import { BatchSender } from '../../../src/router/shard/batch-sender.ts';
import { QueuedOperation } from '../../../src/router/shard/queued-operation.ts';

test.each(['commit', 'abort'] as const)(
  'behind an outcome that a closing store cannot record, all is refused: %s',
  async (outcome) => {
    const answered: string[] = [];
    const told =
      (name: string) =>
      (result: ShardResult): void => {
        answered.push(`${name} ${result.kind}`);
      };
    const refused: ShardResult = { kind: 'refused', error: new StoreError('DISK_FULL', 'none') };
    const sender = new BatchSender({
      defer: (work) => queueMicrotask(work),
      monotonicMs: () => 0,
      maySend: () => true,
      send: (batch) => {
        const results = batch.map(({ operation: { op } }): ShardResult => {
          return op === outcome ? refused : { kind: 'count', count: 1 };
        });
        return Promise.resolve({ results, report: undefined });
      },
      onReport: () => {},
      onLost: () => {},
    });
    sender.offer(new QueuedOperation({ op: outcome, transaction: 't' }, told('outcome')));
    sender.offer(new QueuedOperation({ op: 'count', namespace: 'default', now: 0 }, told('count')));
    await sender.drained();
    expect(answered).toEqual(['outcome refused', 'count refused']);
  },
);
