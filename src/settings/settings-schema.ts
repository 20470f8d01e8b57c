// Owns the settings: names, types, bounds, units and purpose. The type, the flags, the environment
// names, the help text and the refusals all come from this schema. Knows no default: only
// config/default.json has them. Does not know the source of a value: load-settings.ts does.
import { shardCountMax } from '../base/limits.ts';

interface Described {
  /** The placeholder of the value in help: `<bytes>`. */
  readonly unit: string;
  readonly description: string;
}

interface TextSetting extends Described {
  readonly kind: 'text';
  /** True: the empty text stands for none. Else it is not allowed. */
  readonly orNone: boolean;
}

interface ChoiceSetting extends Described {
  readonly kind: 'choice';
  readonly choices: readonly string[];
}

interface BooleanSetting extends Described {
  readonly kind: 'boolean';
}

interface IntegerSetting extends Described {
  readonly kind: 'integer';
  readonly minimum: number;
  readonly maximum: number;
  /** A word and not null: a file, the environment and a flag can all spell `auto` alike. */
  readonly orAuto: boolean;
}

/** Texts, each once. A flag or a variable separates them by commas; a file has an array of them. */
interface ListSetting extends Described {
  readonly kind: 'list';
  readonly items: ListItemKind;
}

/**
 * The form of a list's items: an origin as browsers send it, or `*`; the name of a host, with a
 * port or without; an address, a network in CIDR notation, or `loopback`.
 */
export type ListItemKind = 'origin' | 'host' | 'network';

/**
 * The allowed values of a setting. Every start of any command reads this, so it is plain data. A
 * schema library would take longer to load than all the rest.
 */
export type SettingSchema =
  TextSetting | ChoiceSetting | BooleanSetting | IntegerSetting | ListSetting;

const kibibyte = 1024;
const mebibyte = 1024 * kibibyte;
const gibibyte = 1024 * mebibyte;

const text = (unit: string, description: string) =>
  ({ kind: 'text', orNone: false, unit, description }) as const;

const textOrNone = (unit: string, description: string) =>
  ({ ...text(unit, description), orNone: true }) as const;

const choice = <const Choice extends string>(
  unit: string,
  choices: readonly Choice[],
  description: string,
) => ({ kind: 'choice', choices, unit, description }) as const;

const boolean = (description: string) =>
  ({ kind: 'boolean', unit: 'true|false', description }) as const;

const integer = <const Unit extends string>(
  minimum: number,
  maximum: number,
  unit: Unit,
  description: string,
) => ({ kind: 'integer', minimum, maximum, orAuto: false, unit, description }) as const;

const integerOrAuto = <const Unit extends string>(
  minimum: number,
  maximum: number,
  unit: Unit,
  description: string,
) => ({ ...integer(minimum, maximum, unit, description), orAuto: true }) as const;

const list = (items: ListItemKind, unit: string, description: string) =>
  ({ kind: 'list', items, unit, description }) as const;

/** More than a day makes no sense for any setting, and Node's timers stop at 2^31 - 1 ms. */
const milliseconds = (minimum: number, description: string) =>
  integer(minimum, 86_400_000, 'ms', description);

const bytes = (minimum: number, maximum: number, description: string) =>
  integer(minimum, maximum, 'bytes', description);

const bytesOrAuto = (minimum: number, maximum: number, description: string) =>
  integerOrAuto(minimum, maximum, 'bytes', description);

