// The sources of settings, their precedence, and the refusal of bad values.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { exitCodeOf } from '../../src/cli/command-error.ts';
import {
  defaultSettings,
  loadSettings,
  unknownVariables,
  type SettingSources,
} from '../../src/cli/load-settings.ts';
import { environmentNameOf, flagOf } from '../../src/cli/setting-spelling.ts';
import { SettingError } from '../../src/settings/setting-error.ts';
import {
  settingNames,
  type SettingName,
  type Settings,
} from '../../src/settings/settings-schema.ts';
import { makeTemporaryFolder, removeFolder } from '../support/processes/server-process.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

interface Given {
  flags?: Partial<Record<SettingName, string>>;
  environment?: SettingSources['environment'];
  file?: unknown;
}

async function load({ flags = {}, environment = {}, file }: Given): Promise<Settings> {
  const configFile = file === undefined ? undefined : join(folder, 'settings.json');
  const isText = typeof file === 'string' || file instanceof Buffer;
  const text = isText ? file : JSON.stringify(file);
  if (configFile !== undefined) await writeFile(configFile, text);
  const typed = new Map<SettingName, string>();
  for (const name of settingNames) {
    const value = flags[name];
    if (value !== undefined) typed.set(name, value);
  }
  return loadSettings({ flags: typed, environment, configFile });
}

async function refusalOf(given: Given): Promise<{ exitCode: number; message: string }> {
  const error: unknown = await load(given).catch((thrown: unknown) => thrown);
  if (!(error instanceof SettingError)) throw new Error(`was not refused: ${String(error)}`);
  return { exitCode: exitCodeOf(error), message: error.message };
}

describe('defaults', () => {
  test('config/default.json has every setting, and nothing else', () => {
    expect(Object.keys(defaultSettings()).toSorted()).toEqual([...settingNames].toSorted());
  });

  test('a server with nothing configured listens on loopback and syncs every write', () => {
    expect(defaultSettings()).toMatchObject({
      host: '127.0.0.1',
      port: 7411,
      dataDir: './data',
      fsync: 'always',
      shards: 'auto',
      cacheBytes: 'auto',
    });
  });
});

describe('precedence', () => {
  test('a file overrides a default and leaves the others', async () => {
    expect(await load({ file: { port: 1 } })).toEqual({ ...defaultSettings(), port: 1 });
  });

  test('the environment overrides a file', async () => {
    const environment = { HOLDFAST_PORT: '2' };
    expect(await load({ file: { port: 1, host: '::1' }, environment })).toMatchObject({
      port: 2,
      host: '::1',
    });
  });

  test('a flag overrides the environment', async () => {
    const environment = { HOLDFAST_PORT: '2', HOLDFAST_FSYNC: 'never' };
    expect(await load({ environment, flags: { port: '3' } })).toMatchObject({
      port: 3,
      fsync: 'never',
    });
  });

  test('variables of other programs change nothing', async () => {
    expect(await load({ environment: { PORT: '1', HOLD: 'x' } })).toEqual(defaultSettings());
  });
});

