// The REST protocol of Upstash Redis under /upstash: commands in the path, in a body, and in lists.
// Owns the form of requests and replies. Does not know what a command does: the runner does.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { defaultNamespace as namespace } from '../../base/default-namespace.ts';
import { byteStringOfText } from '../../base/byte-string.ts';
import type { Reply } from '../../commands/reply.ts';
import type { SubmitOptions } from '../../store/store.ts';
import { recordAnswer, sendAnswer, type Answer, type AnswerSink } from '../wire/answer.ts';
import type { BodyLimit } from '../body/body-reader.ts';
import type { AtomicWork, RequestIdentity } from '../idempotency/idempotent-requests.ts';
import { identityOf } from '../idempotency/request-identity.ts';
import { unitsOf } from '../overload/concurrency-limiter.ts';
import { isMeant, nameText, queryText } from '../wire/request-target.ts';
import { statusOfError } from '../wire/status-of-error.ts';
import { commandMount, commandOfPath } from './command-of-path.ts';
import { mayWrite, type CommandPlan, type KeyspacePlan } from './command-planner.ts';
import {
  CommandRunner,
  isStoreError,
  type CommandResult,
  type AtomicPlan,
} from './command-runner.ts';
import { envelope, errorEnvelope, resp2, type Encoding } from './envelope.ts';
import { replyOfError } from './error-reply.ts';
import { commandOfJson, commandsOfJson } from './json-arguments.ts';
import { RequestFault } from './request-fault.ts';
import { syncTokenHeader, SyncTokens } from './sync-tokens.ts';
import type { RouteContext } from '../route-context.ts';

interface AskedCommands {
  readonly request: FastifyRequest;
  readonly body: Buffer;
  readonly commands: readonly (readonly string[])[];
  readonly write: WriteResults;
}

type CommandRequest = FastifyRequest<{ Params: Record<string, unknown> }>;

interface Format {
  readonly encoding: Encoding;
  readonly isResp2: boolean;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT'] as const;

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
    throw new RequestFault('ERR Upstash-Encoding is not allowed with the response format resp2');
  }
  return { encoding: encoding === undefined ? 'text' : 'base64', isResp2 };
}

function asReply(result: CommandResult): Reply {
  return isStoreError(result) ? replyOfError(result) : result;
}

function statusOf(result: CommandResult): number {
  if (isStoreError(result)) return statusOfError[result.code];
  return result.kind === 'error' ? 400 : 200;
}

function sendJson(sink: AnswerSink, status: number, text: string): void {
  sink.code(status).header('content-type', 'application/json');
  sink.header('x-content-type-options', 'nosniff').send(Buffer.from(text));
}

function sendResp2(sink: AnswerSink, status: number, body: Buffer): void {
  sink.code(status).header('content-type', 'application/octet-stream');
  sink.header('x-content-type-options', 'nosniff').send(body);
}

/** Writes the results of commands in the format that the request asks for. */
type WriteResults = (sink: AnswerSink, results: readonly CommandResult[]) => void;

function oneReply({ encoding, isResp2 }: Format): WriteResults {
  return (sink, [result]) => {
    if (result === undefined) throw new Error('a command has one result');
    const status = statusOf(result);
    if (isResp2) sendResp2(sink, status, resp2(asReply(result)));
    else sendJson(sink, status, envelope(asReply(result), encoding));
  };
}

function listOfReplies({ encoding, isResp2 }: Format): WriteResults {
  return (sink, results) => {
    const replies = results.map(asReply);
    if (isResp2) sendResp2(sink, 200, Buffer.concat(replies.map(resp2)));
    else sendJson(sink, 200, `[${replies.map((each) => envelope(each, encoding)).join(',')}]`);
  };
}

/** The error text of Redis, with the reason appended. */
function discarded(index: number, message: string): RequestFault {
  const why = `command ${index + 1}: ${message}`;
  return new RequestFault(`EXECABORT Transaction discarded because of previous errors. (${why})`);
}

