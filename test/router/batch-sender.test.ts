import { expect, test } from 'vitest';
import { StoreError } from '../../src/base/errors.ts';
import type { ShardResult } from '../../src/protocol/shard-operation.ts';
import { BatchSender } from '../../src/router/batch-sender.ts';
import { Ticket } from '../../src/router/ticket.ts';

test('behind a decision that a closing store can not carry out, nothing is answered', async () => {
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
    send: (tickets) => {
      const results = tickets.map(({ operation: { op } }): ShardResult => {
        return op === 'decide' ? refused : { kind: 'count', count: 1 };
      });
      return Promise.resolve({ results, report: undefined });
    },
    onReport: () => {},
    onLost: () => {},
  });
  const decide = { op: 'decide', transaction: 't', commit: true } as const;
  sender.offer(new Ticket(decide, told('decision')));
  sender.offer(new Ticket({ op: 'count', namespace: 'default', now: 0 }, told('count')));
  await sender.drained();
  expect(answered).toEqual(['decision refused', 'count refused']);
});
