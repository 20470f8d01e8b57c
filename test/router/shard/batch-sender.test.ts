import { expect, test } from 'vitest';
import { StoreError } from '../../../src/base/errors.ts';
import type { ShardResult } from '../../../src/protocol/shard-operation.ts';
import { BatchSender } from '../../../src/router/shard/batch-sender.ts';
import { QueuedOperation } from '../../../src/router/shard/queued-operation.ts';
import { SimulatedClient } from '../../support/simulated/simulated-client.ts';

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
    const { report } = (await SimulatedClient.start()).client;
    if (report === undefined) throw new Error('an open shard has reported');
    const sender = new BatchSender({
      defer: (work) => queueMicrotask(work),
      monotonicMs: () => 0,
      onBatchLeft: () => {},
      onUsage: () => {},
      onReport: () => {},
      onLost: () => {},
    });
    sender.connect({
      batch: async (operations) => {
        // A shard runs nothing behind an outcome that it could not record.
        const stuckAt = operations.findIndex(({ op }) => op === outcome);
        const run = stuckAt === -1 ? operations : operations.slice(0, stuckAt + 1);
        const results = run.map(({ op }): ShardResult => {
          return op === outcome ? refused : { kind: 'count', count: 1 };
        });
        return { results, report };
      },
      cut: () => Promise.reject(new Error('no cut is sent')),
    });
    sender.offer(new QueuedOperation({ op: outcome, transaction: 't' }, told('outcome')));
    sender.offer(new QueuedOperation({ op: 'count', namespace: 'default', now: 0 }, told('count')));
    await sender.drained();
    expect(answered).toEqual(['outcome refused', 'count refused']);
  },
);
