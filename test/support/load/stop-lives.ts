// Runs servers and ends them by SIGTERM under load. Some connections are idle, and some have sent
// half a request.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Exit } from '../processes/server-process.ts';
import { runServerLives, type ServerLivesOptions, type ServerLivesReport } from './server-lives.ts';

export interface StopLivesReport extends ServerLivesReport {
  /** The end of each run, with its log if it ended wrongly. */
  readonly exits: readonly (Exit & { readonly stderr?: string })[];
  /** The longest time from SIGTERM to the exit. */
  readonly slowestMs: number;
}

/** Other connections have sent these bytes when the signal comes. */
const sentByOthers = [
  '',
  '',
  'GET /v1/keys/key-1 HTT',
  'GET /v1/keys/key-1 HTTP/1.1\r\nhost: localhost\r\n',
  'PUT /v1/keys/half HTTP/1.1\r\nhost: localhost\r\ncontent-length: 9\r\n\r\nhalf',
  'POST /v1/batch HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{"ope',
];

export async function runStopLives(
  options: Omit<ServerLivesOptions, 'beforeStart' | 'end'>,
): Promise<StopLivesReport> {
  const exits: StopLivesReport['exits'][number][] = [];
  let slowestMs = 0;
  const report = await runServerLives({
    ...options,
    end: async ({ program, url }) => {
      const sockets = await Promise.all(sentByOthers.map((sent) => openSocket(url, sent)));
      const from = performance.now();
      program.kill('SIGTERM');
      const exit = await program.exited;
      exits.push(exit.code === 0 ? exit : { ...exit, stderr: program.stderr });
      slowestMs = Math.max(slowestMs, performance.now() - from);
      for (const socket of sockets) socket.destroy();
    },
  });
  return { ...report, exits, slowestMs: Math.round(slowestMs) };
}

async function openSocket(url: string, sent: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  // The server may reset a connection that it cuts.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  if (sent !== '') await new Promise((resolve) => socket.write(sent, resolve));
  return socket;
}