describe('spellings', () => {
  test.each([
    ['cacheBytes', 'HOLDFAST_CACHE_BYTES', '--cache-bytes'],
    ['dataDir', 'HOLDFAST_DATA_DIR', '--data-dir'],
    ['fsyncIntervalMs', 'HOLDFAST_FSYNC_INTERVAL_MS', '--fsync-interval-ms'],
    ['shardHeapMiB', 'HOLDFAST_SHARD_HEAP_MIB', '--shard-heap-mib'],
    ['port', 'HOLDFAST_PORT', '--port'],
  ])('%s is %s in the environment and %s as a flag', (name, variable, flag) => {
    expect([environmentNameOf(name), flagOf(name)]).toEqual([variable, flag]);
  });

  test('no two settings share a spelling', () => {
    expect(new Set(settingNames.map(environmentNameOf)).size).toBe(settingNames.length);
    expect(new Set(settingNames.map(flagOf)).size).toBe(settingNames.length);
  });

  test('every setting takes its default from each of the three sources', async () => {
    const defaults = defaultSettings();
    for (const name of settingNames) {
      const text = String(defaults[name]);
      expect(await load({ flags: { [name]: text } })).toEqual(defaults);
      expect(await load({ environment: { [environmentNameOf(name)]: text } })).toEqual(defaults);
      expect(await load({ file: { [name]: defaults[name] } })).toEqual(defaults);
    }
  });

  test('a switch is on by the same word everywhere', async () => {
    const isOn = { upstashAtRoot: true };
    expect(await load({ flags: { upstashAtRoot: 'true' } })).toMatchObject(isOn);
    expect(await load({ environment: { HOLDFAST_UPSTASH_AT_ROOT: 'true' } })).toMatchObject(isOn);
    expect(await load({ file: isOn })).toMatchObject(isOn);
    expect(await load({ file: isOn, flags: { upstashAtRoot: 'false' } })).toMatchObject({
      upstashAtRoot: false,
    });
  });

  test('sizes may be spelled with a unit everywhere', async () => {
    expect(await load({ flags: { cacheBytes: '2GiB' } })).toMatchObject({ cacheBytes: 2 ** 31 });
    expect(await load({ file: { cacheBytes: '64KiB' } })).toMatchObject({ cacheBytes: 65_536 });
    expect(await load({ environment: { HOLDFAST_CACHE_BYTES: '0' } })).toMatchObject({
      cacheBytes: 0,
    });
  });

  test('a size that the memory decides is auto everywhere', async () => {
    const given = { cacheBytes: '1MiB' };
    expect(await load({ file: given, flags: { cacheBytes: 'auto' } })).toEqual(defaultSettings());
    expect(await load({ file: { batchBytesMax: 'auto' } })).toEqual(defaultSettings());
    const environment = { HOLDFAST_BODY_BYTES_IN_FLIGHT_MAX: 'auto' };
    expect(await load({ environment })).toEqual(defaultSettings());
  });
});

