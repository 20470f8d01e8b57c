// Two servers over equal stores: one with the fast lane, one without. Sends each the same bytes, and
// compares what they answer and keep.
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { readToCut } from './raw-request.ts';
import type { RequestStream } from './request-streams.ts';
import { startApp, type AppChanges } from './start-app.ts';
import { connectToPort } from './transport.ts';

type Side = Awaited<ReturnType<typeof startApp>>;

/** A connection on which nothing moves for so long hangs: the client has ended its side. */
const silenceMsMax = 30_000;
const noEnd = '(the server does not end the connection)';

export interface Difference {
  readonly sent: RequestStream;
  readonly lane: string;
  readonly framework: string;
}

/** Without the parts that may differ from server to server, and from second to second. */
function comparable(text: string): string {
  return text
    .replaceAll(/^Date: .*\r\n/gm, '')
    .replaceAll(/^(upstash-sync-token: )[^.\r\n]*/gm, '$1life')
    .replaceAll(/^(holdfast-request-id: )(?!job\/17\r\n).*/gm, '$1new');
}

const refused = /^HTTP\/1\.1 4\d\d /;

/** Replies, each with all that follows it up to the next one. */
function repliesIn(text: string): string[] {
  return text.split(/(?=HTTP\/1\.1 \d{3} [A-Z])/).filter((part) => part !== '');
}

/**
 * True if both refuse the same last request in the end, which its client has cut short within its body.
 * Node begins such a request before it is whole. So it may have answered it already.
 */
function refuseTheSameEnd(lane: string, framework: string): boolean {
  const [ours, theirs] = [repliesIn(lane), repliesIn(framework)];
  const isRefused = refused.test(ours.at(-1) ?? '') && refused.test(theirs.at(-1) ?? '');
  if (!isRefused || Math.abs(ours.length - theirs.length) > 1) return false;
  const before = Math.min(ours.length, theirs.length) - 1;
  return ours.slice(0, before).join('') === theirs.slice(0, before).join('');
}

export class TwoPaths {
  readonly #lane: Side;
  readonly #framework: Side;
  /** Streams whose client cut the last request short, and got another refusal for it. */
  cutShort = 0;

  private constructor(lane: Side, framework: Side) {
    this.#lane = lane;
    this.#framework = framework;
  }

  static async open(changes: AppChanges): Promise<TwoPaths> {
    const lane = await startApp({ ...changes, fastLane: true });
    return new TwoPaths(lane, await startApp({ ...changes, fastLane: false }));
  }

  async close(): Promise<void> {
    await Promise.all([this.#lane.close(), this.#framework.close()]);
  }

  /** @returns undefined if both have answered alike, and keep the same entries */
  async compare(sent: RequestStream): Promise<Difference | undefined> {
    const [lane, framework] = await Promise.all([
      answerTo(this.#lane.port, sent),
      answerTo(this.#framework.port, sent),
    ]);
    const kept = contentsOf(this.#lane.model);
    const keptToo = contentsOf(this.#framework.model);
    const areEqual = kept.join('\n') === keptToo.join('\n');
    if (areEqual && lane === framework && !lane.endsWith(noEnd)) return undefined;
    if (areEqual && refuseTheSameEnd(lane, framework)) {
      this.cutShort += 1;
      return undefined;
    }
    return {
      sent,
      lane: `${lane}\nkept here alone: ${without(kept, keptToo)}`,
      framework: `${framework}\nkept here alone: ${without(keptToo, kept)}`,
    };
  }
}

function without(texts: readonly string[], others: readonly string[]): string {
  return texts.filter((text) => !others.includes(text)).join('\n');
}

function contentsOf({ entries }: Side['model']): string[] {
  const texts = [...entries].map(([name, { value, version, expiresAt }]) =>
    [name, Buffer.from(value).toString('latin1'), version, expiresAt].join(' '),
  );
  // The time at which a namespace was made, and records of kept answers, are not compared.
  return texts.filter((text) => !text.startsWith('~'));
}

async function answerTo(port: number, { bytes, pieces }: RequestStream): Promise<string> {
  const socket = connectToPort(port, { allowHalfOpen: true, noDelay: true });
  const answer = readToCut(socket);
  let end = '';
  socket.setTimeout(silenceMsMax, () => {
    end = noEnd;
    socket.destroy();
  });
  await once(socket, 'connect');
  await sendInPieces(socket, Buffer.from(bytes, 'latin1'), pieces);
  socket.end();
  return comparable(await answer) + end;
}

async function sendInPieces(
  socket: Socket,
  bytes: Buffer,
  pieces: readonly number[],
): Promise<void> {
  let start = 0;
  for (const length of pieces) {
    if (start >= bytes.length || socket.destroyed) return;
    socket.write(bytes.subarray(start, start + length));
    start += length;
    // oxlint-disable-next-line no-await-in-loop -- so that each piece is read by itself
    await nextTurn();
  }
  socket.write(bytes.subarray(start));
}
