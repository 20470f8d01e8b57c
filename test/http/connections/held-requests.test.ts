import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { beforeEach, expect, test } from 'vitest';
import { HeldRequests } from '../../../src/http/connections/held-requests.ts';

const kibibyte = 1024;

let held: HeldRequests;
beforeEach(() => {
  held = new HeldRequests(200 * kibibyte);
});

/** The part of a connection that held-requests.ts reads, and its calls to node. */
class Connection {
  bytesRead = 0;
  toWrite = 0;

  get socket(): Socket {
    return this as object as Socket;
  }

  get response(): ServerResponse {
    const note = (bytes: number): void => void (this.toWrite += bytes);
    return { req: { socket: this }, _onPendingData: note } as object as ServerResponse;
  }

  /** Holds requests of so many bytes until the limit is reached. */
  fill(requests: number, bytes: number): number {
    for (let count = 1; count <= requests; count++) {
      this.bytesRead += bytes;
      if (!held.add(this.response)) return count;
    }
    return requests;
  }

  take(): boolean {
    return held.take(this.response, this.socket);
  }
}

test('node is told that there is much to write while any request of a connection is held', async () => {
  const connection = new Connection();
  expect(connection.take()).toBe(false);
  connection.fill(3, 100);
  const much = connection.toWrite;
  expect(much).toBeGreaterThan(2 ** 20);
  expect([connection.take(), connection.take(), connection.toWrite]).toEqual([true, true, much]);
  expect([connection.take(), connection.toWrite]).toEqual([true, much]);
  await nextTurn();
  expect([connection.take(), connection.toWrite]).toEqual([false, 0]);
});

test('a connection that holds again in the same turn is still not read', async () => {
  const connection = new Connection();
  connection.fill(1, 100);
  const much = connection.toWrite;
  connection.take();
  connection.fill(1, 100);
  await nextTurn();
  expect(connection.toWrite).toBe(much);
});

test('each connection holds requests of its own', () => {
  const [one, other] = [new Connection(), new Connection()];
  one.fill(2, 10);
  expect([held.isHolding(one.socket), held.isHolding(other.socket)]).toEqual([true, false]);
  expect([other.take(), other.toWrite, held.count]).toEqual([false, 0, 2]);
});

test('small requests are bounded by their number, large ones by their bytes', () => {
  expect(new Connection().fill(1000, 20)).toBe(100);
  held = new HeldRequests(200 * kibibyte);
  expect(new Connection().fill(1000, 48 * kibibyte)).toBe(5);
});

test('past the bound a connection may still hold a little, but no more', () => {
  new Connection().fill(1000, 20);
  const late = new Connection();
  expect(late.fill(16, 20)).toBe(16);
  expect(late.fill(1000, 20)).toBeLessThan(20);
});

test('requests that have begun, or whose connection has closed, leave their room', () => {
  const [one, other] = [new Connection(), new Connection()];
  for (let round = 0; round < 100; round++) {
    expect(one.fill(45, 7)).toBe(45);
    expect(other.fill(45, 3)).toBe(45);
    while (one.take());
    held.forget(other.socket);
    expect(held.count).toBe(0);
  }
});
