// The REST protocol of Upstash Redis under /upstash: commands in the path, in a body, and lists of
// them. Knows how requests and replies look; what commands do is the runner's.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../base/clock.ts';
import { defaultNamespace as namespace } from '../../base/default-namespace.ts';
import { byteStringOfText } from '../../base/byte-string.ts';
import { StoreError } from '../../base/errors.ts';
import { error as errorReply, type Reply } from '../../commands/reply.ts';
import type { CommandStore } from '../../store/store.ts';
import type { BodyLimit, BodyReader } from '../body.ts';
import type { HttpLimits } from '../limits.ts';
import type { GatheredValues } from '../overload/gathered-values.ts';
import type { TurnQueue } from '../overload/turn-queue.ts';
import { unitsOf, type WorkInFlight } from '../overload/work-in-flight.ts';
import { problemOf } from '../problem.ts';
import { commandRoute, nameText, queryText } from '../request-target.ts';
import { statusOfError } from '../status-of-error.ts';
import { commandOfPath } from './command-of-path.ts';
import { CommandRunner, isRefused, type CommandResult } from './command-runner.ts';
import { envelope, errorEnvelope, resp2, type Encoding } from './envelope.ts';
import { commandOfJson, commandsOfJson } from './json-arguments.ts';
import { RequestFault } from './request-fault.ts';

export interface UpstashRouteOptions {
  readonly store: CommandStore;
  readonly clock: Clock;
  readonly bodies: BodyReader;
  readonly work: WorkInFlight;
  readonly turns: TurnQueue;
  readonly values: GatheredValues;
  readonly limits: HttpLimits;
}

interface Format {
  readonly encoding: Encoding;
  readonly isResp2: boolean;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT'] as const;

/** This store is one copy: every read comes after every write that was answered. */
const syncToken = '0';

function headerOf({ headers }: FastifyRequest, name: string): string | undefined {
  const value = headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

function formatOf(request: FastifyRequest): Format {
  const encoding = headerOf(request, 'upstash-encoding');
  if (encoding !== undefined && encoding.toLowerCase() !== 'base64') {
    throw new RequestFault('ERR Upstash-Encoding must be base64, or left out');
  }
  const format = headerOf(request, 'upstash-response-format')?.toLowerCase() ?? 'json';
  if (format !== 'json' && format !== 'resp2') {
    throw new RequestFault('ERR Upstash-Response-Format must be json or resp2');
  }
  const isResp2 = format === 'resp2';
  if (isResp2 && encoding !== undefined) {
    throw new RequestFault('ERR Upstash-Encoding can not be had with the response format resp2');
  }
  return { encoding: encoding === undefined ? 'text' : 'base64', isResp2 };
}

/** The store's own errors, in the words of this dialect; whether anything happened stands behind. */
function asReply(result: CommandResult): Reply {
  if (!isRefused(result)) return result;
  const { code, outcome, message } = result;
  return errorReply(byteStringOfText(`${message} (${code}, ${outcome})`));
}

function statusOf(result: CommandResult): number {
  if (isRefused(result)) return statusOfError[result.code];
  return result.kind === 'error' ? 400 : 200;
}

function sendJson(reply: FastifyReply, status: number, text: string): void {
  reply.code(status).header('content-type', 'application/json');
  reply.header('upstash-sync-token', syncToken).header('x-content-type-options', 'nosniff');
  reply.send(Buffer.from(text));
}

function listOf(replies: readonly Reply[], encoding: Encoding): string {
  return `[${replies.map((each) => envelope(each, encoding)).join(',')}]`;
}

function sendResp2(reply: FastifyReply, status: number, body: Buffer): void {
  reply.code(status).header('content-type', 'application/octet-stream');
  reply.header('upstash-sync-token', syncToken).header('x-content-type-options', 'nosniff');
  reply.send(body);
}

class UpstashHandlers {
  readonly #options: UpstashRouteOptions;
  readonly #runner: CommandRunner;
  readonly #bodyLimit: BodyLimit;

  constructor(options: UpstashRouteOptions) {
    const { store, clock, limits } = options;
    this.#options = options;
    this.#runner = new CommandRunner({
      store,
      namespace,
      clock,
      keyBytesMax: limits.keyBytesMax,
      valueBytesMax: limits.valueBytesMax,
    });
    this.#bodyLimit = { bytesMax: limits.batchBytesMax, code: 'REQUEST_TOO_LARGE' };
  }

