// The program as typed, with arguments after which it ends by itself: help, version, wrong usage.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/cli/load-settings.ts';
import { environmentNameOf, flagOf } from '../../src/cli/setting-spelling.ts';
import { spellValue } from '../../src/settings/setting-value.ts';
import { settingNames } from '../../src/settings/settings-schema.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
} from '../support/processes/server-process.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

describe('help', () => {
  test.each(['--help', 'serve --help'])('%s explains every flag', async (typed) => {
    const { code, stdout } = await runToEnd(typed.split(' '));
    expect(code).toBe(0);
    const words = stdout.replaceAll(/\s+/g, ' ');
    for (const name of settingNames) {
      expect(words).toContain(`${flagOf(name)} <`);
      expect(words).toContain(`default: ${spellValue(name, defaultSettings()[name])};`);
      expect(words).toContain(`environment: ${environmentNameOf(name)})`);
    }
  });

  test('--version prints the version and nothing else', async () => {
    const { code, stdout } = await runToEnd(['--version']);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  test('without a command it shows its help, says so and fails', async () => {
    const { code, stdout, stderr } = await runToEnd([]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('Usage: holdfast');
    expect(stderr.trimEnd().split('\n').at(-1)).toBe(
      'holdfast: no known command given; allowed: serve, health, backup, restore, reshard, verify, repair, dump, audit, user, token, namespace, access',
    );
  });

  test('of a group without a command it shows its help, says so and fails', async () => {
    const { code, stdout, stderr } = await runToEnd(['token']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(
      /^Usage: holdfast token [^]*\nholdfast: .*given; allowed: new, add, list, revoke\n$/,
    );
  });

  test('of an unknown command it shows its help, says so and fails', async () => {
    const { code, stdout, stderr } = await runToEnd(['help', 'nope']);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(/\nholdfast: no known command given; allowed: serve, /);
  });
});

describe('wrong usage ends with code 2 and one line that names it and what is allowed', () => {
  test.each([
    [['sevre'], /unknown command 'sevre'.*allowed: serve/],
    [['serve', '--prot', '1'], /unknown option '--prot'.*--port.*allowed: --config, --host, /],
    [['serve', '--port'], /'--port <port>' argument missing/],
    [['serve', '--port', 'x'], /port is "x" \(from flag --port\); allowed: an integer from 0/],
    [
      ['serve', 'extra'],
      /too many arguments for 'serve'.* but got 1; see holdfast serve --help\n$/,
    ],
    [['backup', '--to', 'file'], /required option '--url <url>' not specified/],
    [['backup', '--url', 'nowhere', '--to', 'x'], /--url is "nowhere"; allowed: an address like /],
    [['reshard', 'nowhere'], /required option '--shards <shards>' not specified/],
    [
      ['reshard', 'nowhere', '--shards', '65'],
      /--shards is "65"; allowed: an integer from 1 to 64/,
    ],
    [
      ['reshard', '--shards', '2'],
      /missing required argument 'dir'; see holdfast reshard --help\n$/,
    ],
    [['user', 'add'], /missing required argument 'name'; see holdfast user add --help\n$/],
    [['token', 'add', 'ann'], /'--name <name>' not specified; see holdfast token add --help\n$/],
    [['restore', 'nowhere'], /has no target; allowed: --data-dir, or --url with --namespace/],
    [['restore', 'nowhere', '--data-dir', 'd', '--shards', 'x'], /--shards is "x"; allowed: an /],
    [['health', '--timeout-ms', '0'], /--timeout-ms is "0"; allowed: an integer from 1 to 600000/],
    [['health', '--port', '0'], /port is 0, .*allowed: the port of the server/],
    [['health', '--prot', '1'], /unknown option '--prot'.*--port/],
    [['verify', '--data-dir', 'd'], /unknown option '--data-dir'; allowed: --help$/m],
    [['token', 'nwe'], /unknown command 'nwe'.*allowed: new, add, list, revoke/],
    [['token', 'new', '16'], /too many arguments for 'new'/],
    [['serve', '--config', 'nowhere.json'], /--config nowhere\.json: .*ENOENT/],
  ])('%j', async (args, message) => {
    const { code, stdout, stderr } = await runToEnd(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^holdfast: [^\n]+\n$/);
  });

  test.each([
    ['HOLDFAST_PORT', 'tcp://10.0.0.1:7411', /port is "tcp:.*HOLDFAST_PORT.*allowed: an integer /],
    ['HOLDFAST_FSYNC', 'no', /fsync is "no" .*HOLDFAST_FSYNC.*allowed: always, interval, never/],
  ])('the environment variable %s=%s', async (variable, value, message) => {
    const env = { [variable]: value };
    const { code, stdout, stderr } = await runToEnd(['serve'], { cwd: folder, env });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^holdfast: [^\n]+\n$/);
  });
});
