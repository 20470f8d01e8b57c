// A whole server, with users and tokens, through everything that it can be asked. No token stands in
// its log, its files, its answers but the one that made the token, or in the output of any command.
import { Buffer } from 'node:buffer';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
  startServer,
  type ServerProcess,
} from '../support/processes/server-process.ts';

const env = {
  HOLDFAST_TOKEN: 'full-secret-of-the-operator,next-secret-of-the-operator',
  HOLDFAST_READ_TOKEN: 'reading-secret-of-the-operator',
};
const [full = ''] = env.HOLDFAST_TOKEN.split(',');

/** Tokens that clients send, and the server does not know. */
const guesses = [
  'guessed-secret-of-a-stranger',
  `hf_0123456789ab_${'Guess'.repeat(9).slice(0, 43)}`,
];

/** All that must be found nowhere, and all texts in which it is looked for, by their names. */
const secrets = [...env.HOLDFAST_TOKEN.split(','), env.HOLDFAST_READ_TOKEN, ...guesses];
const texts = new Map<string, string>();

/** Exit codes of commands. */
const codes = new Map<string, number | null>();

let root: string;
let data: string;

/** Also in base64, as values stand in files if they are no text. */
function spellingsOf(secret: string): readonly string[] {
  const bytes = Buffer.from(secret);
  return [secret, encodeURIComponent(secret), bytes.toString('base64'), bytes.toString('hex')];
}

function foundIn(text: string): string[] {
  return secrets.filter((secret) => spellingsOf(secret).some((each) => text.includes(each)));
}

async function keep(name: string, reply: Response): Promise<string> {
  const text = await reply.text();
  texts.set(name, JSON.stringify([...reply.headers]) + text);
  return text;
}

interface Init {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

function authorized(token: string, init: Init = {}): RequestInit {
  return { ...init, headers: { authorization: `Bearer ${token}`, ...init.headers } };
}

async function makeUsers({ url }: ServerProcess): Promise<readonly string[]> {
  const made: string[] = [];
  for (const user of ['ann', 'ben']) {
    const path = `${url}/v1/admin/users/${user}`;
    // oxlint-disable-next-line no-await-in-loop
    await keep(`PUT ${user}`, await fetch(path, authorized(full, { method: 'PUT', body: '{}' })));
    for (const role of ['read', 'write', 'admin']) {
      const grants = [{ namespace: user === 'ann' ? '*' : 'app', role }];
      const body = JSON.stringify({ name: role, grants });
      // oxlint-disable-next-line no-await-in-loop
      const reply = await fetch(`${path}/tokens`, authorized(full, { method: 'POST', body }));
      // oxlint-disable-next-line no-await-in-loop
      const { token, id } = (await reply.json()) as { token: string; id: string };
      made.push(token);
      secrets.push(token, token.slice(`hf_${id}_`.length));
    }
  }
  return made;
}

const requests: readonly (readonly [string, string, string?])[] = [
  ['PUT', '/ns/app/v1/keys/a', 'v'],
  ['GET', '/ns/app/v1/keys/a'],
  ['GET', '/ns/app/v1/keys?limit=none'],
  ['GET', '/ns/app/v1/keys'],
  ['GET', '/v1/keys/%ff'],
  ['POST', '/ns/app/v1/batch', '{"operations":[{"op":"put","key":"b","value":"v"}]}'],
  ['POST', '/ns/app/v1/batch', 'no json'],
  ['POST', '/ns/app/v1/transactions', '{"operations":[{"op":"increment","key":"n"}]}'],
  ['POST', '/ns/app/upstash', '["SET","c","v"]'],
  ['POST', '/ns/app/upstash', '["NO","such","command"]'],
  ['POST', '/ns/app/upstash/pipeline', '[["GET","c"],["FLUSHDB","later"]]'],
  ['POST', '/ns/app/upstash/multi-exec', '[["SET","c","w"],["SET"]]'],
  ['GET', '/unstorage/app/:'],
  ['PUT', '/unstorage/app/d', 'v'],
  ['GET', '/v1/whoami'],
  ['GET', '/v1/admin/users'],
  ['GET', '/v1/admin/users/ann'],
  ['GET', '/v1/admin/users/ann/tokens'],
  ['POST', '/v1/admin/users/ann/tokens', '{"name":"t"}'],
  ['DELETE', '/v1/admin/users/ann/tokens/none'],
  ['GET', '/v1/admin/namespaces'],
  ['PUT', '/v1/admin/namespaces/made', '{}'],
  ['GET', '/v1/backup'],
  ['GET', '/metrics'],
  ['GET', '/docs/'],
  ['GET', '/docs/json'],
  ['GET', '/livez'],
  ['GET', '/readyz'],
  ['GET', '/nothing'],
  ['BREW', '/nothing'],
  ['GET', '/NS/app/v1/keys/a'],
];

async function askAll({ url }: ServerProcess, tokens: readonly string[]): Promise<void> {
  for (const [index, token] of tokens.entries()) {
    for (const [method, target, body] of requests) {
      const headers: Record<string, string> =
        body === undefined ? {} : { 'idempotency-key': `${index} ${target}` };
      const init = { method, headers, ...(body === undefined ? {} : { body }) };
      const query = `${target.includes('?') ? '&' : '?'}_token=${encodeURIComponent(token)}`;
      const name = `${method} ${target} by token ${index}`;
      // oxlint-disable-next-line no-await-in-loop
      await keep(name, await fetch(url + target, authorized(token, init)));
      // oxlint-disable-next-line no-await-in-loop
      await keep(`${name} again`, await fetch(url + target, authorized(token, init)));
      // oxlint-disable-next-line no-await-in-loop
      await keep(`${name} in the query`, await fetch(url + target + query, init));
      // oxlint-disable-next-line no-await-in-loop
      await keep(`${name} in both`, await fetch(url + target + query, authorized(token, init)));
    }
  }
}

async function readAll(folder: string): Promise<void> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    // oxlint-disable-next-line no-await-in-loop
    texts.set(path.replace(root, ''), await readFile(path, 'latin1'));
  }
}

