// The image runs these: the package as npm installs it, in files that its user cannot change, within
// the memory of a small container.
import { execFileSync, spawnSync } from 'node:child_process';
import { chmod, chown, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  afterAll,
  beforeAll,
  beforeEach,
  expect,
  onTestFinished,
  test,
  type TestContext,
} from 'vitest';
import { MemoryGroup } from '../support/faults/memory-group.ts';
import { skipBecause, skipWithout } from '../support/faults/needs.ts';
import { installPacked } from '../support/processes/packed-package.ts';
import { freePort } from '../support/processes/process-facts.ts';
import { runInTest } from '../support/processes/server-of-test.ts';
import {
  isRunning,
  makeTemporaryFolder,
  removeFolder,
  type ProgramProcess,
} from '../support/processes/server-process.ts';

/** The user of the image, without a name on this machine. */
const user = 10_001;
const asUser = ['setpriv', `--reuid=${user}`, `--regid=${user}`, '--clear-groups'];
const mebibyte = 2 ** 20;

let installed: string;
let app: string;
let home: string;
let port: string;
let variables: Readonly<Record<string, string>>;

beforeAll(async () => {
  installed = await makeTemporaryFolder();
  // So that the other user can reach the program. The files still belong to root.
  await chmod(installed, 0o755);
  app = await installPacked(installed);
}, 240_000);

afterAll(() => removeFolder(installed));

beforeEach(async () => {
  home = await makeTemporaryFolder();
  onTestFinished(() => removeFolder(home));
  const dataDir = join(home, 'data');
  await mkdir(dataDir);
  for (const folder of [home, dataDir]) await chown(folder, user, user);
  port = String(await freePort());
  variables = {
    HOME: home,
    // Otherwise npm may speak of its own updates.
    npm_config_update_notifier: 'false',
    HOLDFAST_HOST: '0.0.0.0',
    HOLDFAST_DATA_DIR: dataDir,
    HOLDFAST_PORT: port,
  };
});

/** Runs a command as the user, in the folder with the package. */
function runAsUser(command: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const options = { cwd: app, env: { ...variables, ...env }, detached: true };
  return runInTest('sh', ['-c', 'exec "$@"', 'sh', ...asUser, ...command], options);
}

async function endOf(program: ProgramProcess) {
  const { code } = await program.exited;
  return { code, stdout: program.stdout, stderr: program.stderr };
}

const health = () => endOf(runAsUser(['npx', 'holdfast', 'health']));

/** The id of the server's own process: npx starts it as a child. */
async function serverId(): Promise<number> {
  const text = await readFile(join(home, 'data', 'LOCK'), 'utf8');
  return Number(text);
}

