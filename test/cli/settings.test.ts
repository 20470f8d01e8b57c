// Where settings come from, what overrides what, and how a bad one is refused.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { CommandError } from '../../src/cli/command-error.ts';
import { defaultSettings, loadSettings, type SettingSources } from '../../src/cli/load-settings.ts';
import { environmentNameOf, flagOf } from '../../src/cli/setting-spelling.ts';
import { settingNames, type SettingName, type Settings } from '../../src/cli/settings-schema.ts';
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
  const text = typeof file === 'string' ? file : JSON.stringify(file);
  if (configFile !== undefined) await writeFile(configFile, text);
  const typed = new Map<SettingName, string>();
  for (const name of settingNames) {
    const value = flags[name];
    if (value !== undefined) typed.set(name, value);
  }
  return loadSettings({ flags: typed, environment, configFile });
}

async function refusalOf(given: Given): Promise<CommandError> {
  const error: unknown = await load(given).catch((thrown: unknown) => thrown);
  if (!(error instanceof CommandError)) throw new Error(`was not refused: ${String(error)}`);
  return error;
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
      cacheBytes: 64 * 1024 * 1024,
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

  test('variables of other programs are left alone', async () => {
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

  test('sizes may be spelled with a unit everywhere', async () => {
    expect(await load({ flags: { cacheBytes: '2GiB' } })).toMatchObject({ cacheBytes: 2 ** 31 });
    expect(await load({ file: { cacheBytes: '64KiB' } })).toMatchObject({ cacheBytes: 65_536 });
    expect(await load({ environment: { HOLDFAST_CACHE_BYTES: '0' } })).toMatchObject({
      cacheBytes: 0,
    });
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
    ['shutdownDeadlineMs', '0'],
    ['shardHeapMiB', '1'],
    ['logLevel', 'loud'],
  ])('%s as %j is refused by name, origin, value and what is allowed', async (name, text) => {
    for (const [given, origin] of [
      [{ flags: { [name]: text } }, `flag ${flagOf(name)}`],
      [{ environment: { [environmentNameOf(name)]: text } }, environmentNameOf(name)],
    ] as const) {
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
  ])('%s as %j in a file is refused: types are not coerced', async (name, value) => {
    const { message } = await refusalOf({ file: { [name]: value } });
    expect(message).toContain(`${name} is ${JSON.stringify(value)} (from --config `);
  });

  test('an unknown setting in a file is named, and so are those that exist', async () => {
    const { exitCode, message } = await refusalOf({ file: { prot: 1 } });
    expect(exitCode).toBe(2);
    expect(message).toMatch(/unknown setting prot in --config .*; allowed: host, port, /);
  });

  test.each(['__proto__', 'constructor', 'toString'])('%s is no setting', async (name) => {
    const { message } = await refusalOf({ file: `{"${name}": 1}` });
    expect(message).toContain(`unknown setting ${name} `);
  });

  test('an unknown HOLDFAST_ variable is named, and so are those that exist', async () => {
    const { exitCode, message } = await refusalOf({ environment: { HOLDFAST_PROT: '1' } });
    expect(exitCode).toBe(2);
    expect(message).toMatch(/unknown setting HOLDFAST_PROT in .*; allowed: HOLDFAST_HOST, /);
  });

  test.each(['', '{', '[]', 'null', '"port"'])('a file that holds %j is refused', async (text) => {
    const { exitCode, message } = await refusalOf({ file: text });
    expect(exitCode).toBe(2);
    expect(message).toContain('settings.json');
    expect(message).not.toContain('\n');
  });

  test('a file that does not exist is refused', () => {
    const configFile = join(folder, 'nowhere.json');
    const sources = { flags: new Map(), environment: {}, configFile };
    expect(() => loadSettings(sources)).toThrow(/nowhere\.json.*ENOENT/);
  });

  test('two settings that can not both hold are both named with their origins', async () => {
    const { exitCode, message } = await refusalOf({ flags: { requestTimeoutMs: '500' } });
    expect(exitCode).toBe(2);
    expect(message).toMatch(/headersTimeoutMs is 10000 .*requestTimeoutMs, which is 500 .*flag/);
  });
});
