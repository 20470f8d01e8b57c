// The REST protocol of Upstash Redis under /upstash: commands in the path, in a body, and in lists.
// Owns the form of requests; reply-format.ts has that of replies. Does not know what a command does.
import type { FastifyInstance } from 'fastify';
import { byteStringOfText } from '../../base/byte-string.ts';
import { andThen, withEnd, type MaybePromise } from '../../base/maybe-promise.ts';
import type { SubmitOptions } from '../../store/store.ts';
import type { HeaderPairs } from '../access/cors.ts';
import type { RequestScope } from '../access/request-scopes.ts';
import type { ReadBody } from '../body/body-reader.ts';
import { answering, jsonAnswer, sendAnswer, type Answer } from '../wire/answer.ts';
import type { AtomicWork, RequestIdentity } from '../idempotency/idempotent-requests.ts';
import { unitsOf } from '../overload/concurrency-limiter.ts';
import type { HttpRequest } from '../wire/request-head.ts';
import { queryText } from '../wire/request-target.ts';
import { commandMount, commandOfPath, commandText } from './command-of-path.ts';
import { mayWrite, type ParsedCommand, type ParsedKeyspaceCommand } from './command-parser.ts';
import { CommandRunner, isStoreError, type AtomicCommand } from './command-runner.ts';
import { errorEnvelope } from './envelope.ts';
import { commandOfJson, commandsOfJson } from './json-arguments.ts';
import { formatOf, listOfReplies, oneReply, type AnswerOfResults } from './reply-format.ts';
import { RequestFault } from './request-fault.ts';
import { allowedInTransaction, allowedOnce } from './allowed-commands.ts';
import { syncTokenHeader, SyncTokens } from './sync-tokens.ts';
import type { RouteContext } from '../route-context.ts';

interface Asked {
  readonly request: HttpRequest;
  readonly scope: RequestScope;
  readonly body: Buffer;
  readonly commands: readonly ParsedCommand[];
}

interface AskedCommands extends Asked {
  readonly answerOf: AnswerOfResults;
}

/** A request with an Idempotency-Key. */
interface AskedOnce {
  readonly scope: RequestScope;
  readonly identity: RequestIdentity;
  readonly answerOf: AnswerOfResults;
}

const methods = ['GET', 'HEAD', 'POST', 'PUT'] as const;

class UpstashHandlers {
  readonly #context: RouteContext;
  readonly #runner: CommandRunner;
  readonly #tokens: SyncTokens;

