// Sends the same commands to a served store and to Redis, in requests as clients send them. Finds
// the first reply that differs.
import type { Reply } from '../../../src/commands/reply.ts';
import { isResolved, resolveCommand } from '../../../src/commands/resolve-command.ts';
import {
  isEqualReply,
  isNearlySameDeadline,
  isNearlySameExpireTime,
  isNearlySameNumber,
  isSameReply,
  lastDeadline,
  show,
} from './compare-replies.ts';
import { keysOf, lookAtAll, setsDeadline, showCommand } from './differential.ts';
import type { Mismatch } from './find-mismatch.ts';
import { isKey, isText, nameOf, type SentCommand } from './random-sent-commands.ts';
import type { RespClient } from './resp-client.ts';
import { parseReplies } from './resp-parser.ts';
import { isAnswerToForeignCursor, isForeignCursor, walk, type Ask } from './scan-walk.ts';
import type { HttpAnswer, UpstashClient } from './served-store.ts';
import { jsonOfReply } from './upstash-wire.ts';

/** The server's answer, parsed without any knowledge of the expected one. */
type Ours = { readonly reply: Reply } | { readonly json: HttpAnswer; readonly isBase64: boolean };

interface Theirs {
  readonly reply: Reply;
  /** For INCRBYFLOAT: the earlier value of the key. */
  readonly old: Reply | undefined;
}

type Difference = Omit<Mismatch, 'index'>;

/** These end their request: later commands go out only when both stores are in the same state. */
const onlyLast: ReadonlySet<string> = new Set(['scan', 'incrbyfloat']);

function plainCommand(words: readonly string[]): SentCommand {
  const form = words.every(isText) ? 'pipeline' : 'path';
  return { words, form, endsRequest: false, hasNumbers: false };
}

/** The commands of one request, beginning with the one at `start`. */
function requestAt(commands: readonly SentCommand[], start: number): readonly SentCommand[] {
  const form = commands[start]?.form;
  if (form !== 'pipeline' && form !== 'transaction') return commands.slice(start, start + 1);
  for (let end = start; ; end++) {
    const command = commands[end];
    if (command?.form !== form) return commands.slice(start, end);
    if (command.endsRequest || onlyLast.has(nameOf(command.words)))
      return commands.slice(start, end + 1);
  }
}

/** The store refuses some keys that Redis takes: a known difference. */
function refusalOf(words: readonly string[]): Reply | undefined {
  const wrong = keysOf(words).find((key) => !isKey(key));
  if (wrong === undefined) return undefined;
  const message = wrong === '' ? 'a key must not be empty' : 'a key must be valid UTF-8';
  return { kind: 'error', message: `ERR ${message}` };
}

export function showSent({ form, words, endsRequest }: SentCommand): string {
  return `${endsRequest ? `${form}.` : form}\t${showCommand(words)}`;
}

/** The store refuses some commands in a transaction that Redis takes: a known difference. */
function isRefusedTogether(words: readonly string[]): boolean {
  const found = resolveCommand(words);
  return isResolved(found) && (found.command.kind === 'keyspace' || !found.keys.every(isKey));
}

function differenceOfJson(ours: HttpAnswer, status: number, text: string): Difference | undefined {
  const body = Buffer.from(text).toString('latin1');
  if (ours.status === status && ours.body === body) return undefined;
  return { ours: `${ours.status} ${ours.body}`, theirs: `${status} ${body}` };
}

/** Turns an unexpected error into a mismatch, which is reported with seed and context. */
function mismatchOf({ length }: readonly SentCommand[], thrown: unknown): Mismatch {
  return { index: length - 1, ours: `thrown: ${String(thrown)}`, theirs: `${length} replies` };
}

function integerOf(reply: Reply | undefined): number {
  return reply?.kind === 'integer' ? Number(reply.value) : NaN;
}

export class ServerDifferential {
  readonly #server: UpstashClient;
  readonly #redis: RespClient;
  #look: readonly string[] = [];

  constructor(server: UpstashClient, redis: RespClient) {
    this.#server = server;
    this.#redis = redis;
  }

