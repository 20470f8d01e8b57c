// Runs commands over a store. Decides which commands share one request to the store, which wait for
// those before them, and which are one transaction. Knows neither how commands arrive nor how
// replies leave.
import { unreachable } from '../../base/assert.ts';
import { byteStringOfBytes } from '../../base/byte-string.ts';
import { StoreError } from '../../base/errors.ts';
import { andThen, type MaybePromise } from '../../base/maybe-promise.ts';
import { keysThatAreOnlyRead } from '../../commands/command.ts';
import { bulk, nil, ok, type Reply } from '../../commands/reply.ts';
import { checkFlush, runKeyed, runOnKeyspace } from '../../commands/run-command.ts';
import type { TransactionName } from '../../store/authorization.ts';
import type {
  CommandOperation,
  EntryName,
  GetOperation,
  PutOperation,
} from '../../store/operation.ts';
import type { ReplyResult, Result } from '../../store/result.ts';
import type { SubmitOptions } from '../../store/store.ts';
import type { TransactionPlan } from '../../store/transaction.ts';
import type { StoreOfCaller } from '../access/authorized-store.ts';
import { distinctKeys, planCommands } from '../../store/command-plan.ts';
import {
  CommandParser,
  type ParsedCommand,
  type CommandParserOptions,
  type ParsedKeyedCommand,
  type ParsedKeyspaceCommand,
} from './command-parser.ts';
import { StoreKeyspace } from './store-keyspace.ts';

export type CommandRunnerOptions = CommandParserOptions;

/** The keys that commands are about: those of one namespace, as one caller may use them. */
export interface CommandScope {
  readonly store: StoreOfCaller;
  readonly namespace: string;
}

/** The result of a command: its reply, or the error with which the store refused it. */
export type CommandResult = Reply | StoreError;

/** Commands as one transaction of the store. */
export interface CommandTransaction {
  readonly names: readonly TransactionName[];
  /** Gives one reply a command, in order. */
  readonly plan: TransactionPlan<Reply[]>;
}

/** A command that can be part of a transaction. */
export type AtomicCommand = Exclude<ParsedCommand, ParsedKeyspaceCommand>;

export interface Flush {
  readonly reply: Reply;
  /** Namespaces to empty; none if the command is faulty. */
  readonly flush: readonly string[];
}

type Asked = CommandOperation | GetOperation | PutOperation;

/** Consecutive commands that the store is asked for together. */
interface Group {
  readonly asked: readonly Asked[];
  /** One for each command: the reply of one that needs no store, or undefined. */
  readonly answered: readonly (Reply | undefined)[];
  /** The command behind them that goes to the store alone. */
  readonly alone: ParsedKeyedCommand | ParsedKeyspaceCommand | undefined;
  /** The index behind the last command of the group. */
  readonly end: number;
}

export function isStoreError(result: CommandResult | Reply[]): result is StoreError {
  return result instanceof StoreError;
}

export class CommandRunner {
  readonly #options: CommandRunnerOptions;
  readonly #parser: CommandParser;

  constructor(options: CommandRunnerOptions) {
    this.#options = options;
    this.#parser = new CommandParser(options);
  }

