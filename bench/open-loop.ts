// Open-loop load: requests begin by a fixed schedule, whatever the server does. Latency counts from the
// scheduled moment. A closed loop waits for a slow server, and so hides the time that others would have
// waited. Speaks only as much HTTP as it needs, over bare sockets, to be cheap.
import { connect, type Socket } from 'node:net';

/** A request that finds no free connection for so long is given up: the server holds all of them up. */
export const connectionWaitMs = 250;

export interface OpenLoopOptions {
  readonly port: number;
  readonly requestsPerSecond: number;
  readonly seconds: number;
  /** Number of connections, with one request at a time each. */
  readonly connections: number;
  /** The run waits for replies for so many milliseconds after its last request. */
  readonly patienceMs: number;
  /** @returns the bytes of the request with this number */
  readonly request: (number: number) => Buffer;
}

export interface OpenLoopFigures {
  /** Latencies of replies by status, in milliseconds from the scheduled moment, ascending. */
  readonly byStatus: ReadonlyMap<number, readonly number[]>;
  /** Requests that found no free connection in time, and were never sent. */
  readonly unsent: number;
  /** Requests that got no whole reply: the connection was cut, or the time was over. */
  readonly unanswered: number;
}

/** Reads the replies of one connection. Keeps only the incomplete part of a head. */
export class ReplyReader {
  #head: Buffer = Buffer.alloc(0);
  #bodyLeft = 0;
  #status = 0;

  /** @returns the status of the reply that this chunk ends, or undefined */
  read(chunk: Buffer): number | undefined {
    let rest = chunk;
    if (this.#bodyLeft === 0) {
      rest = this.#head.length === 0 ? chunk : Buffer.concat([this.#head, chunk]);
      const end = rest.indexOf('\r\n\r\n');
      if (end === -1) {
        this.#head = rest;
        return undefined;
      }
      const head = rest.toString('latin1', 0, end);
      this.#head = Buffer.alloc(0);
      this.#status = Number(head.slice(9, 12));
      this.#bodyLeft = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
      rest = rest.subarray(end + 4);
    }
    this.#bodyLeft -= rest.length;
    return this.#bodyLeft <= 0 ? this.#status : undefined;
  }

  /** Forgets a reply that was cut off. */
  reset(): void {
    this.#head = Buffer.alloc(0);
    this.#bodyLeft = 0;
  }
}

class Line {
  readonly #run: OpenLoopRun;
  readonly #reader = new ReplyReader();
  #socket: Socket | undefined;
  /** The scheduled moment of the request in flight. */
  #dueAtMs: number | undefined;

  constructor(run: OpenLoopRun) {
    this.#run = run;
  }

  send(bytes: Buffer, dueAtMs: number): void {
    this.#dueAtMs = dueAtMs;
    this.#socket ??= this.#open();
    this.#socket.write(bytes);
  }

  /** Closes the connection. A request in flight counts as unanswered. */
  close(): void {
    if (this.#dueAtMs !== undefined) this.#end(undefined);
    this.#socket?.destroy();
  }

  #open(): Socket {
    const socket = connect(this.#run.port, '127.0.0.1').setNoDelay(true);
    socket.on('data', (chunk) => {
      const status = this.#reader.read(chunk);
      if (status !== undefined) this.#end(status);
    });
    // The close event follows, and counts the request in flight as unanswered.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      this.#socket = undefined;
      this.#reader.reset();
      if (this.#dueAtMs !== undefined) this.#end(undefined);
    });
    return socket;
  }

  #end(status: number | undefined): void {
    const dueAtMs = this.#dueAtMs ?? NaN;
    this.#dueAtMs = undefined;
    this.#run.ended(this, status, dueAtMs);
  }
}

class OpenLoopRun {
  readonly port: number;
  readonly #options: OpenLoopOptions;
  readonly #lines: Line[] = [];
  readonly #free: Line[] = [];
  /** Scheduled moments that wait for a free connection, oldest first. */
  #waiting: number[] = [];
  readonly #byStatus = new Map<number, number[]>();
  #number = 0;
  #unsent = 0;
  #unanswered = 0;

  constructor(options: OpenLoopOptions) {
    this.port = options.port;
    this.#options = options;
  }

  async run(): Promise<OpenLoopFigures> {
    const { requestsPerSecond, seconds, patienceMs } = this.#options;
    const startedAtMs = performance.now();
    const total = Math.round(requestsPerSecond * seconds);
    let scheduled = 0;
    while (scheduled < total) {
      const due = ((performance.now() - startedAtMs) * requestsPerSecond) / 1000;
      for (; scheduled < Math.min(due, total); scheduled++) {
        this.#waiting.push(startedAtMs + (scheduled * 1000) / requestsPerSecond);
      }
      this.#sendDue();
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const endsAtMs = performance.now() + patienceMs;
    while (this.#isBusy() && performance.now() < endsAtMs) {
      this.#sendDue();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    this.#unsent += this.#waiting.length;
    for (const line of this.#lines) line.close();
    for (const latencies of this.#byStatus.values()) latencies.sort((a, b) => a - b);
    return { byStatus: this.#byStatus, unsent: this.#unsent, unanswered: this.#unanswered };
  }

  ended(line: Line, status: number | undefined, dueAtMs: number): void {
    this.#free.push(line);
    if (status === undefined) {
      this.#unanswered += 1;
      return;
    }
    const latencies = this.#byStatus.get(status);
    const latencyMs = performance.now() - dueAtMs;
    if (latencies === undefined) this.#byStatus.set(status, [latencyMs]);
    else latencies.push(latencyMs);
  }

  #isBusy(): boolean {
    return this.#waiting.length > 0 || this.#free.length < this.#lines.length;
  }

  #sendDue(): void {
    const tooOldMs = performance.now() - connectionWaitMs;
    let next = 0;
    for (; next < this.#waiting.length; next++) {
      const dueAtMs = this.#waiting[next] ?? 0;
      if (dueAtMs < tooOldMs) {
        this.#unsent += 1;
        continue;
      }
      const line = this.#freeLine();
      if (line === undefined) break;
      line.send(this.#options.request(this.#number++), dueAtMs);
    }
    this.#waiting = this.#waiting.slice(next);
  }

  #freeLine(): Line | undefined {
    if (this.#free.length > 0) return this.#free.pop();
    if (this.#lines.length >= this.#options.connections) return undefined;
    const line = new Line(this);
    this.#lines.push(line);
    return line;
  }
}

export function runOpenLoop(options: OpenLoopOptions): Promise<OpenLoopFigures> {
  return new OpenLoopRun(options).run();
}

/** The latency that this share of the replies did not exceed; NaN if there are no replies. */
export function quantileOf(ascending: readonly number[], share: number): number {
  return ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? NaN;
}