async function run(name: string, args: readonly string[], variables = {}): Promise<void> {
  const { code, stdout, stderr } = await runToEnd(args, { env: variables });
  texts.set(name, `${stdout}${stderr}`);
  codes.set(name, code);
}

/** Runs the server through all of it, and then the commands on what it leaves. */
async function collect(): Promise<void> {
  // The journal is compacted soon, so that snapshots are looked at, too.
  const flags = ['--shards', '1', '--compact-journal-bytes', '64KiB'];
  const server = await startServer(data, flags, { env });
  onTestFinished(() => server.program.end());
  const made = await makeUsers(server);
  await askAll(server, [full, env.HOLDFAST_READ_TOKEN, ...made, ...guesses]);
  const large = { method: 'PUT', body: 'v'.repeat(200_000) };
  await fetch(`${server.url}/v1/keys/large`, authorized(full, large));
  const files = () => readdir(data, { recursive: true });
  await expect
    .poll(files, { timeout: 10_000 })
    .toContainEqual(expect.stringMatching(/snapshot-\d+\.json$/));
  const backup = (name: string, file: string, token = '') =>
    run(name, ['backup', '--url', server.url, '--to', join(root, file)], { HOLDFAST_TOKEN: token });
  await backup('backup', 'backup.ndjson', full);
  await backup('backup refused', 'none.ndjson', guesses[0]);
  // The times of use are written a second after the first.
  const users = `${server.url}/v1/admin/users/ann/tokens`;
  const uses = async () => (await fetch(users, authorized(full))).text();
  await expect.poll(uses, { timeout: 10_000 }).toContain('lastUsedAt');
  server.program.kill('SIGTERM');
  await server.program.exited;
  texts.set('log', server.program.stderr);
  texts.set('standard output', server.program.stdout);
  await run('verify', ['verify', data]);
  await run('dump', ['dump', data]);
  await run('repair', ['repair', data, '--to', join(root, 'repaired')]);
  const file = join(root, 'backup.ndjson');
  await run('restore', ['restore', file, '--data-dir', join(root, 'restored')]);
  await readAll(root);
}

beforeAll(async () => {
  root = await makeTemporaryFolder();
  data = join(root, 'data');
});
afterAll(() => removeFolder(root));

test('a secret would be found', () => {
  expect(foundIn(`x${full}x`)).toEqual([full]);
  expect(foundIn(Buffer.from(full).toString('base64'))).toEqual([full]);
});

test('no token stands in an answer, in the log, in a file, or in the output of a command', async () => {
  await collect();
  expect(secrets.length).toBeGreaterThan(15);
  expect(texts.size).toBeGreaterThan(500);
  expect([...texts.keys()].filter((name) => name.startsWith('/data/'))).toEqual(
    expect.arrayContaining([
      expect.stringContaining('journal-'),
      expect.stringContaining('snapshot-'),
    ]),
  );
  expect(Object.fromEntries(codes)).toEqual({
    backup: 0,
    'backup refused': 1,
    verify: 0,
    dump: 0,
    repair: 0,
    restore: 0,
  });
  expect(texts.get('log')).toContain('requests without a valid token were refused');
  const found = [...texts]
    .map(([name, text]) => [name, foundIn(text)] as const)
    .filter(([, some]) => some.length > 0);
  expect(found).toEqual([]);
}, 120_000);