  parse(lines: readonly (readonly string[])[]): ParsedCommand[] {
    return lines.map((words) => this.#parser.parse(words));
  }

  /**
   * Runs in order, not atomically. Consecutive commands that need one shard each go to the store
   * together; any other command goes alone.
   */
  run(
    scope: CommandScope,
    commands: readonly ParsedCommand[],
    options?: SubmitOptions,
  ): MaybePromise<CommandResult[]> {
    const group = this.#groupFrom(0, scope, commands);
    const results = this.#askGroup(group, scope, options);
    return group.alone === undefined
      ? results
      : this.#runRest({ results, group }, scope, commands, options);
  }

  /** A command that needs more than one shard sees all commands before it, and none after it. */
  async #runRest(
    before: { readonly results: MaybePromise<CommandResult[]>; readonly group: Group },
    scope: CommandScope,
    commands: readonly ParsedCommand[],
    options?: SubmitOptions,
  ): Promise<CommandResult[]> {
    const results = await before.results;
    let { group } = before;
    while (group.alone !== undefined) {
      const { alone, end } = group;
      // oxlint-disable-next-line no-await-in-loop -- in order
      results.push(await refusedOr(() => this.#alone(scope, alone, options)));
      group = this.#groupFrom(end + 1, scope, commands);
      // oxlint-disable-next-line no-await-in-loop
      for (const result of await this.#askGroup(group, scope, options)) results.push(result);
    }
    return results;
  }

  /** Gathers the commands from `from` on that go to the store together. */
  #groupFrom(from: number, scope: CommandScope, commands: readonly ParsedCommand[]): Group {
    const asked: Asked[] = [];
    const answered: (Reply | undefined)[] = [];
    for (let at = from; at < commands.length; at++) {
      const parsed = commands[at];
      if (parsed === undefined) break;
      if (parsed.kind === 'answered') {
        answered.push(parsed.reply);
      } else if (parsed.kind === 'keyed' && scope.store.areOnOneShard(parsed.keys)) {
        answered.push(undefined);
        asked.push(this.#asked(scope, parsed));
      } else {
        return { asked, answered, alone: parsed, end: at };
      }
    }
    return { asked, answered, alone: undefined, end: commands.length };
  }

  #askGroup(
    { asked, answered }: Group,
    { store }: CommandScope,
    options?: SubmitOptions,
  ): MaybePromise<CommandResult[]> {
    return andThen(store.submitCommands(asked, options), (answers) => {
      let next = 0;
      return answered.map((reply) => {
        if (reply !== undefined) return reply;
        const answer = answers[next++];
        if (answer === undefined) throw new Error('a command has one answer');
        return resultOf(answer);
      });
    });
  }

  /** Runs all at one moment, each seeing those before it, as in Redis: see `planCommands`. */
  async runAtomically(
    scope: CommandScope,
    commands: readonly AtomicCommand[],
    options?: SubmitOptions,
  ): Promise<Reply[] | StoreError> {
    const { names, plan } = this.transactionOf(scope, commands, options);
    const store = scope.store.forCommands(commands.filter((parsed) => parsed.kind === 'keyed'));
    const result = await store.transact(names, plan, options);
    return result.kind === 'refused' ? result.error : result.output;
  }

  /** Plans the same transaction without running it. */
  transactionOf(
    { namespace }: CommandScope,
    commands: readonly AtomicCommand[],
    options: SubmitOptions = {},
  ): CommandTransaction {
    const keyed = commands.filter((parsed) => parsed.kind === 'keyed');
    const keys = distinctKeys(keyed);
    const planKeyed = planCommands(keyed, keys, this.#parser.limits, options);
    const plan: TransactionPlan<Reply[]> = (moment) => {
      const { output, changes } = planKeyed(moment);
      const rest = output.values();
      const replies = commands.map((parsed) =>
        parsed.kind === 'answered' ? parsed.reply : (rest.next().value ?? nil),
      );
      return { output: replies, changes };
    };
    return { names: transactionNames(namespace, keys, keyed), plan };
  }

  /** The error that refuses the command to the caller of this scope; undefined if it may run it. */
  refusalOf({ store, namespace }: CommandScope, command: ParsedKeyedCommand) {
    const { authorization } = store.forCommands([command]);
    return authorization.refusalOfAll(transactionNames(namespace, command.keys, [command]));
  }

  /** Plans a command that deletes all keys, without running it. */
  flushOf({ namespace }: CommandScope, { args }: ParsedKeyspaceCommand): Flush {
    const reply = checkFlush(args);
    return { reply, flush: reply.kind === 'error' ? [] : [namespace] };
  }

  #alone(
    scope: CommandScope,
    parsed: ParsedKeyedCommand | ParsedKeyspaceCommand,
    options?: SubmitOptions,
  ): Promise<CommandResult> {
    if (parsed.kind === 'keyspace') {
      const keyspace = new StoreKeyspace(scope.store.forCommands([parsed]), scope.namespace);
      return runOnKeyspace(parsed.command, parsed.args, keyspace, this.#parser.limits);
    }
    if (parsed.command.access === 'read') return this.#readSeveral(scope, parsed, options);
    return this.#writeSeveral(scope, parsed, options);
  }

  #asked({ namespace }: CommandScope, { command, args, keys }: ParsedKeyedCommand): Asked {
    const { valueBytesMax } = this.#options;
    const { name, access } = command;
    const [key = ''] = keys;
    // The store can read directly for a plain get, but not for a command.
    if (name === 'get') return { op: 'get', namespace, key };
    if (name === 'set' && args.length === 2) {
      const [, value = ''] = args;
      // A shard puts a value at half the cost of a command.
      if (value.length <= valueBytesMax) return { op: 'put', namespace, key, value };
    }
    const keysOnlyRead = keysThatAreOnlyRead(command, keys);
    return { op: 'command', namespace, key, name, access, args, keys, keysOnlyRead, valueBytesMax };
  }

  async #readSeveral(
    { store, namespace }: CommandScope,
    parsed: ParsedKeyedCommand,
    options?: SubmitOptions,
  ): Promise<CommandResult> {
    const { command, args, keys } = parsed;
    const { clock } = this.#options;
    const entries = [];
    const reading = store.forCommands([parsed]);
    for (const answer of await reading.getMany(namesOf(namespace, keys), options)) {
      if (answer.kind === 'refused') return answer.error;
      const { expiresAt } = answer.kind === 'entry' ? answer : { expiresAt: undefined };
      entries.push(answer.kind === 'entry' ? { value: valueOf(answer), expiresAt } : undefined);
    }
    const now = clock.wallMs();
    return runKeyed(command, { args, keys, entries, now, limits: this.#parser.limits }).reply;
  }

  async #writeSeveral(
    scope: CommandScope,
    parsed: ParsedKeyedCommand,
    options?: SubmitOptions,
  ): Promise<CommandResult> {
    const result = await this.runAtomically(scope, [parsed], options);
    if (isStoreError(result)) return result;
    const [reply] = result;
    if (reply === undefined) throw new Error('a command has one reply');
    return reply;
  }
}

function namesOf(namespace: string, keys: readonly string[]): EntryName[] {
  return keys.map((key) => ({ namespace, key }));
}

/** A key that some command writes needs the right to be written. */
function transactionNames(
  namespace: string,
  keys: readonly string[],
  commands: readonly ParsedKeyedCommand[],
): TransactionName[] {
  const written = new Set<string>();
  for (const { command, keys: own } of commands) {
    const read = keysThatAreOnlyRead(command, own);
    for (const key of own) if (!read.includes(key)) written.add(key);
  }
  return keys.map((key) => ({ namespace, key, isReadOnly: !written.has(key) }));
}

function valueOf({ value }: { readonly value: Uint8Array | undefined }): string {
  return value === undefined ? '' : byteStringOfBytes(value);
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
      return ok;
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