  constructor(context: RouteContext, tokens: SyncTokens) {
    const { clock, limits } = context;
    this.#context = context;
    this.#tokens = tokens;
    this.#runner = new CommandRunner({
      clock,
      keyBytesMax: limits.keyBytesMax,
      valueBytesMax: limits.valueBytesMax,
    });
  }

  /** The path is the command, the body its last argument, and the query its options. */
  readonly path = (request: HttpRequest, readBody: ReadBody): MaybePromise<Answer> => {
    const { originalUrl, raw } = request;
    raw.charge?.noteTarget(originalUrl.length);
    return this.#one(request, readBody, (body) =>
      commandOfPath(commandText(originalUrl), queryText(request), body),
    );
  };

  /** The body is the command. */
  readonly body = (request: HttpRequest, readBody: ReadBody): MaybePromise<Answer> =>
    this.#one(request, readBody, commandOfJson);

  readonly pipeline = (request: HttpRequest, readBody: ReadBody): MaybePromise<Answer> => {
    const answerOf = listOfReplies(formatOf(request));
    return this.#many(request, readBody, (asked, options) =>
      this.#answerEach({ ...asked, answerOf }, options),
    );
  };

  readonly multiExec = (request: HttpRequest, readBody: ReadBody): MaybePromise<Answer> => {
    const format = formatOf(request);
    if (format.isResp2) throw new RequestFault('ERR resp2 is not allowed for /multi-exec');
    const answerOf = listOfReplies(format);
    return this.#many(request, readBody, (asked, options) =>
      this.#answerAtomically({ ...asked, answerOf }, options),
    );
  };

  #one(
    request: HttpRequest,
    readBody: ReadBody,
    parse: (body: Buffer) => readonly string[],
  ): MaybePromise<Answer> {
    const { large, scopes } = this.#context;
    const scope = scopes.of(request);
    const answerOf = oneReply(formatOf(request));
    return andThen(large.read(readBody), (body) => {
      const commands = this.#runner.parse([parse(body)]);
      return large.runNow(scope.namespace, unitsOf(1, body.length), (options) =>
        this.#answerEach({ request, scope, body, commands, answerOf }, options),
      );
    });
  }

  #many(
    request: HttpRequest,
    readBody: ReadBody,
    answer: (asked: Asked, options: SubmitOptions) => MaybePromise<Answer>,
  ): MaybePromise<Answer> {
    const { large, limits, scopes } = this.#context;
    const scope = scopes.of(request);
    return large.run(scope.namespace, readBody, (body) => {
      const commands = this.#runner.parse(commandsOfJson(body, limits.batchOperationsMax));
      return {
        parts: commands.length,
        work: (options) => answer({ request, scope, body, commands }, options),
      };
    });
  }

  /** Runs each command on its own, in order; with an Idempotency-Key, all as one transaction. */
  #answerEach(asked: AskedCommands, options: SubmitOptions): MaybePromise<Answer> {
    const { answerOf, scope, commands } = asked;
    return this.#answer(asked, (identity) => {
      if (identity !== undefined)
        return this.#eachOnce({ scope, identity, answerOf }, commands, options);
      return andThen(this.#runner.run(scope, commands, options), (results) =>
        answerOf(results, commands),
      );
    });
  }

  #answerAtomically({ answerOf, ...asked }: AskedCommands, options: SubmitOptions) {
    const { scope } = asked;
    const commands = allowedInTransaction(asked.commands, (command) =>
      this.#runner.refusalOf(scope, command),
    );
    return this.#answer(asked, async (identity) => {
      if (identity !== undefined)
        return await this.#once({ scope, identity, answerOf }, commands, options);
      const results = await this.#runner.runAtomically(scope, commands, options);
      // Clients take a list for an answer whatever its status, so an error must not be a list.
      if (isStoreError(results)) throw results;
      return answerOf(results, commands);
    });
  }

  #answer(
    { request, scope, body, commands }: Asked,
    run: (identity: RequestIdentity | undefined) => MaybePromise<Answer>,
  ): MaybePromise<Answer> {
    if (!mayWrite(commands)) return run(undefined);
    request.raw.charge?.countWrite(body.length);
    const identity = this.#context.identityOf(request, body, scope);
    return withEnd(
      () => run(identity),
      () => this.#tokens.noteWrite(),
    );
  }

  #eachOnce(
    once: AskedOnce,
    commands: readonly ParsedCommand[],
    options: SubmitOptions,
  ): Promise<Answer> {
    const [first] = commands;
    return commands.length === 1 && first?.kind === 'keyspace'
      ? this.#flushOnce(once, first)
      : this.#once(once, allowedOnce(commands), options);
  }

  #once(
    { scope, identity, answerOf }: AskedOnce,
    commands: readonly AtomicCommand[],
    options: SubmitOptions,
  ): Promise<Answer> {
    const { names, plan } = this.#runner.transactionOf(scope, commands, options);
    const planOnce: AtomicWork['plan'] = (moment) => {
      const { output, changes } = plan(moment);
      return { changes, answer: () => answerOf(output, commands) };
    };
    const store = scope.store.forCommands(commands.filter((parsed) => parsed.kind === 'keyed'));
    return this.#context.idempotency.run(store, identity, { names, plan: planOnce }, options);
  }

  async #flushOnce(
    { scope, identity, answerOf }: AskedOnce,
    command: ParsedKeyspaceCommand,
  ): Promise<Answer> {
    const { namespace } = scope;
    const store = scope.store.forCommands([command]);
    const { reply, flush } = this.#runner.flushOf(scope, command);
    const answer = answerOf([reply], [command]);
    if (flush.length === 0) return answer;
    const plan = () => ({ changes: [], flush, answer: () => answer });
    const refusal = () => store.authorization.refusalOfAdmin(namespace);
    const work = { names: [], refusal, plan };
    return await this.#context.idempotency.run(store, identity, work, {
      alone: flush,
      synced: true,
    });
  }
}

/** Answers this dialect's own faults. The app's handler answers other errors in the same form. */
function handleErrors(scope: FastifyInstance): void {
  scope.setErrorHandler((thrown, _request, reply) => {
    const answer = answerOfFault(thrown);
    if (answer === undefined) throw thrown;
    sendAnswer(reply, answer);
  });
}

function answerOfFault(thrown: unknown): Answer | undefined {
  if (!(thrown instanceof RequestFault)) return undefined;
  return jsonAnswer(thrown.status, errorEnvelope(byteStringOfText(thrown.message)));
}

export async function upstashRoutes(app: FastifyInstance, context: RouteContext): Promise<void> {
  const tokens = new SyncTokens();
  const { path, body, pipeline, multiExec } = new UpstashHandlers(context, tokens);
  const added = (): HeaderPairs => [syncTokenHeader, tokens.current];
  const { batchBytesMax: bodyBytesMax } = context.limits;
  const ofLane = { bodyBytesMax, added, answerFault: answerOfFault };
  context.laneRoutes.addAt('/upstash', { POST: { ...ofLane, label: '/upstash', answer: body } });
  context.laneRoutes.addAt('/upstash/pipeline', {
    POST: { ...ofLane, label: '/upstash/pipeline', answer: pipeline },
  });
  await app.register(async (scope) => {
    handleErrors(scope);
    // A kept answer may be old, so each reply gets the current token as it leaves.
    scope.addHook('onSend', (_request, reply, _payload, done) => {
      reply.header(syncTokenHeader, tokens.current);
      done();
    });
    for (const method of methods) {
      const url = commandMount.target;
      scope.route({ method, url, exposeHeadRoute: false, handler: answering(path) });
    }
    for (const method of ['POST', 'PUT'] as const) {
      scope.route({ method, url: '/upstash', handler: answering(body) });
      scope.route({ method, url: '/upstash/pipeline', handler: answering(pipeline) });
      scope.route({ method, url: '/upstash/multi-exec', handler: answering(multiExec) });
    }
  });
}
