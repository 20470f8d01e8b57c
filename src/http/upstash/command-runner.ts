// Carries out commands over a store: which go together in one request to it, what waits for what
// came before it, and what the store's refusals are called here. Knows neither how commands arrive
// nor how replies leave.
import { isUtf8 } from 'node:buffer';
import { unreachable } from '../../base/assert.ts';
import type { Clock } from '../../base/clock.ts';
import { StoreError } from '../../base/errors.ts';
import { defaultCommandLimits, type KeyedCommand } from '../../commands/command.ts';
import { bulk, error, nil, type Reply } from '../../commands/reply.ts';
import {
  isResolved,
  resolveCommand,
  type ResolvedCommand,
} from '../../commands/resolve-command.ts';
import { runKeyed, runOnConnection, runOnKeyspace } from '../../commands/run-command.ts';
import type { CommandOperation, EntryName, GetOperation } from '../../store/operation.ts';
import type { ReplyResult, Result } from '../../store/result.ts';
import type { CommandStore, SubmitOptions } from '../../store/store.ts';
import { decideCommands, distinctKeys, type PlannedCommand } from './atomic-commands.ts';
import { RequestFault } from './request-fault.ts';
import { StoreKeyspace } from './store-keyspace.ts';

export interface CommandRunnerOptions {
  readonly store: CommandStore;
  readonly namespace: string;
  readonly clock: Clock;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
}

/** What a command has come to: the store itself may refuse it. */
export type CommandResult = Reply | StoreError;

type Asked = CommandOperation | GetOperation;

export function isRefused(result: CommandResult | Reply[]): result is StoreError {
  return result instanceof StoreError;
}

export class CommandRunner {
  readonly #options: CommandRunnerOptions;
  readonly #keyspace: StoreKeyspace;

  constructor(options: CommandRunnerOptions) {
    this.#options = options;
    this.#keyspace = new StoreKeyspace(options.store, options.namespace);
  }

  /** In order, and not atomic: what is about one shard goes there together, the rest waits for it. */
  async run(
    commands: readonly (readonly string[])[],
    options?: SubmitOptions,
  ): Promise<CommandResult[]> {
    const results: CommandResult[] = [];
    let together: { readonly index: number; readonly asked: Asked }[] = [];
    const ask = async (): Promise<void> => {
      if (together.length === 0) return;
      const asked = together;
      together = [];
      const operations = asked.map((each) => each.asked);
      const answers = await this.#options.store.submitCommands(operations, options);
      for (const [at, { index }] of asked.entries()) {
        const answer = answers[at];
        if (answer !== undefined) results[index] = resultOf(answer);
      }
    };
    for (const [index, words] of commands.entries()) {
      const planned = this.#plan(words);
      if ('asked' in planned) {
        together.push({ index, asked: planned.asked });
      } else if ('reply' in planned) {
        results[index] = planned.reply;
      } else {
        // Whatever is not one shard's matter sees all that came before it, and nothing after it.
        // oxlint-disable-next-line no-await-in-loop -- in order
        await ask();
        // oxlint-disable-next-line no-await-in-loop
        results[index] = await refusedOr(() => planned.alone(options));
      }
    }
    await ask();
    return results;
  }

  /**
   * All at one moment, each seeing those before it; one that answers with an error changes nothing,
   * and does not keep the others from it, as in Redis.
   *
   * @throws RequestFault where one of them can not be part of a transaction; nothing is carried out
   */
  async runTogether(
    commands: readonly (readonly string[])[],
    options?: SubmitOptions,
  ): Promise<Reply[] | StoreError> {
    const replies: (Reply | undefined)[] = [];
    const planned: PlannedCommand[] = [];
    for (const [index, words] of commands.entries()) {
      const one = this.#planTogether(words);
      if (one.kind === 'error') throw discarded(index, one);
      replies.push(one.kind === 'planned' ? undefined : one);
      if (one.kind === 'planned') planned.push(one);
    }
    const results = planned.length === 0 ? [] : await this.#transact(planned, options);
    if (isRefused(results)) return results;
    const rest = results.values();
    return replies.map((reply) => reply ?? rest.next().value ?? nil);
  }

  #planTogether(words: readonly string[]): Reply | (PlannedCommand & { readonly kind: 'planned' }) {
    const found = resolveCommand(words);
    if (!isResolved(found)) return found;
    const { command, args, keys } = found;
    if (command.kind === 'connection') {
      return runOnConnection(command, args, this.#options.clock.wallMs());
    }
    if (command.kind === 'keyspace') {
      return error(`'${command.name}' is about all keys, and can not be part of a transaction`);
    }
    return this.#faultIn(keys) ?? { kind: 'planned', command, args, keys };
  }

