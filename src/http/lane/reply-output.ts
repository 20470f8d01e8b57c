// The replies of one connection on their way: gathers those of pipelined requests, and writes them. Tells
// when the client does not take them. Knows no request.
import type { Socket } from 'node:net';
import { bufferOf } from '../../base/byte-string.ts';
import type { RawAnswer } from '../wire/raw-answer.ts';
import { isValueAnswer, smallValueBytesMax, type KeyAnswer } from '../wire/value-answer.ts';
import type { LaneServices } from './lane-services.ts';
import type { ReplyFacts } from './reply-text.ts';

/** Replies gather up to this size before they are written. */
const gatheredMax = 64 * 1024;

export class ReplyOutput {
  readonly #socket: Socket;
  readonly #lane: Pick<LaneServices, 'text' | 'replies'>;
  readonly #onTaken: () => void;
  #gathered = '';
  #isBlocked = false;
  #isClosed = false;

  /** @param onTaken called once a client that was late has taken all replies */
  constructor(socket: Socket, lane: Pick<LaneServices, 'text' | 'replies'>, onTaken: () => void) {
    this.#socket = socket;
    this.#lane = lane;
    this.#onTaken = onTaken;
  }

  /** True while the client has not taken earlier replies. It should get no others until then. */
  get isBlocked(): boolean {
    return this.#isBlocked;
  }

  /** Adds a reply. @returns its status */
  add(answer: KeyAnswer | RawAnswer, facts: ReplyFacts): number {
    const { text } = this.#lane;
    if ('head' in answer) {
      this.#gathered += text.headOfRawAnswer(answer, facts);
      this.#addBody(answer.body, facts);
      return answer.status;
    }
    if (isValueAnswer(answer)) {
      this.#gathered += text.headOfValueAnswer(answer, facts);
      this.#addBody(answer.value, facts);
      return 200;
    }
    this.#gathered += text.headOfAnswer(answer, facts);
    this.#addBody(answer.body, facts);
    return answer.status;
  }

  flushIfLarge(): void {
    if (this.#gathered.length > gatheredMax) this.flush();
  }

  flush(): void {
    if (this.#gathered === '' || this.#isClosed) return;
    const text = this.#gathered;
    this.#gathered = '';
    this.#socket.write(text, 'latin1');
    this.#noteUnsent(text.length);
  }

  /** Writes nothing from now on. */
  close(): void {
    this.#isClosed = true;
  }

  #addBody(body: Uint8Array, { isHead }: ReplyFacts): void {
    if (isHead || body.length === 0) return;
    if (body.length <= smallValueBytesMax) {
      this.#gathered += bufferOf(body).toString('latin1');
      return;
    }
    if (this.#isClosed) return;
    this.#socket.cork();
    this.#socket.write(this.#gathered, 'latin1');
    this.#gathered = '';
    this.#socket.write(body);
    this.#socket.uncork();
    this.#noteUnsent(body.length);
  }

  #noteUnsent(bytes: number): void {
    if (this.#socket.writableLength === 0 || this.#isBlocked) return;
    this.#isBlocked = true;
    const release = this.#lane.replies.hold(this.#socket, bytes);
    // Node calls back for an empty write once all before it have left.
    this.#socket.write('', () => {
      release();
      this.#isBlocked = false;
      this.#onTaken();
    });
  }
}
