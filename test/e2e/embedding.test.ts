// The package as a dependency of another program: packed, installed, imported, and checked by the
// compiler of that program.
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { programFolder } from '../../src/base/program-folder.ts';
import { installPacked } from '../support/processes/packed-package.ts';
import {
  makeTemporaryFolder,
  ProgramProcess,
  removeFolder,
} from '../support/processes/server-process.ts';

let folder: string;
let app: string;

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  app = await installPacked(folder);
}, 240_000);

afterAll(() => removeFolder(folder));

/** Runs Node in the folder of the other program, to its end. */
async function runNode(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const program = new ProgramProcess(process.execPath, args, { cwd: app, env });
  try {
    const exit = await program.exited;
    return { ...exit, stdout: program.stdout, stderr: program.stderr };
  } finally {
    await program.end();
  }
}

async function runModule(name: string, text: string, env?: Readonly<Record<string, string>>) {
  await writeFile(join(app, name), text);
  return await runNode([name], env);
}

test('the package has no development dependency', async () => {
  const installed = await readdir(join(app, 'node_modules'));
  expect(installed).toEqual(expect.arrayContaining(['holdfast', 'fastify', 'piscina']));
  expect(installed).not.toContain('vitest');
  expect(installed).not.toContain('typescript');
});

describe('a program that imports the package', () => {
  test('starts and closes servers, and ends by itself with nothing left behind', async () => {
    const temporary = await makeTemporaryFolder();
    const text = `
      import { startServer } from 'holdfast';
      const listeners = (emitter) => emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]);
      const all = () => JSON.stringify([process, process.stdout, process.stderr].map(listeners));
      const before = all();
      const servers = await Promise.all([startServer({ shards: 1 }), startServer({ shards: 2 })]);
      const replies = [];
      for (const { url } of servers) {
        const { status } = await fetch(url + '/v1/keys/a', { method: 'PUT', body: url });
        replies.push(status, (await (await fetch(url + '/v1/keys/a')).text()) === url);
      }
      await Promise.all(servers.map((server) => server.close()));
      console.log(JSON.stringify({ replies, hasSameListeners: all() === before }));
    `;
    const { code, stdout, stderr } = await runModule('servers.mjs', text, { TMPDIR: temporary });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toEqual({ replies: [201, true, 201, true], hasSameListeners: true });
    expect(await readdir(temporary)).toEqual([]);
    await removeFolder(temporary);
  });

  test('may be CommonJS', async () => {
    const text = `
      const { startServer, SettingError } = require('holdfast');
      startServer({ port: -1 }).catch((error) => console.log(error instanceof SettingError));
    `;
    expect(await runModule('required.cjs', text)).toEqual({
      code: 0,
      signal: null,
      stdout: 'true\n',
      stderr: '',
    });
  });

  test('cannot reach into the package', async () => {
    const { stdout } = await runModule(
      'inside.mjs',
      `await import('holdfast/dist/program/main.js').catch(({ code }) => console.log(code));`,
    );
    expect(stdout).toBe('ERR_PACKAGE_PATH_NOT_EXPORTED\n');
  });
});

const program = `
import {
  ListenError, SettingError, startServer, StoreError,
  type ErrorCode, type Outcome, type RunningServer, type ServerOptions,
} from 'holdfast';

const options: ServerOptions = {
  port: 0, host: '127.0.0.1', shards: 'auto', fsync: 'never', cacheBytes: '1MiB', batchBytesMax: 'auto', dataDir: undefined,
};
export async function use(): Promise<string> {
  await using server: RunningServer = await startServer(options);
  const port: number = server.port;
  await server.close();
  return server.url + port;
}
export function explain(error: unknown): ErrorCode | Outcome | string {
  if (error instanceof StoreError) return error.code === 'STORE_IN_USE' ? error.code : error.outcome;
  if (error instanceof SettingError || error instanceof ListenError) return error.message;
  return '';
}
`;

const mistakes = [
  `startServer({ prot: 1 })`,
  `startServer({ port: '1' })`,
  `startServer({ fsync: 'sometimes' })`,
  `startServer({ cacheBytes: '1MB' })`,
  `startServer(null)`,
  `startServer().then((server) => server.stop())`,
];

describe('the compiler of a program in TypeScript', () => {
  const compiler = join(programFolder, 'node_modules', 'typescript', 'bin', 'tsc');
  // It checks the declarations of the package, too, and finds no types beside them.
  const strict = ['--noEmit', '--strict', '--target', 'es2022', '--types', ''];

  async function check(name: string, text: string, modules: readonly string[]) {
    await writeFile(join(app, name), text);
    return await runNode([compiler, ...strict, ...modules, name]);
  }

  test.each([
    ['nodenext', ['--module', 'nodenext']],
    ['of a bundler', ['--module', 'esnext', '--moduleResolution', 'bundler']],
  ])('takes the types, with modules %s', async (_name, modules) => {
    const { code, stdout } = await check('program.ts', program, modules);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });

  test('finds each mistake', async () => {
    const lines = mistakes.map((mistake) => `// @ts-expect-error -- a mistake\nvoid ${mistake};`);
    const text = [`import { startServer } from 'holdfast';`, ...lines].join('\n');
    const { code, stdout } = await check('mistakes.ts', text, ['--module', 'nodenext']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
  });
});
