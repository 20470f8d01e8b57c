// Takes backups of a server while clients write to it. A restored backup shows one moment over all
// shards.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Client } from 'undici';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
  startServer,
} from '../support/processes/server-process.ts';

let folder: string;
beforeEach(async () => void (folder = await makeTemporaryFolder()));
afterEach(() => removeFolder(folder));

interface Line {
  readonly entries: number | readonly { key: string; value: string; version: number }[];
}

/** The entries of a backup, by key. */
async function entriesOf(file: string): Promise<Map<string, { value: string; version: number }>> {
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n').slice(1, -1);
  const blocks = lines.map((line) => (JSON.parse(line) as Line).entries);
  const entries = blocks.flatMap((block) => (typeof block === 'number' ? [] : block));
  return new Map(entries.map(({ key, value, version }) => [key, { value, version }]));
}

/** Writes rounds one after another, each to two keys in turn: the second key is never ahead. */
class Writer {
  acknowledged = 0;
  begun = 0;
  isDone = false;
  readonly #client: Client;
  readonly #name: string;

  constructor(url: string, name: string) {
    this.#client = new Client(url);
    this.#name = name;
  }

  async run(): Promise<void> {
    while (!this.isDone) {
      this.begun += 1;
      await this.#put('first', this.begun);
      await this.#put('second', this.begun);
      this.acknowledged = this.begun;
    }
    await this.#client.close();
  }

  async #put(key: string, round: number): Promise<void> {
    const path = `/v1/keys/${this.#name}-${key}`;
    const reply = await this.#client.request({ method: 'PUT', path, body: String(round) });
    await reply.body.dump();
    if (reply.statusCode >= 300) throw new Error(`refused with ${reply.statusCode}`);
  }
}

test(
  'a backup taken under load is one moment, and restored it is served',
  { timeout: 120_000 },
  async () => {
    const flags = ['--shards', '3', '--compact-journal-bytes', '65536', '--log-level', 'error'];
    const { program, url } = await startServer(join(folder, 'data'), flags);
    onTestFinished(() => program.end());
    const writers = Array.from(
      { length: 16 },
      (_, index) => new Writer(url, `writer ${index}`.replace(' ', '')),
    );
    const running = writers.map((writer) => writer.run());
    await expect
      .poll(() => Math.min(...writers.map(({ acknowledged }) => acknowledged)), { timeout: 30_000 })
      .toBeGreaterThan(20);
    const files: string[] = [];
    for (let round = 0; round < 4; round++) {
      const before = writers.map(({ acknowledged }) => acknowledged);
      const file = join(folder, `backup-${round}`);
      const { code, stderr } = await runToEnd(['backup', '--url', url, '--to', file]);
      expect([code, stderr]).toEqual([0, expect.not.stringContaining('holdfast:')]);
      const after = writers.map(({ begun }) => begun);
      const entries = await entriesOf(file);
      for (const [index, acknowledged] of before.entries()) {
        const first = Number(entries.get(`writer${index}-first`)?.value);
        const second = Number(entries.get(`writer${index}-second`)?.value);
        // A backup has all writes acknowledged before it. With each entry it has all earlier writes.
        expect(second).toBeGreaterThanOrEqual(acknowledged);
        expect(first - second).toBeGreaterThanOrEqual(0);
        expect(first - second).toBeLessThanOrEqual(1);
        expect(first).toBeLessThanOrEqual(after[index] ?? 0);
      }
      files.push(file);
    }
    for (const writer of writers) writer.isDone = true;
    await Promise.all(running);
    program.kill('SIGTERM');
    expect(await program.exited).toEqual({ code: 0, signal: null });

    const [file = ''] = files.slice(-1);
    const entries = await entriesOf(file);
    const restored = join(folder, 'restored');
    const { code } = await runToEnd([
      'restore',
      file,
      '--data-dir',
      restored,
      '--shards',
      '2',
      '--open',
    ]);
    expect(code).toBe(0);
    const again = await startServer(restored);
    onTestFinished(() => again.program.end());
    for (const [key, { value, version }] of entries) {
      const reply = await fetch(`${again.url}/v1/keys/${key}`);
      expect([key, reply.headers.get('etag'), await reply.text()]).toEqual([
        key,
        `"${version}"`,
        value,
      ]);
    }
    expect(entries.size).toBe(32);
  },
);