describe('refusals', () => {
  test.each<[SettingName, string]>([
    ['host', ''],
    ['port', '-1'],
    ['port', '65536'],
    ['port', '80.5'],
    ['port', '0x50'],
    ['port', ' 80'],
    ['port', ''],
    ['dataDir', ''],
    ['shards', '0'],
    ['shards', '65'],
    ['shards', 'null'],
    ['shards', 'AUTO'],
    ['fsync', 'sometimes'],
    ['fsync', ''],
    ['fsyncIntervalMs', '0'],
    ['fsyncIntervalMs', '1s'],
    ['cacheBytes', '-1'],
    ['cacheBytes', 'Auto'],
    ['valueBytesMax', 'auto'],
    ['cacheBytes', '64MB'],
    ['cacheBytes', '64 MiB'],
    ['cacheBytes', '1.5GiB'],
    ['cacheBytes', '1e6'],
    ['cacheBytes', '99999999999999999999'],
    ['compactJournalBytes', '65535'],
    ['keyBytesMax', '0'],
    ['keyBytesMax', '4097'],
    ['valueBytesMax', '65MiB'],
    ['batchOperationsMax', '0'],
    ['batchBytesMax', '1'],
    ['bodyBytesInFlightMax', '1'],
    ['connectionsMax', '0'],
    ['headersTimeoutMs', '0'],
    ['requestTimeoutMs', '0'],
    ['keepAliveTimeoutMs', '0'],
    ['keepAliveTimeoutMs', '86400001'],
    ['upstashAtRoot', 'yes'],
    ['upstashAtRoot', '1'],
    ['upstashAtRoot', ''],
    ['drainDelayMs', '-1'],
    ['shutdownDeadlineMs', '0'],
    ['shardHeapMiB', '1'],
    ['logLevel', 'loud'],
  ])('%s as %j is refused by name, origin, value and what is allowed', async (name, text) => {
    const byFlag = [{ flags: { [name]: text } }, `flag ${flagOf(name)}`] as const;
    const variable = environmentNameOf(name);
    const byVariable = [{ environment: { [variable]: text } }, variable] as const;
    // An empty variable counts as not set.
    for (const [given, origin] of text === '' ? [byFlag] : [byFlag, byVariable]) {
      const { exitCode, message } = await refusalOf(given);
      expect(exitCode).toBe(2);
      expect(message).toContain(`${name} is ${JSON.stringify(text)} (from `);
      expect(message).toContain(origin);
      expect(message).toMatch(/; allowed: \S/);
      expect(message).not.toContain('\n');
    }
  });

  test.each<[SettingName, unknown]>([
    ['port', '7411'],
    ['port', null],
    ['port', 1.5],
    ['shards', null],
    ['host', 5],
    ['fsync', true],
    ['cacheBytes', [1]],
    ['logLevel', {}],
    ['upstashAtRoot', 'true'],
    ['upstashAtRoot', 1],
  ])('%s as %j in a file is refused: types are not coerced', async (name, value) => {
    const { message } = await refusalOf({ file: { [name]: value } });
    expect(message).toContain(`${name} is ${JSON.stringify(value)} (from --config `);
  });

  test('a list is text with commas for a flag and a variable, and an array for a file', async () => {
    const text = 'https://a.example,nonsense';
    const byText = /; allowed: origins as browsers send them, .*; several with commas between them/;
    const environment = { HOLDFAST_CORS_ORIGINS: text };
    expect((await refusalOf({ flags: { corsOrigins: text } })).message).toMatch(byText);
    expect((await refusalOf({ environment })).message).toMatch(byText);
    expect((await refusalOf({ file: { corsOrigins: text } })).message).toMatch(
      /; allowed: an array of strings, each once: origins as browsers send them/,
    );
  });

  test('an unknown setting in a file is refused by name, and the error lists the known ones', async () => {
    const { exitCode, message } = await refusalOf({ file: { prot: 1 } });
    expect(exitCode).toBe(2);
    expect(message).toMatch(/unknown setting prot in --config .*; allowed: host, port, /);
  });

  test.each(['__proto__', 'constructor', 'toString'])('%s is no setting', async (name) => {
    const { message } = await refusalOf({ file: `{"${name}": 1}` });
    expect(message).toContain(`unknown setting ${name} `);
  });

  test.each(['', ' \n', '{', '[]', 'null', '"port"'])(
    'a file that holds %j is refused',
    async (text) => {
      const { exitCode, message } = await refusalOf({ file: text });
      expect(exitCode).toBe(2);
      expect(message).toContain('settings.json');
      expect(message).not.toContain('\n');
    },
  );

  test('a file that does not exist is refused', () => {
    const configFile = join(folder, 'nowhere.json');
    const sources = { flags: new Map(), environment: {}, configFile };
    expect(() => loadSettings(sources)).toThrow(/nowhere\.json.*ENOENT/);
  });

  test('an error names two contradicting settings with their origins', async () => {
    const { exitCode, message } = await refusalOf({ flags: { requestTimeoutMs: '500' } });
    expect(exitCode).toBe(2);
    expect(message).toMatch(/headersTimeoutMs is 10000 .*requestTimeoutMs, which is 500 .*flag/);
  });

  test('sizes contradict each other only if both are set', async () => {
    const flags = { batchBytesMax: '2MiB', valueBytesMax: '1MiB', bodyBytesInFlightMax: '1MiB' };
    const { exitCode, message } = await refusalOf({ flags });
    expect(exitCode).toBe(2);
    expect(message).toMatch(/batchBytesMax is 2097152 .*bodyBytesInFlightMax, which is 1048576 /);
    const decided = await load({ flags: { ...flags, batchBytesMax: 'auto' } });
    expect(decided).toMatchObject({ batchBytesMax: 'auto', bodyBytesInFlightMax: 1_048_576 });
    const others = await load({ flags: { ...flags, bodyBytesInFlightMax: 'auto' } });
    expect(others).toMatchObject({ batchBytesMax: 2_097_152, bodyBytesInFlightMax: 'auto' });
  });

  test('a delay that leaves no time to drain is refused', async () => {
    expect(await load({ flags: { drainDelayMs: '8900' } })).toMatchObject({ drainDelayMs: 8900 });
    const { exitCode, message } = await refusalOf({ flags: { drainDelayMs: '8901' } });
    expect(exitCode).toBe(2);
    expect(message).toMatch(
      /drainDelayMs is 8901 .*allowed: at most 8900, 100 less than shutdownDeadlineMs, which is 9000/,
    );
  });
});

describe('a certificate and a key', () => {
  test('come together or not at all', async () => {
    expect(defaultSettings()).toMatchObject({ tlsCert: '', tlsKey: '' });
    const pair = { tlsCert: 'cert.pem', tlsKey: 'key.pem' };
    expect(await load({ flags: pair })).toMatchObject(pair);
    expect(await load({ file: pair, flags: { tlsCert: '', tlsKey: '' } })).toEqual(
      defaultSettings(),
    );
  });

  test.each([
    ['tlsCert', 'tlsKey'],
    ['tlsKey', 'tlsCert'],
  ] as const)('%s alone is refused, and the error names %s', async (name, other) => {
    const { exitCode, message } = await refusalOf({ flags: { [name]: 'a.pem' } });
    expect([exitCode, message]).toEqual([
      2,
      `${name} is "a.pem" (from flag ${flagOf(name)}), and ${other} is not set; allowed: both, or neither`,
    ]);
  });
});