  #plan(
    words: readonly string[],
  ):
    | { readonly reply: Reply }
    | { readonly asked: Asked }
    | { readonly alone: (options?: SubmitOptions) => Promise<CommandResult> } {
    const found = resolveCommand(words);
    if (!isResolved(found)) return { reply: found };
    const { command, args, keys } = found;
    if (command.kind === 'connection') {
      return { reply: runOnConnection(command, args, this.#options.clock.wallMs()) };
    }
    if (command.kind === 'keyspace') {
      return { alone: () => runOnKeyspace(command, args, this.#keyspace, this.#limits) };
    }
    const fault = this.#faultIn(keys);
    if (fault !== undefined) return { reply: fault };
    if (this.#options.store.areTogether(keys)) return { asked: this.#asked(command, found) };
    if (command.access === 'read') {
      return { alone: (options) => this.#readSeveral({ command, args, keys }, options) };
    }
    return { alone: (options) => this.#writeSeveral({ command, args, keys }, options) };
  }

  get #limits() {
    return { ...defaultCommandLimits, valueBytesMax: this.#options.valueBytesMax };
  }

  #asked({ name, access }: KeyedCommand, { args, keys }: ResolvedCommand): Asked {
    const { namespace, valueBytesMax } = this.#options;
    const [key = ''] = keys;
    // As an operation of the store, so that it may be answered by the store's cache.
    if (name === 'get') return { op: 'get', namespace, key };
    return { op: 'command', namespace, key, name, access, args, keys, valueBytesMax };
  }

  async #readSeveral(
    { command, args, keys }: PlannedCommand,
    options?: SubmitOptions,
  ): Promise<CommandResult> {
    const { store, clock } = this.#options;
    const entries = [];
    for (const answer of await store.getTogether(this.#namesOf(keys), options)) {
      if (answer.kind === 'refused') return answer.error;
      const { expiresAt } = answer.kind === 'entry' ? answer : { expiresAt: undefined };
      entries.push(answer.kind === 'entry' ? { value: valueOf(answer), expiresAt } : undefined);
    }
    const now = clock.wallMs();
    return runKeyed(command, { args, keys, entries, now, limits: this.#limits }).reply;
  }

  async #writeSeveral(command: PlannedCommand, options?: SubmitOptions): Promise<CommandResult> {
    const result = await this.#transact([command], options);
    if (isRefused(result)) return result;
    const [reply] = result;
    if (reply === undefined) throw new Error('a command has one reply');
    return reply;
  }

  async #transact(
    commands: readonly PlannedCommand[],
    options: SubmitOptions = {},
  ): Promise<Reply[] | StoreError> {
    const keys = distinctKeys(commands);
    const decide = decideCommands(commands, keys, this.#limits, options);
    const result = await this.#options.store.transact(this.#namesOf(keys), decide, options);
    return result.kind === 'refused' ? result.error : result.outcome;
  }

  #namesOf(keys: readonly string[]): EntryName[] {
    return keys.map((key) => ({ namespace: this.#options.namespace, key }));
  }

  #faultIn(keys: readonly string[]): Reply | undefined {
    return keys.map((key) => this.#faultOf(key)).find((fault) => fault !== undefined);
  }

  #faultOf(key: string): Reply | undefined {
    const { keyBytesMax } = this.#options;
    if (key === '') return error('a key must not be empty');
    if (key.length > keyBytesMax) return error(`a key may have at most ${keyBytesMax} bytes`);
    return isUtf8(Buffer.from(key, 'latin1')) ? undefined : error('a key must be valid UTF-8');
  }
}

/** In the words of Redis, with the reason. */
function discarded(index: number, { message }: { readonly message: string }): RequestFault {
  const why = `command ${index + 1}: ${message}`;
  return new RequestFault(`EXECABORT Transaction discarded because of previous errors. (${why})`);
}

function valueOf({ value }: { readonly value: Uint8Array | undefined }): string {
  if (value === undefined) return '';
  return Buffer.from(value.buffer, value.byteOffset, value.length).toString('latin1');
}

function resultOf(answer: Result | ReplyResult): CommandResult {
  switch (answer.kind) {
    case 'reply':
      return answer.reply;
    case 'entry':
      return bulk(valueOf(answer));
    case 'missing':
      return nil;
    case 'refused':
      return answer.error;
    case 'written':
    case 'deleted':
    case 'condition-failed':
      throw new Error(`a command was answered by ${answer.kind}`);
    default:
      return unreachable(answer);
  }
}

async function refusedOr(work: () => Promise<CommandResult>): Promise<CommandResult> {
  try {
    return await work();
  } catch (thrown) {
    if (thrown instanceof StoreError) return thrown;
    throw thrown;
  }
}