test('a second backup at the same time is refused, and one that is not read lets go', async () => {
  const { program, url } = await startServer(join(folder, 'data'), ['--shards', '2']);
  onTestFinished(() => program.end());
  const client = new Client(url);
  for (let index = 0; index < 24; index++) {
    const body = Buffer.alloc(4 * 1024 * 1024, 'x');
    const reply = await client.request({ method: 'PUT', path: `/v1/keys/large${index}`, body });
    await reply.body.dump();
  }
  const slow = await fetch(`${url}/v1/backup`);
  expect(slow.status).toBe(200);
  const refused = await runToEnd(['backup', '--url', url, '--to', join(folder, 'backup')]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('refused with 503')]);
  await slow.body?.cancel();
  const taken = async (): Promise<number | null> =>
    (await runToEnd(['backup', '--url', url, '--to', join(folder, 'backup')])).code;
  await expect.poll(taken, { timeout: 20_000 }).toBe(0);
  await client.close();
});

test('a backup of one namespace has it as it is, and nothing of the others', async () => {
  const { program, url } = await startServer(join(folder, 'data'), ['--shards', '3']);
  onTestFinished(() => program.end());
  const write = async (path: string, body: string): Promise<void> => {
    const reply = await fetch(`${url}${path}`, { method: 'PUT', body });
    expect(reply.ok).toBe(true);
  };
  for (const key of ['a', 'b', 'c', 'd']) {
    await write(`/unstorage/app/${key}`, `${key} of app`);
    await write(`/v1/keys/${key}`, `${key} of default`);
  }
  const once = { method: 'PUT', body: 'e of app', headers: { 'idempotency-key': 'secret-key' } };
  expect((await fetch(`${url}/unstorage/app/e`, once)).ok).toBe(true);
  const file = join(folder, 'app.backup');
  const taken = await runToEnd(['backup', '--url', url, '--to', file, '--namespace', 'app']);
  expect([taken.code, taken.stdout]).toEqual([
    0,
    expect.stringContaining('is a whole backup of the namespace app: 5 entries'),
  ]);
  expect(await readFile(file, 'utf8')).not.toMatch(/of default|secret-key|~/);
  const restored = join(folder, 'restored');
  await runToEnd(['restore', file, '--data-dir', restored, '--shards', '2', '--open']);
  const again = await startServer(restored);
  onTestFinished(() => again.program.end());
  for (const key of ['a', 'e']) {
    const reply = await fetch(`${again.url}/unstorage/app/${key}`);
    expect(await reply.text()).toBe(`${key} of app`);
  }
  expect((await fetch(`${again.url}/v1/keys/a`)).status).toBe(404);
});

test('one namespace of a whole backup goes back into the server, beside all others', async () => {
  const { program, url } = await startServer(join(folder, 'data'), ['--shards', '3']);
  onTestFinished(() => program.end());
  const at = (namespace: string, key: string): string => `${url}/ns/${namespace}/v1/keys/${key}`;
  const write = async (namespace: string, key: string, body: Uint8Array): Promise<void> => {
    const reply = await fetch(`${at(namespace, key)}?ttl=1d`, { method: 'PUT', body });
    expect(reply.ok).toBe(true);
  };
  const read = async (namespace: string, key: string) => {
    const reply = await fetch(at(namespace, key));
    const text = Buffer.from(await reply.arrayBuffer()).toString('latin1');
    return reply.ok ? [text, reply.headers.get('holdfast-expires-at')] : reply.status;
  };
  for (const namespace of ['app', 'other', 'default']) {
    await write(namespace, 'bytes', Buffer.from([255, 0, namespace.length]));
    await write(namespace, 'text', Buffer.from(`text of ${namespace}`));
  }
  const before = [await read('app', 'bytes'), await read('app', 'text')];
  const file = join(folder, 'monday.backup');
  expect((await runToEnd(['backup', '--url', url, '--to', file])).code).toBe(0);
  for (const namespace of ['app', 'other']) {
    await write(namespace, 'text', Buffer.from('later'));
    await write(namespace, 'more', Buffer.from('later'));
  }

  const args = ['restore', file, '--url', url, '--namespace', 'app'];
  const refused = await runToEnd(args);
  expect([refused.code, refused.stderr]).toEqual([3, expect.stringContaining('has entries')]);
  const copied = await runToEnd([...args, '--as', 'app-of-monday']);
  expect([copied.code, copied.stderr]).toEqual([0, '']);
  const replaced = await runToEnd([...args, '--replace']);
  expect([replaced.code, replaced.stderr]).toEqual([0, '']);
  for (const namespace of ['app', 'app-of-monday']) {
    expect([await read(namespace, 'bytes'), await read(namespace, 'text')]).toEqual(before);
    expect(await read(namespace, 'more')).toBe(404);
  }
  expect(await read('other', 'text')).toEqual(['later', expect.any(String)]);
  expect(await read('other', 'more')).toEqual(['later', expect.any(String)]);
});