  readonly run = async (commands: readonly SentCommand[]): Promise<Mismatch | undefined> => {
    await this.#redis.call(['flushall']);
    await this.#ours(['flushall']);
    this.#look = lookAtAll(commands.map(({ words }) => words));
    for (let start = 0; start < commands.length;) {
      const request = requestAt(commands, start);
      const isTransaction = request[0]?.form === 'transaction';
      const step = isTransaction ? this.#stepTogether(request) : this.#step(request);
      const mismatch = await step.catch((thrown) => mismatchOf(request, thrown));
      if (mismatch !== undefined) return { ...mismatch, index: start + mismatch.index };
      start += request.length;
    }
    const difference = await this.#compareEverything();
    return difference && { index: commands.length - 1, ...difference };
  };

  async #step(request: readonly SentCommand[]): Promise<Mismatch | undefined> {
    const theirs = await this.#askRedis(request);
    const ours = await this.#askServer(request);
    if (ours.length !== request.length) throw new Error(`${ours.length} replies`);
    let isDeadlineNew = false;
    for (const [index, { words }] of request.entries()) {
      const [our, their] = [ours[index], theirs[index]];
      if (our === undefined || their === undefined) throw new Error('no reply');
      const difference = await this.#compare(words, our, their, isDeadlineNew);
      if (difference !== undefined) return { index, ...difference };
      isDeadlineNew ||= setsDeadline.has(nameOf(words));
    }
    return this.#settle(request);
  }

  /** Runs the request as one transaction. The two word the error that discards it differently. */
  async #stepTogether(request: readonly SentCommand[]): Promise<Mismatch | undefined> {
    const ours = await this.#server.transaction(request);
    const questions = request.map(({ words }) => words);
    const isVoid = questions.some(isRefusedTogether);
    const sent = isVoid ? [] : [['multi'], ...questions, ['exec']];
    const theirs = (await this.#redis.callAll(sent)).at(-1);
    const index = request.length - 1;
    if (theirs?.kind !== 'array') {
      if (ours.status === 400 && ours.body.startsWith('{"error":"')) return undefined;
      const text = theirs === undefined ? 'known to be refused' : show(theirs);
      return { index, ours: `${ours.status} ${ours.body}`, theirs: text };
    }
    const replies = (theirs.items ?? []).map((reply) => jsonOfReply(reply, true));
    const difference = differenceOfJson(ours, 200, `[${replies.join(',')}]`);
    return difference === undefined ? this.#settle(request) : { index, ...difference };
  }

  /** Takes over deadlines that the request may have set. */
  async #settle(request: readonly SentCommand[]): Promise<Mismatch | undefined> {
    if (!request.some(({ words }) => setsDeadline.has(nameOf(words)))) return undefined;
    const keys = request.flatMap(({ words }) => keysOf(words)).filter(isKey);
    const difference = await this.#agreeOnDeadlines([...new Set(keys)]);
    return difference && { index: request.length - 1, ...difference };
  }

  readonly #ours: Ask = async (words) => {
    const command = plainCommand(words);
    if (command.form === 'path') return this.#replyIn(await this.#server.alone(command));
    const [reply] = await this.#server.pipeline([command]);
    return reply ?? { kind: 'error', message: 'no reply' };
  };

  readonly #theirs: Ask = (words) => this.#redis.call(words);

  async #askServer(request: readonly SentCommand[]): Promise<Ours[]> {
    const [first] = request;
    if (first === undefined) return [];
    if (first.form === 'pipeline')
      return (await this.#server.pipeline(request)).map((reply) => ({ reply }));
    const answer = await this.#server.alone(first);
    if (first.form === 'path' || first.form === 'body') return [{ reply: this.#replyIn(answer) }];
    return [{ json: answer, isBase64: first.form === 'base64' }];
  }

  /** For a command alone, in RESP: the status must agree with the reply. */
  #replyIn({ status, body }: HttpAnswer): Reply {
    const [reply, ...more] = parseReplies(body);
    if (reply === undefined || more.length > 0) throw new Error(`not one reply: ${body}`);
    if (status === (reply.kind === 'error' ? 400 : 200)) return reply;
    return { kind: 'error', message: `status ${status} with ${show(reply)}` };
  }

  /** Some commands must not go to Redis. This answers them in its place. */
  async #askRedis(request: readonly SentCommand[]): Promise<Theirs[]> {
    const sent: (readonly string[])[] = [];
    const places = request.map(({ words }) => {
      const refusal = refusalOf(words);
      if (refusal !== undefined) return { refusal, at: -1, oldAt: undefined };
      const [name, [key = '']] = [nameOf(words), keysOf(words)];
      if (name === 'dbsize') sent.push(this.#look);
      const oldAt = name === 'incrbyfloat' ? sent.push(['get', key]) - 1 : undefined;
      return { refusal, at: sent.push(words) - 1, oldAt };
    });
    const replies = await this.#redis.callAll(sent);
    const replyAt = (index: number): Reply => {
      const reply = replies[index];
      if (reply === undefined) throw new Error('Redis answers everything');
      return reply;
    };
    return places.map(({ refusal, at, oldAt }) => ({
      reply: refusal ?? replyAt(at),
      old: oldAt === undefined ? undefined : replyAt(oldAt),
    }));
  }

  async #compare(
    words: readonly string[],
    ours: Ours,
    { reply: theirs, old }: Theirs,
    isDeadlineNew: boolean,
  ): Promise<Difference | undefined> {
    const name = nameOf(words);
    const [, key = '', argument = ''] = words;
    if ('json' in ours) {
      const status = theirs.kind === 'error' ? 400 : 200;
      return differenceOfJson(ours.json, status, jsonOfReply(theirs, ours.isBase64));
    }
    const replies = [ours.reply, theirs] as const;
    if (name === 'scan' && isForeignCursor(key) && isAnswerToForeignCursor(ours.reply))
      return undefined;
    if (name === 'scan' && replies.every(({ kind }) => kind === 'array')) {
      const whole = [
        await walk(this.#ours, words, ours.reply),
        await walk(this.#theirs, words, theirs),
      ] as const;
      return this.#difference(name, ...whole);
    }
    if (name === 'incrbyfloat' && theirs.kind === 'bulk') {
      const before = old?.kind === 'bulk' ? (old.value ?? '0') : '0';
      if (!isNearlySameNumber(...replies, [before, argument]))
        return this.#difference(name, ...replies);
      // Give both the same value. Otherwise every later reply would differ, too.
      if (!isEqualReply(ours.reply, theirs))
        await this.#ours(['set', key, theirs.value ?? '', 'keepttl']);
      return undefined;
    }
    if (name.endsWith('expiretime') && isNearlySameExpireTime(name, ...replies, isDeadlineNew))
      return undefined;
    return this.#difference(name, ...replies);
  }

  /** The two saw the commands at different times, so this takes Redis's deadlines over. */
  async #agreeOnDeadlines(keys: readonly string[]): Promise<Difference | undefined> {
    if (keys.length === 0) return undefined;
    const questions = keys.map((key) => ['pexpiretime', key]);
    const ours = await this.#server.pipeline(questions.map(plainCommand));
    const theirs = await this.#redis.callAll(questions);
    const changes: SentCommand[] = [];
    for (const [i, key] of keys.entries()) {
      const [our, their] = [integerOf(ours[i]), integerOf(theirs[i])];
      if (our === Math.min(their, lastDeadline)) continue;
      if (our < 0 || their < 0 || !isNearlySameDeadline(our, their))
        return { ours: `pexpiretime ${our}`, theirs: `pexpiretime ${their}` };
      changes.push(plainCommand(['pexpireat', key, String(their)]));
    }
    if (changes.length > 0) await this.#server.pipeline(changes);
    return undefined;
  }

  /** Compares all keys with their values and deadlines. */
  async #compareEverything(): Promise<Difference | undefined> {
    const keys = await this.#theirs(['keys', '*']);
    const difference = this.#difference('keys', await this.#ours(['keys', '*']), keys);
    if (difference !== undefined || keys.kind !== 'array') return difference;
    const all = (keys.items ?? []).map((key) => (key.kind === 'bulk' ? (key.value ?? '') : ''));
    if (all.length === 0) return undefined;
    const words = ['mget', ...all];
    const values = this.#difference('mget', await this.#ours(words), await this.#theirs(words));
    return values ?? (await this.#agreeOnDeadlines(all));
  }

  #difference(name: string, ours: Reply, theirs: Reply): Difference | undefined {
    if (isSameReply(name, ours, theirs, Date.now())) return undefined;
    return { ours: show(ours), theirs: show(theirs) };
  }
}
