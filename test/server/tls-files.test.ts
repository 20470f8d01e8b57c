// `holdfast serve` with a certificate and a key: its refusals, its replies, and a renewal.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { defaultSettings } from '../../src/cli/load-settings.ts';
import { followPair, openTls } from '../../src/server/tls-files.ts';
import { pemFile } from '../support/http/pem-pairs.ts';
import { serveInTest } from '../support/processes/server-of-test.ts';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
} from '../support/processes/server-process.ts';
import { ManualClock } from '../support/simulated/manual-clock.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

const one = ['--tls-cert', pemFile('one-cert'), '--tls-key', pemFile('one-key')];

/** Asks for /livez, and trusts this certificate alone. */
async function curl(url: string, trusted: string): Promise<string> {
  const args = ['-s', '--cacert', pemFile(trusted), `${url}/livez`];
  return (await promisify(execFile)('curl', args)).stdout;
}

describe('a pair that cannot be used ends the start with one line', () => {
  test.each<[string, string, string, string]>([
    ['no file', 'none.pem', pemFile('one-key'), 'tlsCert /.*/none.pem: cannot be read: ENOENT'],
    ['a folder', '.', pemFile('one-key'), 'tlsCert /.*: cannot be read: EISDIR'],
    [
      'no certificate',
      'empty.pem',
      pemFile('one-key'),
      'tlsCert .*empty.pem: has no PEM certificate',
    ],
    ['no key', pemFile('one-cert'), 'empty.pem', 'tlsKey .*empty.pem: has no PEM private key'],
    [
      'another key',
      pemFile('one-cert'),
      pemFile('other-key'),
      'tlsKey .*other-key.pem: does not fit tlsCert .*one-cert.pem',
    ],
    [
      'an encrypted key',
      pemFile('one-cert'),
      pemFile('one-key-encrypted'),
      'tlsKey .*: is encrypted',
    ],
  ])('%s', async (_, cert, key, fault) => {
    await writeFile(join(folder, 'empty.pem'), '');
    const args = [
      'serve',
      '--port',
      '0',
      '--data-dir',
      'data',
      '--tls-cert',
      cert,
      '--tls-key',
      key,
    ];
    const { code, stdout, stderr } = await runToEnd(args, { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(new RegExp(`^holdfast: ${fault}.*\n$`));
  });
});

test('the server answers clients that trust its certificate, and stops cleanly', async () => {
  const { program, url } = await serveInTest(join(folder, 'data'), one);
  expect(url).toMatch(/^https:/);
  expect(program.stdout).toContain(`${url}/v1/keys/greeting`);
  expect(await curl(url, 'one-cert')).toBe('{"live":true}');
  await expect(curl(url, 'other-cert')).rejects.toThrow('curl');
  const health = ['health', '--port', new URL(url).port, ...one];
  expect(await runToEnd(health)).toMatchObject({ code: 0, stderr: '' });
  const plain = promisify(execFile)('curl', ['-s', url.replace('https', 'http')]);
  await expect(plain).rejects.toThrow('curl');
  program.kill('SIGTERM');
  expect(await program.exited).toEqual({ code: 0, signal: null });
  expect(program.stderr).toMatch(
    /"subject":"CN=Holdfast test one","notAfter":"2120-01-01T00:00:00\.000Z"/,
  );
  expect(program.stderr).not.toMatch(/"level":(?:40|50|60)|PRIVATE KEY/);
});

test('a renewal is used from the next connection on, and a fault leaves the pair in use', async () => {
  const pathOf = (name: string): string => join(folder, name);
  const swapTo = async (name: string): Promise<void> => {
    await symlink(name, pathOf('next'));
    await rename(pathOf('next'), pathOf('now'));
  };
  for (const [name, cert, key] of [
    ['first', 'one-cert', 'one-key'],
    ['bad', 'other-cert', 'one-key'],
    ['second', 'other-cert', 'other-key'],
  ] as const) {
    // oxlint-disable-next-line no-await-in-loop -- one folder after the other
    await mkdir(pathOf(name));
    // oxlint-disable-next-line no-await-in-loop -- as above
    await copyFile(pemFile(cert), join(pathOf(name), 'cert.pem'));
    // oxlint-disable-next-line no-await-in-loop -- as above
    await copyFile(pemFile(key), join(pathOf(name), 'key.pem'));
  }
  await swapTo('first');
  const flags = ['--tls-cert', pathOf('now/cert.pem'), '--tls-key', pathOf('now/key.pem')];
  const { program, url } = await serveInTest(join(folder, 'data'), flags);
  await swapTo('bad');
  await program.logged(/"level":40.*does not fit/);
  expect(await curl(url, 'one-cert')).toBe('{"live":true}');
  await swapTo('second');
  await program.logged(/"subject":"CN=Holdfast test other"/);
  expect(await curl(url, 'other-cert')).toBe('{"live":true}');
  expect(program.stderr.match(/"level":40/g)).toHaveLength(1);
});

test('a certificate that has expired is used, and the log warns of it', () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const tls = openTls({
    ...defaultSettings(),
    tlsCert: pemFile('one-cert'),
    tlsKey: pemFile('one-key'),
  });
  if (tls === undefined) throw new Error('there is no TLS');
  const clock = new ManualClock(Date.UTC(2121, 0, 1));
  onTestFinished(followPair(tls, { clock, logger, use: () => undefined }));
  const reasons = lines.map((line) => JSON.parse(line) as { level: number; reason?: string });
  expect(reasons).toMatchObject([{ level: 30 }, { level: 40, reason: 'it has expired' }]);
});