  /** The command is the path, with the body as its last argument and the query as its options. */
  readonly path = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const format = formatOf(request);
    const body = await this.#options.bodies.read(request, reply, this.#bodyLimit);
    const words = commandOfPath(nameText(request), queryText(request), body);
    await this.#answerOne(words, body.length, format, reply);
  };

  /** The command is the body. */
  readonly body = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const format = formatOf(request);
    const body = await this.#options.bodies.read(request, reply, this.#bodyLimit);
    await this.#answerOne(commandOfJson(body), body.length, format, reply);
  };

  readonly pipeline = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { bodies, turns, limits } = this.#options;
    const { encoding, isResp2 } = formatOf(request);
    turns.check();
    const body = await bodies.read(request, reply, this.#bodyLimit);
    const results = await turns.run(() => {
      const commands = commandsOfJson(body, limits.batchOperationsMax);
      return this.#run(commands, body.length);
    });
    const replies = results.map(asReply);
    if (isResp2) sendResp2(reply, 200, Buffer.concat(replies.map(resp2)));
    else sendJson(reply, 200, listOf(replies, encoding));
  };

  readonly multiExec = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { bodies, turns, limits, work, values } = this.#options;
    const { encoding, isResp2 } = formatOf(request);
    if (isResp2) throw new RequestFault('ERR resp2 can not be had of /multi-exec');
    turns.check();
    const body = await bodies.read(request, reply, this.#bodyLimit);
    const results = await turns.run(() => {
      const commands = commandsOfJson(body, limits.batchOperationsMax);
      return work.during(unitsOf(commands.length, body.length), () =>
        values.during((refuseValue) => this.#runner.runTogether(commands, { refuseValue })),
      );
    });
    // The client takes a list for an answer whatever its status: an error has to be something else.
    if (isRefused(results)) throw results;
    sendJson(reply, 200, listOf(results, encoding));
  };

  async #answerOne(
    words: readonly string[],
    bytes: number,
    { encoding, isResp2 }: Format,
    reply: FastifyReply,
  ): Promise<void> {
    const [result] = await this.#run([words], bytes);
    if (result === undefined) throw new Error('a command has one result');
    const status = statusOf(result);
    if (isResp2) sendResp2(reply, status, resp2(asReply(result)));
    else sendJson(reply, status, envelope(asReply(result), encoding));
  }

  #run(commands: readonly (readonly string[])[], bytes: number): Promise<CommandResult[]> {
    const { work, values } = this.#options;
    return work.during(unitsOf(commands.length, bytes), () =>
      values.during((refuseValue) => this.#runner.run(commands, { refuseValue })),
    );
  }
}

/** In the form that the clients of this protocol can read, whatever goes wrong. */
function handleErrors(scope: FastifyInstance): void {
  scope.setErrorHandler((thrown, _request, reply) => {
    if (thrown instanceof RequestFault) {
      sendJson(reply, thrown.status, errorEnvelope(byteStringOfText(thrown.message)));
      return;
    }
    if (!(thrown instanceof StoreError)) throw thrown;
    const { status, headers } = problemOf(thrown);
    if (headers['retry-after'] !== undefined) reply.header('retry-after', headers['retry-after']);
    const { message } = asReply(thrown) as { message: string };
    sendJson(reply, status, errorEnvelope(message));
  });
}

export async function upstashRoutes(
  app: FastifyInstance,
  options: UpstashRouteOptions,
): Promise<void> {
  const handlers = new UpstashHandlers(options);
  await app.register(async (scope) => {
    handleErrors(scope);
    for (const method of methods) {
      scope.route({ method, url: commandRoute, exposeHeadRoute: false, handler: handlers.path });
    }
    for (const method of ['POST', 'PUT'] as const) {
      scope.route({ method, url: '/upstash', handler: handlers.body });
      scope.route({ method, url: '/upstash/pipeline', handler: handlers.pipeline });
      scope.route({ method, url: '/upstash/multi-exec', handler: handlers.multiExec });
    }
  });
}