/** The files of the package, as npm has packed them. */
function packedFiles(): string[] {
  const tarball = join(installed, 'holdfast-0.1.0.tgz');
  const listed = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' });
  return listed
    .trimEnd()
    .split('\n')
    .map((path) => path.replace(/^package\//, ''));
}

test('the package has the program, its defaults and the manual, and nothing else', () => {
  const packed = packedFiles();
  for (const path of [
    'package.json',
    'README.md',
    'LICENSE',
    'CHANGELOG.md',
    'config/default.json',
    'deploy/Dockerfile',
    'docs/deploy.md',
    'dist/program/main.js',
    'dist/program/index.js',
    'dist/program/workers/shard.js',
    'dist/src/index.d.ts',
  ]) {
    expect(packed).toContain(path);
  }
  const known =
    /^(?:package\.json|(?:README|LICENSE|CHANGELOG)(?:\.md)?|config\/|deploy\/|docs\/|dist\/program\/.*\.js$|dist\/src\/.*\.d\.ts$)/;
  expect(packed.filter((path) => !known.test(path))).toEqual([]);
});

test('npx serves and asks for health as a user who can change no file of the program', async (context) => {
  skipWithout(context, 'root', 'setpriv');
  const write = spawnSync('setpriv', [...asUser.slice(1), 'touch', join(app, 'x')]);
  expect(write.status).toBe(1);
  const { stdout: token } = await endOf(runAsUser(['npx', 'holdfast', 'token', 'new']));
  const refused = await endOf(runAsUser(['npx', 'holdfast', 'serve']));
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('HOLDFAST_TOKEN')]);
  expect(await health()).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`http://127.0.0.1:${port} cannot be asked: `) as string,
  });
  const env = { HOLDFAST_TOKEN: token.trim() };
  const program = runAsUser(['npx', 'holdfast', 'serve'], env);
  await program.printed(/ listens on /);
  expect(await health()).toEqual({ code: 0, stdout: '', stderr: '' });
  const url = `http://127.0.0.1:${port}/v1/keys/kept`;
  const headers = { authorization: `Bearer ${env.HOLDFAST_TOKEN}` };
  const written = await fetch(url, { method: 'PUT', body: 'kept', headers });
  expect(written.status).toBe(201);
  expect(await (await fetch(url, { headers })).text()).toBe('kept');
  expect((await fetch(url)).status).toBe(401);
  const id = await serverId();
  process.kill(id, 'SIGTERM');
  expect((await endOf(program)).code).toBe(0);
  expect(isRunning(id)).toBe(false);
});

/** Requests to a server with a token, many at a time. */
class Load {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(base: string, token: string) {
    this.#base = base;
    this.#headers = { authorization: `Bearer ${token}` };
  }

