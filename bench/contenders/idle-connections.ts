// Holds connections open that do nothing. Each has had a request, so the server has taken it in. One that
// the server closes fails the row: the figures would be those of fewer connections.
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import type { Belongings } from '../measuring/belongings.ts';

const atOnce = 100;
/** Beside them a process has files and the connections of the load. */
const otherFiles = 1000;

/** @returns why so many cannot be open here; undefined if they can */
export function idleImpossible(count: number): string | undefined {
  const limits = readFileSync('/proc/self/limits', 'utf8');
  const [, most] = /^Max open files\s+(\S+)/m.exec(limits) ?? [];
  const isEnough = most === 'unlimited' || Number(most) >= count + otherFiles;
  return isEnough ? undefined : `a process may open ${most} files alone`;
}

async function openOne(url: string): Promise<Socket> {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  socket.write(`GET /readyz HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  const [reply]: unknown[] = await once(socket, 'data');
  if (!String(reply).startsWith('HTTP/1.1 200')) throw new Error(`refused: ${String(reply)}`);
  return socket;
}

/** Opens them; the end of `belongings` closes them, and fails if the server has closed one before. */
export async function openIdle(url: string, count: number, belongings: Belongings): Promise<void> {
  const sockets: Socket[] = [];
  let closed = 0;
  belongings.add(() => {
    const closedBefore = closed;
    for (const socket of sockets) socket.destroy();
    if (closedBefore === 0) return Promise.resolve();
    return Promise.reject(new Error(`${closedBefore} of ${count} idle connections were closed`));
  });
  while (sockets.length < count) {
    const length = Math.min(atOnce, count - sockets.length);
    const opened = await Promise.all(Array.from({ length }, () => openOne(url)));
    for (const socket of opened) {
      sockets.push(socket.on('error', () => undefined).on('close', () => (closed += 1)));
    }
  }
}