describe('the environment', () => {
  test('an empty variable counts as not set', async () => {
    const environment = Object.fromEntries(
      settingNames.map((name) => [environmentNameOf(name), '']),
    );
    expect(await load({ file: { port: 1 }, environment })).toEqual({
      ...defaultSettings(),
      port: 1,
    });
  });

  test('an unknown variable changes nothing, and is reported', async () => {
    const environment = {
      HOLDFAST_PROT: '1',
      'HOLDFAST_\ufeffPORT': '1',
      HOLDFAST_PORT: '2',
      HOLDFAST_TOKEN: 'for holdfast backup',
      HOLD: 'x',
    };
    expect(await load({ environment })).toEqual({ ...defaultSettings(), port: 2 });
    expect(unknownVariables(environment)).toEqual([
      'HOLDFAST_PROT',
      String.raw`HOLDFAST_\ufeffPORT`,
    ]);
  });
});

describe('a file as editors write it', () => {
  const json = '{"port": 7500}';

  test('may begin with a byte order mark', async () => {
    expect(await load({ file: `\ufeff${json}` })).toMatchObject({ port: 7500 });
    expect(await load({ file: `\ufeff\n ${json}\r\n` })).toMatchObject({ port: 7500 });
  });

  const utf16 = Buffer.from(json, 'utf16le');
  test.each<[string, string | Buffer, string]>([
    ['in UTF-16', Buffer.from(`\ufeff${json}`, 'utf16le'), 'is UTF-16 or no text at all'],
    ['in UTF-16, the other way round', Buffer.from(`\ufeff${json}`, 'utf16le').swap16(), 'UTF-16'],
    ['in UTF-16 without a mark', utf16, 'is UTF-16 or no text at all; allowed: UTF-8'],
    ['in Latin-1', Buffer.from('{"dataDir": "Köln"}', 'latin1'), 'is not UTF-8; allowed: UTF-8'],
    ['that is empty', '', 'is empty; must hold one JSON object'],
    ['of a mark alone', '\ufeff', 'is empty; must hold one JSON object'],
    ['with two marks', `\ufeff\ufeff${json}`, String.raw`\ufeff`],
    ['with a mark in a name', '{"\ufeffport": 1}', String.raw`unknown setting "\ufeffport" in`],
    ['with a mark behind a name', '{"port\ufeff": 1}', String.raw`unknown setting "port\ufeff" in`],
    ['with an invisible name', '{"\u200b": 1}', String.raw`unknown setting "\u200b" in`],
    ['with an empty name', '{"": 1}', 'unknown setting "" in'],
    ['with a line break in a name', '{"po\\nrt": 1}', String.raw`unknown setting "po\nrt" in`],
    ['with a mark in a value', '{"fsync": "\ufeffalways"}', String.raw`fsync is "\ufeffalways" `],
    ['with a mark between', `{\ufeff"port": 1}`, String.raw`\ufeff`],
    ['with a space that is none', `{\u00a0"port": 1}`, String.raw`\u00a0`],
    ['that turns the line round', '{"\u202eport": 1}', String.raw`unknown setting "\u202eport" in`],
    ['beyond the basic plane', '{"\u{e0001}port": 1}', String.raw`"\u{e0001}port"`],
  ])('%s is refused in one line that shows it', async (_what, file, shown) => {
    const { exitCode, message } = await refusalOf({ file });
    expect(exitCode).toBe(2);
    expect(message).toContain(shown);
    expect(message).toContain('settings.json');
    expect(message).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\u00a0]/u);
  });

  test.each(['flags', 'environment'] as const)('a mark in %s is shown as well', async (source) => {
    const name = source === 'flags' ? 'fsync' : 'HOLDFAST_FSYNC';
    const { message } = await refusalOf({ [source]: { [name]: '\ufeffalways' } });
    expect(message).toContain(String.raw`fsync is "\ufeffalways" (from `);
  });
});