  async send(method: string, path: string, body?: Buffer | string) {
    const options = { method, headers: this.#headers, ...(body === undefined ? {} : { body }) };
    const reply = await fetch(`${this.#base}${path}`, options);
    return { status: reply.status, body: Buffer.from(await reply.arrayBuffer()) };
  }

  /** Sends again what an overloaded server has not applied. */
  async sendUntilTaken(method: string, path: string, body?: Buffer | string) {
    for (;;) {
      const reply = await this.send(method, path, body);
      if (reply.status !== 503) return reply;
    }
  }

  async figure(name: string): Promise<number[]> {
    const { body } = await this.send('GET', '/metrics');
    const lines = body.toString().match(new RegExp(`^${name}(?:\\{.*\\})? .*$`, 'gm')) ?? [];
    return lines.map((line) => Number(line.slice(line.lastIndexOf(' '))));
  }
}

async function inParallel(workers: number, work: () => Promise<void>): Promise<void> {
  await Promise.all(Array.from({ length: workers }, work));
}

const clients = 32;
const refusalsMin = 64;

/** @returns the keys that were written until the store was full */
async function fill(load: Load, value: Buffer): Promise<string[]> {
  const keys: string[] = [];
  let [next, refusals] = [0, 0];
  await inParallel(clients, async () => {
    while (refusals < refusalsMin) {
      const key = `key-${next++}`;
      const { status, body } = await load.sendUntilTaken('PUT', `/v1/keys/${key}`, value);
      if (status === 201) keys.push(key);
      else refusals += codeOf(status, body) === 'SHARD_FULL' ? 1 : Infinity;
    }
  });
  expect(refusals).toBeLessThan(Infinity);
  return keys;
}

function codeOf(status: number, body: Buffer): unknown {
  return status === 507 ? (JSON.parse(body.toString()) as { code: unknown }).code : status;
}

/** Calls `work` with each key, some at a time. */
async function withEach(keys: readonly string[], work: (key: string) => Promise<void>) {
  const left = [...keys];
  await inParallel(clients, async () => {
    for (let key = left.pop(); key !== undefined; key = left.pop()) await work(key);
  });
}

const batchesMax = 24;

/** Batches near their largest size, which write and read the keys. */
async function sendBatches(load: Load, keys: readonly string[], value: Buffer): Promise<void> {
  const some = keys.slice(0, Math.floor((3 * mebibyte) / value.length));
  const puts = some.map((key) => ({ op: 'put', key, value: value.toString() }));
  const gets = some.map((key) => ({ op: 'get', key }));
  let sent = 0;
  await inParallel(4, async () => {
    while (sent++ < batchesMax) {
      const operations = sent % 2 === 0 ? puts : gets;
      const { status } = await load.sendUntilTaken(
        'POST',
        '/v1/batch',
        JSON.stringify({ operations }),
      );
      expect(status).toBe(200);
    }
  });
}

/** Starts a server that has 512 MiB of memory. */
async function serveInGroup(context: TestContext) {
  skipWithout(context, 'root', 'setpriv');
  const group = MemoryGroup.make(512 * mebibyte);
  if (group === undefined) skipBecause(context, 'needs a control group that it may make');
  const token = 'a token of this test'.replaceAll(' ', '-');
  const holdfast = join(app, 'node_modules', '.bin', 'holdfast');
  const server = runInTest(
    'sh',
    ['-c', `${group.enter}; exec "$@"`, 'sh', ...asUser, holdfast, 'serve'],
    { cwd: app, env: { ...variables, HOLDFAST_TOKEN: token, HOLDFAST_LOG_LEVEL: 'warn' } },
  );
  // Runs after the server has been ended, because the last hook runs first.
  onTestFinished(async () => {
    await server.end();
    group.remove();
  });
  await server.printed(/ listens on /);
  return { group, server, load: new Load(`http://127.0.0.1:${port}`, token) };
}

test.for([10_000, 100_000, 1_000_000])(
  'within 512 MiB a server filled with values of %i bytes refuses, goes on, and is not killed',
  { timeout: 300_000 },
  async (bytes, context) => {
    const { group, server, load } = await serveInGroup(context);
    const value = Buffer.alloc(bytes, 'v');
    const keys = await fill(load, value);
    expect(keys.length * bytes).toBeGreaterThan(40 * mebibyte);
    const backup = load.send('GET', '/v1/backup');
    const batches = sendBatches(load, keys, value);
    for (let round = 0; round < 2; round++) {
      await withEach(keys, async (key) => {
        const { status, body } = await load.sendUntilTaken('PUT', `/v1/keys/${key}`, value);
        expect([204, 'SHARD_FULL']).toContain(codeOf(status, body));
      });
    }
    await batches;
    expect([200, 503]).toContain((await backup).status);
    await withEach(keys, async (key) => {
      const reply = await load.sendUntilTaken('GET', `/v1/keys/${key}`);
      expect([reply.status, reply.body.equals(value)]).toEqual([200, true]);
    });
    expect(await load.figure('holdfast_compactions_total')).not.toEqual([0, 0]);
    expect(await load.figure('holdfast_shard_epoch')).toEqual([1, 1]);
    const [first = ''] = keys;
    expect((await load.sendUntilTaken('DELETE', `/v1/keys/${first}`)).status).toBe(204);
    expect((await load.sendUntilTaken('PUT', `/v1/keys/${first}`, value)).status).toBe(201);
    expect(await health()).toMatchObject({ code: 0 });
    expect(group.kills).toBe(0);
    server.kill('SIGTERM');
    expect(await server.exited).toEqual({ code: 0, signal: null });
  },
);

test.for([10_000, 100_000])(
  'within 512 MiB a server is filled with values of %i bytes and flushed six times, and is not killed',
  { timeout: 300_000 },
  async (bytes, context) => {
    const { group, load } = await serveInGroup(context);
    const value = Buffer.alloc(bytes, 'v');
    for (let round = 0; round < 6; round++) {
      const keys = await fill(load, value);
      expect(keys.length * bytes).toBeGreaterThan(40 * mebibyte);
      const { status } = await load.sendUntilTaken('POST', '/upstash/', '["FLUSHDB"]');
      expect(status).toBe(200);
    }
    expect(group.kills).toBe(0);
  },
);
