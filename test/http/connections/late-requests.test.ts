import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LateRequests } from '../../../src/http/connections/late-requests.ts';

const timeoutMs = 1000;

let late: LateRequests;
let socket: Socket;
let given: string[];
beforeEach(() => {
  vi.useFakeTimers();
  late = new LateRequests(timeoutMs);
  socket = new Socket();
  given = [];
});
afterEach(() => {
  vi.useRealTimers();
});

/** The part of a request that late-requests.ts reads. */
function requestOf(complete: boolean): IncomingMessage & { complete: boolean } {
  return { socket, complete } as IncomingMessage;
}

function excuse(name: string, request?: IncomingMessage): void {
  late.excuse(socket, request, () => given.push(name));
}

test('a request whose headers do not come is given up when its time is over once more', () => {
  excuse('a');
  late.noteReading(socket);
  vi.advanceTimersByTime(timeoutMs - 1);
  expect(given).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(given).toEqual(['a']);
});

test('its time begins when the connection is read again, and only once', () => {
  excuse('a');
  vi.advanceTimersByTime(10 * timeoutMs);
  expect(given).toEqual([]);
  late.noteReading(socket);
  vi.advanceTimersByTime(timeoutMs / 2);
  late.noteReading(socket);
  vi.advanceTimersByTime(timeoutMs / 2);
  expect(given).toEqual(['a']);
  vi.advanceTimersByTime(10 * timeoutMs);
  expect(given).toEqual(['a']);
});

test('a request that arrives whole by then is not', () => {
  excuse('a');
  late.noteReading(socket);
  const request = requestOf(false);
  late.noteRequest(request);
  late.noteRequest(requestOf(false));
  request.complete = true;
  vi.advanceTimersByTime(10 * timeoutMs);
  expect(given).toEqual([]);
});

test('a request whose body has not arrived by then is given up', () => {
  excuse('headers first');
  late.noteReading(socket);
  late.noteRequest(requestOf(false));
  vi.advanceTimersByTime(timeoutMs);
  excuse('body', requestOf(false));
  late.noteReading(socket);
  late.noteRequest(requestOf(true));
  vi.advanceTimersByTime(timeoutMs);
  expect(given).toEqual(['headers first', 'body']);
});

test('a connection that has closed is forgotten, and so is an earlier request', () => {
  excuse('a');
  late.noteReading(socket);
  excuse('b');
  vi.advanceTimersByTime(timeoutMs);
  expect(given).toEqual([]);
  late.noteReading(socket);
  late.forget(socket);
  vi.advanceTimersByTime(10 * timeoutMs);
  expect([given, vi.getTimerCount()]).toEqual([[], 0]);
});
