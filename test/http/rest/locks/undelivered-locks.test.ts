// Locks that are granted to clients that have gone meanwhile.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import type { TransactOptions } from '../../../../src/store/store.ts';
import type { TransactionName } from '../../../../src/store/authorization.ts';
import type { TransactionPlan, TransactionResult } from '../../../../src/store/transaction.ts';
import {
  deleteLock,
  fenceOf,
  getLock,
  lockPath,
  putLock,
  untilWaiting,
} from '../../../support/http/lock-requests.ts';
import { openApp } from '../../../support/http/open-app.ts';
import { connectToPort, resetConnection } from '../../../support/http/transport.ts';
import { ModelStore } from '../../../support/stores/model-store.ts';

/** Its transactions take effect at once, and are answered when the test says so. */
class LateCommits extends ModelStore {
  #answered: Promise<void> | undefined;
  #answer: () => void = () => undefined;
  unanswered = 0;

  hold(): void {
    this.#answered = new Promise((resolve) => {
      this.#answer = resolve;
    });
  }

  answer(): void {
    this.#answered = undefined;
    this.#answer();
  }

  override async transact<Output>(
    names: readonly TransactionName[],
    plan: TransactionPlan<Output>,
    options?: TransactOptions,
  ): Promise<TransactionResult<Output>> {
    const result = await super.transact(names, plan, options);
    this.unanswered += 1;
    await this.#answered;
    this.unanswered -= 1;
    return result;
  }
}

async function openLate() {
  const store = new LateCommits();
  const opened = await openApp({ store });
  const connections = promisify(opened.app.server.getConnections.bind(opened.app.server));
  const ask = async (query: string, headers = ''): Promise<Socket> => {
    const socket = connectToPort(opened.port);
    await once(socket, 'connect');
    socket.write(`PUT ${lockPath}${query} HTTP/1.1\r\nHost: localhost\r\n${headers}\r\n`);
    return socket;
  };
  /** The client goes, and the server knows, before the lock is told to it. */
  const goUnanswered = async (socket: Socket): Promise<void> => {
    await expect.poll(() => store.unanswered).toBe(1);
    const before = await connections();
    resetConnection(socket);
    await expect.poll(connections).toBe(before - 1);
    store.answer();
  };
  return { ...opened, store, ask, goUnanswered };
}

test('a lock is free again if its taker has gone', async () => {
  const opened = await openLate();
  opened.store.hold();
  await opened.goUnanswered(await opened.ask('?ttl=1h'));
  await expect.poll(async () => (await getLock(opened)).status).toBe(404);
});

test('a lock goes to the next one if the first that waited has gone', async () => {
  const opened = await openLate();
  const fence = await fenceOf(putLock(opened));
  const socket = await opened.ask('?ttl=1h&wait=5m');
  await untilWaiting(opened, 1);
  const next = putLock(opened, { wait: '5m' });
  await untilWaiting(opened, 2);
  opened.store.hold();
  const release = deleteLock(opened, { fence });
  await expect.poll(() => opened.store.unanswered).toBe(2);
  resetConnection(socket);
  await untilWaiting(opened, 1);
  opened.store.answer();
  expect((await release).status).toBe(204);
  expect(await fenceOf(next)).toBe(fence + 2);
});

test('a lock stays for the repeat of a request with an Idempotency-Key', async () => {
  const opened = await openLate();
  opened.store.hold();
  await opened.goUnanswered(await opened.ask('?ttl=1h', 'Idempotency-Key: k\r\n'));
  await expect.poll(() => opened.store.unanswered).toBe(0);
  const { fence } = (await getLock(opened)).body;
  expect(fence).toBeDefined();
  const repeat = await putLock(opened, { ttl: '1h', headers: { 'idempotency-key': 'k' } });
  expect([repeat.status, repeat.replayed, repeat.body.fence]).toEqual([201, 'true', fence]);
});
