// The REST protocol of Upstash Redis under /upstash: commands in the path, in a body, and in lists.
// Owns the form of requests; reply-format.ts has that of replies. Does not know what a command does.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { defaultNamespace as namespace } from '../../base/default-namespace.ts';
import { byteStringOfText } from '../../base/byte-string.ts';
import type { SubmitOptions } from '../../store/store.ts';
import { recordAnswer, sendAnswer, type Answer } from '../wire/answer.ts';
import type { BodyLimit } from '../body/body-reader.ts';
import type { AtomicWork, RequestIdentity } from '../idempotency/idempotent-requests.ts';
import { identityOf } from '../idempotency/request-identity.ts';
import { unitsOf } from '../overload/concurrency-limiter.ts';
import { isMeant, nameText, queryText } from '../wire/request-target.ts';
import { commandMount, commandOfPath } from './command-of-path.ts';
import { mayWrite, type CommandPlan, type KeyspacePlan } from './command-planner.ts';
import { CommandRunner, isStoreError, type AtomicPlan } from './command-runner.ts';
import { errorEnvelope } from './envelope.ts';
import { commandOfJson, commandsOfJson } from './json-arguments.ts';
import { formatOf, listOfReplies, oneReply, sendJson, type WriteResults } from './reply-format.ts';
import { RequestFault } from './request-fault.ts';
import { keepable, transactionOf } from './transaction-plan.ts';
import { syncTokenHeader, SyncTokens } from './sync-tokens.ts';
import type { RouteContext } from '../route-context.ts';

interface AskedCommands {
  readonly request: FastifyRequest;
  readonly body: Buffer;
  readonly commands: readonly (readonly string[])[];
  readonly write: WriteResults;
}

type CommandRequest = FastifyRequest<{ Params: Record<string, unknown> }>;

const methods = ['GET', 'HEAD', 'POST', 'PUT'] as const;

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