export const settingsSchema = {
  host: text('host', 'address to listen on; anything but loopback lets other machines in'),
  port: integer(0, 65_535, 'port', 'TCP port to listen on; 0 takes any free one'),
  tlsCert: textOrNone(
    'file',
    'PEM file with the certificate, its chain behind it; with it and tlsKey the server speaks ' +
      'HTTPS alone, and takes a new pair when the files change',
  ),
  tlsKey: textOrNone('file', 'PEM file with the private key of tlsCert, without a passphrase'),
  corsOrigins: list(
    'origin',
    'origins',
    'web origins whose pages may use the server, such as https://app.example.com; * for all, only ' +
      'if a token is required',
  ),
  allowedHosts: list(
    'host',
    'hosts',
    'host names, besides loopback, by which clients may call a server that requires no token',
  ),
  trustProxy: list(
    'network',
    'networks',
    'addresses of proxies whose X-Forwarded headers are believed; loopback names those of this ' +
      'machine',
  ),
  dataDir: text(
    'folder',
    'folder that holds the data, made if missing; relative to the current directory',
  ),
  shards: integerOrAuto(
    1,
    shardCountMax,
    'shards',
    'shards, each a thread and its files; auto: as many as an existing folder has, for a new ' +
      'one the number of cores, from 2 to 16',
  ),
  fsync: choice(
    'mode',
    ['always', 'interval', 'never'],
    'when a write reaches stable storage; always: before it is answered; interval: within ' +
      'fsyncIntervalMs; never: when the operating system decides',
  ),
  fsyncIntervalMs: milliseconds(1, 'longest time between two syncs if fsync is interval'),
  directReads: boolean(
    'true: an entry that no operation under way may change is read in the memory of its shard, without ' +
      'a message; false: every read goes through the queue of its shard',
  ),
  cacheBytes: bytesOrAuto(
    0,
    64 * gibibyte,
    'of no use any more: there is no cache; 0 is the same as directReads false, for older settings',
  ),
  compactJournalBytes: bytesOrAuto(
    64 * kibibyte,
    1024 * gibibyte,
    'size of a shard’s journal from which it is compacted; auto: 1/128 of the memory, 64 MiB at most',
  ),
  keyBytesMax: bytes(1, 4 * kibibyte, 'longest key, in bytes of UTF-8'),
  valueBytesMax: bytes(1, 64 * mebibyte, 'largest value'),
  namespacesMax: integer(1, 100_000, 'namespaces', 'most namespaces, the default one among them'),
  batchOperationsMax: integer(
    1,
    1_000_000,
    'operations',
    'most operations in one batch, transaction or pipeline',
  ),
  batchBytesMax: bytesOrAuto(
    kibibyte,
    gibibyte,
    'largest body of a batch, transaction or pipeline; auto: 1/128 of the memory, 64 MiB at most',
  ),
  bodyBytesInFlightMax: bytesOrAuto(
    kibibyte,
    64 * gibibyte,
    'bodies of all requests in flight, summed, as far as they have arrived; past it bodies wait, ' +
      'and those that come too slowly are refused with 503; auto: 1/32 of the memory, 256 MiB at most',
  ),
  connectionsMax: integerOrAuto(
    1,
    1_000_000,
    'connections',
    'most open connections; auto: 10,000, or fewer if their memory would take more than a 16th',
  ),
  waitersMax: integer(
    1,
    1_000_000,
    'requests',
    'most requests of one namespace that wait for a change of a key at a time; past it 429',
  ),
  headersTimeoutMs: milliseconds(1, 'longest time for the headers of a request to arrive'),
  requestTimeoutMs: milliseconds(1, 'longest time for a whole request to arrive'),
  keepAliveTimeoutMs: milliseconds(
    1,
    'how long a connection may be idle between requests; longer than a load balancer keeps it',
  ),
  idempotencyWindowMs: milliseconds(
    1000,
    'how long the answer to a request with an Idempotency-Key is kept',
  ),
  idempotencyRecordsMax: integer(
    1,
    10_000_000,
    'answers',
    'most answers that are kept for the requests of one user with an Idempotency-Key; past it the ' +
      'oldest of this user go before their time',
  ),
  auditOnFull: choice(
    'choice',
    ['refuse', 'drop'],
    'if the audit log cannot be written; refuse: audited requests are refused with 507 before they have ' +
      'an effect; drop: they are carried out without a record, and counted',
  ),
  auditFileBytesMax: bytes(
    64 * kibibyte,
    64 * gibibyte,
    'size of a file of the audit log from which the next one is begun',
  ),
  auditFilesMax: integer(
    1,
    10_000,
    'files',
    'most files of the audit log; past it the oldest are removed',
  ),
  upstashAtRoot: boolean(
    'true: the commands of /upstash are at / as well, for clients whose address has no path',
  ),
  fastLane: boolean(
    'true: plain requests without TLS are answered past the parser of Node and the framework, which is ' +
      'faster; false: every request goes through both',
  ),
  drainDelayMs: milliseconds(
    0,
    'how long the server accepts connections after SIGTERM while /readyz says 503, so that load ' +
      'balancers learn of it; part of shutdownDeadlineMs',
  ),
  shutdownDeadlineMs: milliseconds(
    100,
    'longest time from the signal to stop to a clean exit; past it the exit code is 1',
  ),
  shardHeapMiB: integerOrAuto(
    16,
    1024 * 1024,
    'MiB',
    'V8 heap limit of one shard’s thread; auto: 60 % of the memory that the process may use ' +
      'beyond 224 MiB, shared among all shards',
  ),
  logLevel: choice(
    'level',
    ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
    'least severe log line that is written to standard error',
  ),
} satisfies Readonly<Record<string, SettingSchema>>;

export type SettingName = keyof typeof settingsSchema;

type ValueOf<Schema extends SettingSchema> = Schema extends { choices: readonly (infer Choice)[] }
  ? Choice
  : Schema extends BooleanSetting
    ? boolean
    : Schema extends IntegerSetting
      ? number | (Schema['orAuto'] extends true ? 'auto' : never)
      : Schema extends ListSetting
        ? readonly string[]
        : string;

export type Settings = {
  readonly [Name in SettingName]: ValueOf<(typeof settingsSchema)[Name]>;
};

/** A size as people write it. */
export type ByteSize = number | `${number}${'KiB' | 'MiB' | 'GiB'}`;

type MemberOf<Name extends SettingName> = (typeof settingsSchema)[Name] extends { unit: 'bytes' }
  ? ByteSize | Extract<Settings[Name], 'auto'>
  : Settings[Name];

/** Settings as the members of one object: of a settings file, or of options. */
export type SettingMembers = {
  readonly [Name in SettingName]?: MemberOf<Name> | undefined;
};

export function isSettingName(name: string): name is SettingName {
  return Object.hasOwn(settingsSchema, name);
}

export const settingNames: readonly SettingName[] =
  Object.keys(settingsSchema).filter(isSettingName);
