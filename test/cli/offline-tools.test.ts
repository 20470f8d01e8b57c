// `holdfast verify`, `dump` and `repair` as processes. Checks exit codes, both outputs, and that no
// command changes the folder that it reads.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { largeKey, makeLargeStore } from '../support/stores/large-store.ts';
import { serveInTest } from '../support/processes/server-of-test.ts';
import {
  makeTemporaryFolder,
  programFile,
  removeFolder,
  runToEnd,
  runWithoutRoom,
  startServer,
} from '../support/processes/server-process.ts';

const lastLine = (text: string) => text.trimEnd().split('\n').at(-1);
const linesOf = (text: string) => text.split('\n').slice(0, -1);

/** The folder's files by name, with a digest of their content. */
async function digestsOf(folder: string): Promise<Record<string, string>> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = names.filter((one) => one.isFile()).map((one) => join(one.parentPath, one.name));
  const digests = files.map(async (file) => {
    return [
      file,
      createHash('sha256')
        .update(await readFile(file))
        .digest('hex'),
    ] as const;
  });
  return Object.fromEntries(await Promise.all(digests));
}

describe('on a small store', () => {
  /** A folder as a server has left it, for each test to copy. */
  let written: string;
  let folder: string;
  let data: string;

  beforeAll(async () => {
    written = await makeTemporaryFolder();
    const { program, url } = await startServer(written, ['--shards', '2']);
    for (const key of ['a', 'b', 'c', 'd']) {
      await fetch(`${url}/v1/keys/${key}`, { method: 'PUT', body: `value of ${key}` });
    }
    await fetch(`${url}/v1/keys/bytes`, { method: 'PUT', body: Buffer.from([255, 0]) });
    program.kill('SIGTERM');
    await program.exited;
  });
  afterAll(() => removeFolder(written));

  beforeEach(async () => {
    folder = await makeTemporaryFolder();
    data = join(folder, 'data');
    await cp(written, data, { recursive: true });
  });
  afterEach(() => removeFolder(folder));

  /**
   * Changes one value of a journal.
   *
   * @returns the place of the change
   */
  async function damageJournal(): Promise<string> {
    const name = 'layout-000001/shard-0000/journal-000001.ndjson';
    const path = join(data, name);
    const lines = (await readFile(path, 'utf8')).split('\n');
    lines[1] = lines[1]?.replace('value of', 'valuf of') ?? '';
    await writeFile(path, lines.join('\n'));
    return `${name}, line 2, offset ${(lines[0]?.length ?? 0) + 1}, seq 1: the line does not match`;
  }

  test('while a server has it, every command refuses with code 3 and names the holder', async () => {
    const { program } = await serveInTest(data, ['--shards', '2']);
    for (const args of [['verify'], ['dump'], ['repair', '--to', join(folder, 'new')]]) {
      const [command = '', ...rest] = args;
      const { code, stdout, stderr } = await runToEnd([command, data, ...rest]);
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toMatch(`is locked by process ${program.pid}, `);
      expect(stderr).toMatch(/^holdfast: [^\n]+\n$/);
    }
    expect(await readdir(folder)).toEqual(['data']);
  });

  test('that is good, verify ends with 0, dump prints the entries, and repair makes an equal store', async () => {
    const before = await digestsOf(data);
    const verified = await runToEnd(['verify', data]);
    expect(verified).toMatchObject({ code: 0, stdout: 'good: 2 shards, 0.0 MiB\n', stderr: '' });
    const dumped = await runToEnd(['dump', data]);
    expect(dumped).toMatchObject({ code: 0, stderr: '' });
    expect(linesOf(dumped.stdout)).toEqual([
      expect.stringMatching(/^\{"key":"a","value":"value of a","version":\d+\}$/),
      expect.stringMatching(/^\{"key":"b",/),
      expect.stringMatching(/^\{"key":"bytes","valueBase64":"\/wA=","version":\d+\}$/),
      expect.stringMatching(/^\{"key":"c",/),
      expect.stringMatching(/^\{"key":"d",/),
    ]);
    const repaired = await runToEnd(['repair', data, '--open', '--to', join(folder, 'new')]);
    expect(repaired).toMatchObject({ code: 0, stdout: '' });
    expect(linesOf(repaired.stderr)).toContain('a server on it needs no token');
    expect(lastLine(repaired.stderr)).toMatch(
      /^holdfast: .*new holds 5 entries in 2 shards.*no loss is found/,
    );
    expect((await runToEnd(['dump', join(folder, 'new')])).stdout).toBe(dumped.stdout);
    expect(await digestsOf(data)).toEqual(before);
  });

  test('that is damaged, every command names the place, and a repaired store serves the kept entries', async () => {
    const where = await damageJournal();
    await rm(join(data, 'layout-000001/shard-0001/current.json'));
    const before = await digestsOf(data);

    const verified = await runToEnd(['verify', data]);
    expect(verified.code).toBe(1);
    expect(linesOf(verified.stdout)).toEqual([
      expect.stringContaining(`damaged: ${where}`),
      'damaged: layout-000001/shard-0001/current.json: the file is missing',
    ]);
    expect(verified.stderr).toContain(`holdfast: damaged in 2 places: ${where}`);
    expect(verified.stderr).toContain(`: holdfast repair ${data} --to NEWDIR\n`);

    for (const command of [
      ['dump', data],
      ['serve', '--port', '0', '--data-dir', data],
    ]) {
      const refused = await runToEnd(command);
      expect(refused).toMatchObject({ code: 3, stdout: '' });
      expect(lastLine(refused.stderr)).toContain(`holdfast: ${where}`);
      expect(lastLine(refused.stderr)).toContain(`holdfast verify ${data}`);
      expect(lastLine(refused.stderr)).toContain(`holdfast repair ${data} --to NEWDIR`);
    }

    const newDir = join(folder, 'new');
    const repaired = await runToEnd(['repair', data, '--to', newDir]);
    expect(repaired.code).toBe(1);
    const kinds = linesOf(repaired.stdout).map(
      (line) => (JSON.parse(line) as { finding: string }).finding,
    );
    expect(kinds).toEqual(['damage', 'lost-changes', 'key', 'damage', 'unproved-end']);
    expect(lastLine(repaired.stderr)).toMatch(
      /^holdfast: .*something is lost, or may be: 3 findings/,
    );
    expect(await digestsOf(data)).toEqual(before);

    // The records of access may be among the changes that are lost.
    const open = `holdfast access open ${newDir}`;
    expect(repaired.stderr).toContain(
      `needs HOLDFAST_TOKEN; to let callers in without a token: ${open}\n`,
    );
    const refused = await runToEnd(['serve', '--port', '0', '--data-dir', newDir]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toContain(open);

    expect((await runToEnd(['access', 'open', newDir])).code).toBe(0);
    const { url } = await serveInTest(newDir, ['--shards', '2']);
    const { items } = (await (await fetch(`${url}/v1/keys`)).json()) as { items: unknown[] };
    expect(items).toHaveLength(4);
  });

  test('that has users, repair keeps and lists their tokens, or leaves them out', async () => {
    const typed = ['--data-dir', data];
    expect((await runToEnd(['user', 'add', 'ann', ...typed])).code).toBe(0);
    const grant = ['--name', 'laptop', '--grant', '*:admin'];
    const made = await runToEnd(['token', 'add', 'ann', ...grant, ...typed]);
    const token = made.stdout.trim();
    expect(token).toMatch(/^hf_/);

    const kept = await runToEnd(['repair', data, '--to', join(folder, 'kept')]);
    expect(kept).toMatchObject({ code: 0, stdout: '' });
    expect(kept.stderr).toMatch(/^[0-9a-z]{12} +ann +laptop +never +\*:admin$/m);
    expect(kept.stderr).not.toContain(token);
    const { url } = await serveInTest(join(folder, 'kept'), ['--shards', '2']);
    const headers = { authorization: `Bearer ${token}` };
    expect((await fetch(`${url}/v1/keys/a`)).status).toBe(401);
    expect((await fetch(`${url}/v1/keys/a`, { headers })).status).toBe(200);

    const without = join(folder, 'without');
    const revoked = await runToEnd(['repair', data, '--revoke-tokens', '--to', without]);
    expect(revoked.stderr).toContain('all tokens are revoked: 1\n');
    const status = await runToEnd(['access', 'status', '--data-dir', without]);
    expect(status.stdout).toMatch(/users +1\n/);
    expect(status.stdout).toMatch(/tokens +0\n/);
  });

  test('a refused start names every damaged shard', async () => {
    for (const shard of [0, 1]) {
      await rm(join(data, `layout-000001/shard-000${shard}/current.json`));
    }
    const { stderr } = await runToEnd(['serve', '--port', '0', '--data-dir', data]);
    const lines = linesOf(stderr);
    for (const shard of [0, 1]) {
      const logged = lines.filter((line) => line.includes(`shard-000${shard}/current.json`));
      expect(logged.length).toBeGreaterThan(0);
    }
    expect(lines.at(-1)).toMatch(/^holdfast: .*shard-0000\/current\.json: the file is missing/);
  });

  test('a refused start changes no file', async () => {
    await damageJournal();
    const before = await digestsOf(data);
    expect((await runToEnd(['serve', '--port', '0', '--data-dir', data])).code).toBe(3);
    expect(await digestsOf(data)).toEqual(before);
  });

  test('wrong usage of repair ends with 2, and nothing is written', async () => {
    await mkdir(join(folder, 'full'));
    await writeFile(join(folder, 'full', 'mine.txt'), 'mine');
    for (const [to, message] of [
      [join(folder, 'full'), /is not empty \(there is mine\.txt\); allowed: a new or empty one/],
      [data, /is in the data folder itself/],
      [join(data, 'new'), /is in the data folder itself/],
      [join(folder, 'full', 'mine.txt'), /mine\.txt is not a folder; allowed: a new or empty one/],
    ] as const) {
      const { code, stdout, stderr } = await runToEnd(['repair', data, '--to', to]);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(message);
    }
    expect((await runToEnd(['repair', data])).code).toBe(2);
    expect(await readdir(join(folder, 'full'))).toEqual(['mine.txt']);
  });

  test('a repair without room on disk says so, and removes its folders; an existing one stays', async () => {
    const before = await digestsOf(data);
    const existing = join(folder, 'existing');
    await mkdir(existing);
    await writeFile(join(existing, '.gitkeep'), '');
    for (const to of [join(folder, 'deep', 'new'), existing]) {
      const { code, stderr } = await runWithoutRoom(['repair', data, '--to', to]);
      expect([code, stderr]).toEqual([
        1,
        `holdfast: no room on disk in ${to}: what was written is removed, and ${data} is unchanged\n`,
      ]);
    }
    expect(await readdir(folder)).toEqual(['data', 'existing']);
    // The lock file of a folder that others may have open is never removed.
    expect(await readdir(existing)).toEqual(['.gitkeep', 'LOCK']);
    expect(await digestsOf(data)).toEqual(before);
    expect((await runToEnd(['repair', data, '--to', existing])).code).toBe(0);
  });

  test('a repair takes a folder that an earlier one has left unfinished', async () => {
    const left = join(folder, 'left');
    await mkdir(join(left, 'layout-000001'), { recursive: true });
    await writeFile(join(left, 'manifest.json.filling.tmp'), '');
    const { code, stderr } = await runToEnd(['repair', data, '--to', left]);
    expect([code, stderr]).toEqual([0, expect.stringContaining('no loss is found')]);
    expect((await runToEnd(['verify', left])).code).toBe(0);
  });

  test.each(['verify', 'dump'])(
    '%s of a folder without a store ends with 1 and makes nothing',
    async (command) => {
      for (const [path, message] of [
        [join(folder, 'nowhere'), /nowhere: there is no such folder/],
        [folder, /there is no store in this folder/],
      ] as const) {
        const { code, stdout, stderr } = await runToEnd([command, path]);
        expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
        expect(stderr).toMatch(message);
      }
      expect(await readdir(folder)).toEqual(['data']);
    },
  );
});

function progressLine(work: string): RegExp {
  return new RegExp(`^${work}: \\d+ % of \\d+\\.\\d MiB$`, 'm');
}

describe('on a store large enough to need progress', () => {
  const entries = 1_000_000;
  const snapshots = [0, 1].map((shard) => `layout-000001/shard-000${shard}/snapshot-000001.json`);
  let folder: string;
  let data: string;

  beforeAll(async () => {
    folder = await makeTemporaryFolder();
    data = join(folder, 'data');
    makeLargeStore(data, entries);
  }, 300_000);

  afterAll(() => removeFolder(folder));

  /** Runs a script in a shell. Its arguments are the program, the command and the folder. */
  function runInShell(script: string): { stdout: string; stderr: string } {
    const words = [process.execPath, programFile, data];
    const { stdout, stderr } = spawnSync('sh', ['-c', script, ...words], { encoding: 'utf8' });
    return { stdout, stderr };
  }

  test('verify of a good one ends with 0', { timeout: 300_000 }, async () => {
    const { code, stdout } = await runToEnd(['verify', data]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^good: 2 shards, \d+\.\d MiB\n$/);
  });

  test('dump prints its progress, and all entries', { timeout: 300_000 }, () => {
    const { stdout, stderr } = runInShell('"$0" "$1" dump "$2" | wc -l');
    expect(Number(stdout)).toBe(entries);
    expect(stderr).toMatch(progressLine('dumping'));
  });

  test(
    'dump prints the entries in order, and ends quietly when its reader goes',
    { timeout: 300_000 },
    () => {
      const script = '{ "$0" "$1" dump "$2"; echo "code $?" >&2; } | head -n 3';
      const { stdout, stderr } = runInShell(script);
      const keys = linesOf(stdout).map((line) => (JSON.parse(line) as { key: string }).key);
      expect(keys).toEqual([0, 1, 2].map(largeKey));
      expect(linesOf(stderr).filter((line) => !/^(checking|dumping): /.test(line))).toEqual([
        'code 0',
      ]);
    },
  );

  test(
    'verify and repair of a damaged store report it, and a bad byte costs one block',
    { timeout: 300_000 },
    async () => {
      for (const name of snapshots) {
        const bytes = await readFile(join(data, name));
        const at = Math.floor(bytes.length / 2);
        bytes[at] = (bytes[at] ?? 0) ^ 1;
        await writeFile(join(data, name), bytes);
      }
      const verified = await runToEnd(['verify', data]);
      expect(verified.code).toBe(1);
      expect(linesOf(verified.stdout)).toEqual(
        snapshots.map((name) =>
          expect.stringMatching(`^damaged: ${name}, line \\d+, offset \\d+: `),
        ),
      );
      expect(verified.stderr).toMatch(progressLine('verifying'));

      const repaired = await runToEnd(['repair', data, '--to', join(folder, 'new')]);
      expect(repaired.code).toBe(1);
      expect(repaired.stderr).toMatch(progressLine('(salvaging|reading back)'));
      const lost = linesOf(repaired.stdout)
        .map((line) => JSON.parse(line) as { finding: string; entries?: number })
        .flatMap(({ finding, entries: count = 0 }) => (finding === 'lost-entries' ? [count] : []));
      expect(lost).toEqual([expect.any(Number), expect.any(Number)]);
      const sum = lost.reduce((total, count) => total + count, 0);
      expect(sum).toBeGreaterThan(100);
      expect(sum).toBeLessThan(4000);
      expect(lastLine(repaired.stderr)).toContain(`new holds ${entries - sum} entries in 2 shards`);
    },
  );
});