/** @throws RequestFault if one of the commands cannot be part of a transaction */
function transactionOf(plans: readonly CommandPlan[]): AtomicPlan[] {
  return plans.map((plan, index) => {
    if (plan.kind === 'keyspace') throw discarded(index, `ERR ${aboutAllKeys(plan)}`);
    const isWrong = plan.kind === 'answered' && !plan.isRun && plan.reply.kind === 'error';
    if (isWrong) throw discarded(index, plan.reply.message);
    return plan;
  });
}

function aboutAllKeys({ command }: KeyspacePlan): string {
  return `'${command.name}' is about all keys, and cannot be part of a transaction`;
}

/** @throws RequestFault if the answer to one of the commands cannot be kept */
function keepable(plans: readonly CommandPlan[]): AtomicPlan[] {
  return plans.map((plan) => {
    if (plan.kind !== 'keyspace') return plan;
    const why = 'and an Idempotency-Key makes several commands one';
    throw new RequestFault(`ERR ${aboutAllKeys(plan)}, ${why}; nothing was carried out`);
  });
}

class UpstashHandlers {
  readonly #options: RouteContext;
  readonly #runner: CommandRunner;
  readonly #tokens: SyncTokens;
  readonly #bodyLimit: BodyLimit;

  constructor(options: RouteContext, tokens: SyncTokens) {
    const { store, clock, limits } = options;
    this.#options = options;
    this.#tokens = tokens;
    this.#runner = new CommandRunner({
      store,
      namespace,
      clock,
      keyBytesMax: limits.keyBytesMax,
      valueBytesMax: limits.valueBytesMax,
    });
    this.#bodyLimit = { bytesMax: limits.batchBytesMax, code: 'REQUEST_TOO_LARGE' };
  }

  /** The path is the command, the body its last argument, and the query its options. */
  readonly path = async (request: CommandRequest, reply: FastifyReply): Promise<void> => {
    if (!isMeant(request)) return reply.callNotFound();
    const write = oneReply(formatOf(request));
    const body = await this.#options.bodies.read(request, reply, this.#bodyLimit);
    const words = commandOfPath(nameText(request, commandMount), queryText(request), body);
    this.#send(reply, await this.#answerEach({ request, body, commands: [words], write }));
  };

  /** The body is the command. */
  readonly body = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const write = oneReply(formatOf(request));
    const body = await this.#options.bodies.read(request, reply, this.#bodyLimit);
    const commands = [commandOfJson(body)];
    this.#send(reply, await this.#answerEach({ request, body, commands, write }));
  };

  readonly pipeline = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { bodies, turns, limits } = this.#options;
    const write = listOfReplies(formatOf(request));
    turns.check();
    const body = await bodies.read(request, reply, this.#bodyLimit);
    const answer = await turns.run(() => {
      const commands = commandsOfJson(body, limits.batchOperationsMax);
      return this.#answerEach({ request, body, commands, write });
    });
    this.#send(reply, answer);
  };

  readonly multiExec = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { bodies, turns, limits } = this.#options;
    const format = formatOf(request);
    if (format.isResp2) throw new RequestFault('ERR resp2 is not allowed for /multi-exec');
    const write = listOfReplies(format);
    turns.check();
    const body = await bodies.read(request, reply, this.#bodyLimit);
    const answer = await turns.run(() => {
      const commands = commandsOfJson(body, limits.batchOperationsMax);
      return this.#answerAtomically({ request, body, commands, write });
    });
    this.#send(reply, answer);
  };

  /** A kept answer may be old, so each reply carries the current token. */
  #send(reply: FastifyReply, { headers, ...answer }: Answer): void {
    const withToken = { ...headers, [syncTokenHeader]: this.#tokens.current };
    sendAnswer(reply, { ...answer, headers: withToken });
  }

  /** Runs each command on its own, in order; with an Idempotency-Key, all as one transaction. */
  #answerEach(asked: AskedCommands): Promise<Answer> {
    const plans = this.#runner.plan(asked.commands);
    const isWrite = mayWrite(plans);
    const identity = isWrite ? identityOf(asked.request, asked.body) : undefined;
    return this.#during(asked, async (options) => {
      try {
        if (identity !== undefined) return await this.#eachOnce(identity, plans, asked, options);
        const results = await this.#runner.run(plans, options);
        return recordAnswer((sink) => asked.write(sink, results));
      } finally {
        if (isWrite) this.#tokens.noteWrite();
      }
    });
  }

  #answerAtomically(asked: AskedCommands): Promise<Answer> {
    const plans = transactionOf(this.#runner.plan(asked.commands));
    const isWrite = mayWrite(plans);
    const identity = isWrite ? identityOf(asked.request, asked.body) : undefined;
    return this.#during(asked, async (options) => {
      try {
        if (identity !== undefined) return await this.#once(identity, plans, asked, options);
        const results = await this.#runner.runAtomically(plans, options);
        // Clients take a list for an answer whatever its status, so an error must not be a list.
        if (isStoreError(results)) throw results;
        return recordAnswer((sink) => asked.write(sink, results));
      } finally {
        if (isWrite) this.#tokens.noteWrite();
      }
    });
  }

  #eachOnce(
    identity: RequestIdentity,
    plans: readonly CommandPlan[],
    asked: AskedCommands,
    options: SubmitOptions,
  ): Promise<Answer> {
    const [first] = plans;
    return plans.length === 1 && first?.kind === 'keyspace'
      ? this.#flushOnce(identity, first, asked)
      : this.#once(identity, keepable(plans), asked, options);
  }

  #once(
    identity: RequestIdentity,
    plans: readonly AtomicPlan[],
    { write }: AskedCommands,
    options: SubmitOptions,
  ): Promise<Answer> {
    const { names, decide } = this.#runner.together(plans, options);
    const decideOnce: AtomicWork['decide'] = (moment) => {
      const { outcome, changes } = decide(moment);
      return { changes, answer: () => recordAnswer((sink) => write(sink, outcome)) };
    };
    return this.#options.idempotency.run(identity, { names, decide: decideOnce }, options);
  }

  async #flushOnce(
    identity: RequestIdentity,
    plan: KeyspacePlan,
    { write }: AskedCommands,
  ): Promise<Answer> {
    const { reply, flush } = await this.#runner.flushing(plan);
    const answer = (): Answer => recordAnswer((sink) => write(sink, [reply]));
    if (flush.length === 0) return answer();
    const work: AtomicWork = { names: [], decide: () => ({ changes: [], flush, answer }) };
    return this.#options.idempotency.run(identity, work, { alone: true });
  }

  #during(
    { commands, body }: AskedCommands,
    work: (options: SubmitOptions) => Promise<Answer>,
  ): Promise<Answer> {
    const units = unitsOf(commands.length, body.length);
    return this.#options.work.during(units, () =>
      this.#options.values.during((reserveReplyBytes) => work({ reserveReplyBytes })),
    );
  }
}

/** Answers this dialect's own faults. The app's handler answers other errors in the same form. */
function handleErrors(scope: FastifyInstance, tokens: SyncTokens): void {
  scope.setErrorHandler((thrown, _request, reply) => {
    reply.header(syncTokenHeader, tokens.current);
    if (thrown instanceof RequestFault) {
      sendJson(reply, thrown.status, errorEnvelope(byteStringOfText(thrown.message)));
      return;
    }
    throw thrown;
  });
}

export async function upstashRoutes(app: FastifyInstance, options: RouteContext): Promise<void> {
  const tokens = new SyncTokens();
  const handlers = new UpstashHandlers(options, tokens);
  await app.register(async (scope) => {
    handleErrors(scope, tokens);
    for (const method of methods) {
      scope.route({
        method,
        url: commandMount.route,
        exposeHeadRoute: false,
        handler: handlers.path,
      });
    }
    for (const method of ['POST', 'PUT'] as const) {
      scope.route({ method, url: '/upstash', handler: handlers.body });
      scope.route({ method, url: '/upstash/pipeline', handler: handlers.pipeline });
      scope.route({ method, url: '/upstash/multi-exec', handler: handlers.multiExec });
    }
  });
}
