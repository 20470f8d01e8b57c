// Sends requests to a server for a command that writes much, and tries again if the server is busy or
// cannot be reached for a while. The caller sends only requests that may be carried out twice. Knows
// no route.
import { setTimeout as sleepMs } from 'node:timers/promises';
import { timeText } from './admin/admin-text.ts';
import { reasonOf } from './fetch-backup.ts';
import { CommandError, exitCodes } from './command-error.ts';
import { urlBelow, type ServerRequest } from './server-request.ts';

/** An answer of the server, of whatever status. */
export interface ServerAnswer {
  readonly status: number;
  /** The body; undefined if it is no JSON. */
  readonly json: unknown;
}

export interface PatientClientOptions {
  readonly request: ServerRequest;
  readonly signal: AbortSignal;
  /** The machine's clock, Unix milliseconds. */
  readonly wallMs: () => number;
  /** Takes a line, without its newline, that says why a person has to wait. */
  readonly tell: (line: string) => void;
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<unknown>;
  /** Milliseconds without an answer before a line says so, and between two such lines. */
  readonly silenceMs?: number;
}

/** Answers of a server that is busy or stopping, and of a proxy whose server is. */
const busyStatuses: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** So many tries of one request take a minute or more, which is enough for a restart. */
const triesMax = 12;
const firstWaitMs = 250;
const waitMsMax = 10_000;
/** A longer Retry-After is not waited for in one piece. */
const retryAfterMsMax = 60_000;

/** A shorter wait is not told. */
const toldWaitMsMin = 1000;
const defaultSilenceMs = 5000;
/** Node ends a request by itself that has had no answer for so long. */
const answerMsMax = 300_000;

/** The header Date is in whole seconds, and an answer takes time. */
const skewMsMin = 2000;

export class PatientClient {
  readonly #options: PatientClientOptions;
  #skewMs = 0;

  constructor(options: PatientClientOptions) {
    this.#options = options;
  }

  /** The server's clock, to about two seconds, Unix milliseconds. */
  serverMs(): number {
    return this.#options.wallMs() + this.#skewMs;
  }

  /** @throws CommandError if the server cannot be reached or is busy in every try */
  async get(path: string): Promise<ServerAnswer> {
    return await this.#send(path, { method: 'GET' });
  }

  /** @throws CommandError if the server cannot be reached or is busy in every try */
  async post(path: string, json: string): Promise<ServerAnswer> {
    return await this.#send(path, { method: 'POST', body: json });
  }

  /**
   * Waits before another try.
   *
   * @param tries the number of tries so far
   * @param askedMs the time that the server asks for; undefined if it asks for none
   * @throws CommandError with the reason if there have been too many tries
   */
  async wait(tries: number, reason: string, askedMs?: number): Promise<void> {
    if (tries >= triesMax) {
      throw failureOf(`${reason}; ${tries} tries have failed`);
    }
    const ms = Math.max(backOffMs(tries), Math.min(askedMs ?? 0, retryAfterMsMax));
    const { signal, sleep = sleepWith } = this.#options;
    if (ms >= toldWaitMsMin) this.#tellWait(tries, reason, ms);
    await sleep(ms, signal);
  }

  #tellWait(tries: number, reason: string, ms: number): void {
    let untilMs = this.#options.wallMs() + ms;
    for (let later = tries + 1; later < triesMax; later++) untilMs += backOffMs(later);
    this.#options.tell(
      `waiting for the server, until about ${timeText(untilMs)}; next try in ` +
        `${Math.ceil(ms / 1000)} s: ${reason}`,
    );
  }

  /** @returns ends the telling */
  #tellSilence({ origin }: URL): () => void {
    const { wallMs, tell, silenceMs = defaultSilenceMs } = this.#options;
    const until = timeText(wallMs() + answerMsMax);
    const line = `waiting for the server, in this try until ${until}: ${origin} gives no answer yet`;
    const timer = setInterval(() => tell(line), silenceMs);
    return () => clearInterval(timer);
  }

  async #send(path: string, parts: RequestInit): Promise<ServerAnswer> {
    const { request, signal } = this.#options;
    const at = urlBelow(request.url, path);
    for (let tries = 1; ; tries++) {
      const outcome = await this.#try(at, { ...parts, headers: request.headers, signal });
      if ('status' in outcome) return outcome;
      signal.throwIfAborted();
      await this.wait(tries, outcome.reason, outcome.askedMs);
    }
  }

  /** @returns the answer, or why to try again */
  async #try(at: URL, parts: RequestInit): Promise<ServerAnswer | Refusal> {
    let response: Response;
    let text: string;
    const endTelling = this.#tellSilence(at);
    try {
      response = await fetch(at, { ...parts, redirect: 'manual' });
      text = await response.text();
    } catch (error) {
      return { reason: `${at.origin} cannot be reached (${reasonOf(error)})`, askedMs: undefined };
    } finally {
      endTelling();
    }
    const { status, headers } = response;
    this.#noteDate(headers.get('date'));
    if (status >= 300 && status < 400) {
      // A write is not sent on to a server that the operator has not named.
      throw failureOf(`${at.origin} redirects to another address; allowed: its own one as --url`);
    }
    const json = parsed(text);
    if (!busyStatuses.has(status)) return { status, json };
    const seconds = Number(headers.get('retry-after') ?? Number.NaN);
    const askedMs = Number.isFinite(seconds) ? 1000 * seconds : undefined;
    return { reason: `${at.origin} refused with ${status}${detailOf(json)}`, askedMs };
  }

  #noteDate(date: string | null): void {
    const { wallMs } = this.#options;
    const skewMs = Date.parse(date ?? '') - wallMs();
    // NaN is not beyond the bound either.
    this.#skewMs = Math.abs(skewMs) > skewMsMin ? skewMs : 0;
  }
}

interface Refusal {
  readonly reason: string;
  readonly askedMs: number | undefined;
}

/** Milliseconds to wait after so many tries, if the server asks for no longer time. */
function backOffMs(tries: number): number {
  return Math.min(waitMsMax, firstWaitMs * 2 ** (tries - 1));
}

async function sleepWith(ms: number, signal: AbortSignal): Promise<unknown> {
  return await sleepMs(ms, undefined, { signal });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The text of a JSON error, behind a colon; empty if the answer is no such error. */
export function detailOf(json: unknown): string {
  const { detail, error } = (json ?? {}) as { detail?: unknown; error?: unknown };
  const text = detail ?? error;
  return typeof text === 'string' ? `: ${text}` : '';
}

function failureOf(message: string): CommandError {
  return new CommandError(exitCodes.failed, message);
}
