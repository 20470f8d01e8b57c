// The commands of administration as typed: the same words against a running server and on a folder that
// no server uses, and the same effects.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  makeTemporaryFolder,
  removeFolder,
  runToEnd,
  type ServerProcess,
} from '../../support/processes/server-process.ts';
import { freePort } from '../../support/processes/process-facts.ts';
import { serveInTest } from '../../support/processes/server-of-test.ts';
import { openTestStore } from '../../support/stores/embedded-store.ts';

let folder: string;
let dataDir: string;
beforeEach(async () => {
  folder = await makeTemporaryFolder();
  dataDir = join(folder, 'data');
});
afterEach(() => removeFolder(folder));

async function makeStore(): Promise<void> {
  const store = await openTestStore(dataDir, { shards: 1 });
  await store.close();
}

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Types commands at one target, and keeps their output. */
class Terminal {
  readonly #ids = new Set<string>();
  transcript = '';
  readonly #target: readonly string[];
  readonly #place: string;
  /** Of the administrator, once there is one. */
  token: string | undefined;

  constructor(target: readonly string[]) {
    this.#target = target;
    this.#place = target[1] ?? '';
  }

  async type(line: string): Promise<Ended> {
    const args = [...line.split(' '), ...this.#target];
    const env: Record<string, string> = {};
    if (this.token !== undefined) env['HOLDFAST_TOKEN'] = this.token;
    const { code, stdout, stderr } = await runToEnd(args, { env });
    const end = code === 0 ? '' : `exit code ${code}\n`;
    this.transcript += this.#without(`$ ${line}\n${stdout}${stderr}${end}`);
    return { code, stdout, stderr };
  }

  /** Ids, secrets and times differ from run to run. */
  #without(text: string): string {
    // A word may look like an id, so only those count that a token had.
    for (const [, id = ''] of text.matchAll(/\bhf_([a-z0-9]{12})_/g)) this.#ids.add(id);
    return text
      .replaceAll(this.#place, 'PLACE')
      .replaceAll(/hf_[a-z0-9]{12}_[\w-]{43}/g, 'TOKEN')
      .replaceAll(/\b[a-z0-9]{12}\b/g, (word) => (this.#ids.has(word) ? 'ID' : word))
      .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, 'TIME')
      .replaceAll(/At":\d+/g, 'At":0')
      .replaceAll(/ {2,}/g, '  ');
  }
}

const idOf = (stdout: string): string => /hf_([a-z0-9]{12})_/.exec(stdout)?.[1] ?? '';

/** @param isServer true: the administrator's token has to be sent from its making on */
async function administer(terminal: Terminal, isServer: boolean): Promise<void> {
  await terminal.type('user add ann');
  await terminal.type('user add ann');
  await terminal.type('token add ann --name laptop --grant app:write');
  await terminal.type('user add root');
  const admin = await terminal.type('token add root --name first --grant *:admin');
  if (isServer) terminal.token = admin.stdout.trim();
  await terminal.type('namespace add app --keys-max 10 --bytes-max 1MiB');
  await terminal.type('namespace add app');
  await terminal.type('namespace set app --keys-max none --audit writes');
  await terminal.type('namespace show app --json');
  const made = await terminal.type(
    'token add ann --name two --grant app:write:user:,x --grant default:read --json',
  );
  const lesser = await terminal.type(
    'token add ann --name three --grant app:read --requests-per-second 5 --written-bytes-per-second 2KiB',
  );
  await terminal.type('token list ann');
  await terminal.type(`token revoke ann ${idOf(made.stdout)}`);
  await terminal.type('user remove root');
  await terminal.type('user disable ann');
  await terminal.type('user show ann');
  await terminal.type('user enable ann --json');
  await terminal.type('user enable bob');
  await terminal.type('namespace drop app --yes');
  // The token had a grant in the dropped namespace alone.
  await terminal.type(`token revoke ann ${idOf(lesser.stdout)}`);
  await terminal.type('namespace list');
  await terminal.type('user remove ann');
  await terminal.type('user list --json');
}

const transcript = `
$ user add ann
the user ann is made
$ user add ann
holdfast: PLACE has a user ann already. Nothing has been changed
exit code 1
$ token add ann --name laptop --grant app:write
holdfast: PLACE refused (ADMIN_TOKEN_REQUIRED): The first token must have the role admin on "*", without prefixes, and its user must not be disabled: otherwise no token could administer the server. No token was made.
exit code 1
$ user add root
the user root is made
$ token add root --name first --grant *:admin
TOKEN
the token ID of the user root, first, is made; it is shown only this time
  grants  *:admin
  expires  never
  rates  none
$ namespace add app --keys-max 10 --bytes-max 1MiB
NAMESPACE  KEYS  BYTES  KEYS MAX  BYTES MAX  AUDIT  CREATED
app  0  0  10  1048576  off  TIME
$ namespace add app
holdfast: PLACE has a namespace app already; allowed: holdfast namespace set. Nothing has been changed
exit code 1
$ namespace set app --keys-max none --audit writes
NAMESPACE  KEYS  BYTES  KEYS MAX  BYTES MAX  AUDIT  CREATED
app  0  0  none  1048576  writes  TIME
$ namespace show app --json
{"name":"app","keys":0,"bytes":0,"bytesMax":1048576,"audit":"writes","createdAt":0}
$ token add ann --name two --grant app:write:user:,x --grant default:read --json
{"id":"ID","name":"two","token":"TOKEN","grants":[{"namespace":"app","role":"write","prefixes":["user:","x"]},{"namespace":"default","role":"read"}],"createdAt":0}
$ token add ann --name three --grant app:read --requests-per-second 5 --written-bytes-per-second 2KiB
TOKEN
the token ID of the user ann, three, is made; it is shown only this time
  grants  app:read
  expires  never
  rates  5 requests/s, 2048 bytes/s
$ token list ann
ID  NAME  CREATED  LAST USED  EXPIRES  RATES  GRANTS
ID  two  TIME  never  never  none  app:write:user:,x default:read
ID  three  TIME  never  never  5 requests/s, 2048 bytes/s  app:read
$ token revoke ann ID
the token ID of the user ann is revoked
$ user remove root
holdfast: PLACE refused (ADMIN_TOKEN_REQUIRED): This would end the last valid token with the role admin on "*". Make another one first, or start the server with HOLDFAST_TOKEN. Nothing was changed.
exit code 1
$ user disable ann
the user ann is disabled: no token of ann is let in
$ user show ann
user  ann
state  disabled
created  TIME
$ user enable ann --json
{"name":"ann","disabled":false,"createdAt":0}
$ user enable bob
holdfast: PLACE refused (USER_NOT_FOUND): There is no user "bob".
exit code 1
$ namespace drop app --yes
the namespace app is dropped
$ token revoke ann ID
holdfast: PLACE refused (TOKEN_NOT_FOUND): The user "ann" has no token with this id.
exit code 1
$ namespace list
NAMESPACE  KEYS  BYTES  KEYS MAX  BYTES MAX  AUDIT  CREATED
default  0  0  none  none  off  TIME
$ user remove ann
the user ann is removed, with all tokens
$ user list --json
{"items":[{"name":"root","disabled":false,"createdAt":0}]}
`;

const note = (name: string): string =>
  `note: the namespace ${name} does not exist yet; the grant counts once it is made\n`;

describe('the commands of administration', () => {
  test(
    'print the same of a server and of a folder, and never a token but the new one',
    { timeout: 120_000 },
    async () => {
      const { url } = await serveInTest(join(folder, 'served'));
      const ofServer = new Terminal(['--url', url]);
      await makeStore();
      const ofFolder = new Terminal(['--data-dir', dataDir]);
      await Promise.all([administer(ofServer, true), administer(ofFolder, false)]);
      expect(ofServer.transcript).toBe(transcript.trimStart());
      expect(ofFolder.transcript).toBe(transcript.trimStart());
    },
  );

  test('note a grant on a namespace that does not exist yet, and make the token', async () => {
    const { url } = await serveInTest(join(folder, 'served'));
    await makeStore();
    for (const target of [
      ['--url', url],
      ['--data-dir', dataDir],
    ]) {
      const terminal = new Terminal(target);
      await terminal.type('user add root');
      const first = 'token add root --name a --grant *:admin --grant app:read --grant default:read';
      const { code, stdout, stderr } = await terminal.type(first);
      expect([code, stdout]).toEqual([0, expect.stringMatching(/^hf_/)]);
      expect(stderr.endsWith(`  rates    none\n${note('app')}`)).toBe(true);
      terminal.token = stdout.trim();
      await terminal.type('namespace add app');
      const second = 'token add root --name b --grant app:read --grant shop:read --json';
      const made = await terminal.type(second);
      expect([made.code, made.stderr]).toEqual([0, note('shop')]);
      expect(JSON.parse(made.stdout)).toMatchObject({ name: 'b' });
    }
  });

  test('take effect at once on a running server', async () => {
    const { url } = await serveInTest(dataDir);
    const terminal = new Terminal(['--url', url]);
    await terminal.type('user add root');
    terminal.token = (await terminal.type('token add root --name a --grant *:admin')).stdout.trim();
    await terminal.type('namespace add app');
    await terminal.type('user add ann');
    const made = await terminal.type('token add ann --name b --grant app:write:user:');
    const put = async (key: string): Promise<number> => {
      const headers = { authorization: `Bearer ${made.stdout.trim()}` };
      const parts = { method: 'PUT', body: 'x', headers };
      return (await fetch(`${url}/v1/keys/${key}`, parts)).status;
    };
    expect([await put('user:1'), await put('cart:1')]).toEqual([201, 403]);
    await terminal.type('user disable ann');
    expect(await put('user:1')).toBe(401);
    await terminal.type('user enable ann');
    expect(await put('user:1')).toBe(204);
    await terminal.type(`token revoke ann ${idOf(made.stdout)}`);
    expect(await put('user:1')).toBe(401);
  });

  test('on a folder have made what the next start serves', async () => {
    await makeStore();
    const terminal = new Terminal(['--data-dir', dataDir]);
    await terminal.type('user add root');
    const { stdout } = await terminal.type('token add root --name a --grant *:admin');
    const { url } = await serveInTest(dataDir);
    expect((await fetch(`${url}/v1/keys`)).status).toBe(401);
    const headers = { authorization: `Bearer ${stdout.trim()}` };
    expect((await fetch(`${url}/v1/keys`, { headers })).status).toBe(200);
  });
});

const waysToClose =
  'to close it, start the server with HOLDFAST_TOKEN, or add a token with *:admin';

describe('holdfast access', () => {
  test('status of an open folder says how to close it', async () => {
    await makeStore();
    const { stdout } = await new Terminal(['--data-dir', dataDir]).type('access status');
    expect(stdout).toBe(
      `access  is open: no token is needed; ${waysToClose}\nusers   0\ntokens  0\nadmin   none\n`,
    );
  });

  test('open lets callers without a token in again, on a folder that no server uses', async () => {
    await makeStore();
    const terminal = new Terminal(['--data-dir', dataDir]);
    await terminal.type('user add root');
    const { stdout: token } = await terminal.type('token add root --name a --grant *:admin');
    const status = await terminal.type('access status');
    expect([status.code, status.stdout]).toEqual([
      0,
      'access  needs a token\nusers   1\ntokens  1\nadmin   a valid token administers the server\n',
    ]);
    const first = await serveInTest(dataDir);
    expect(await runToEnd(['access', 'open', dataDir])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('which holds this data folder'),
    });
    await stop(first);
    expect(await runToEnd(['access', 'open', dataDir])).toMatchObject({
      code: 0,
      stdout: `${dataDir} is open now: a server on it needs no token; its 1 tokens are kept\n`,
      stderr: '',
    });
    const { url } = await serveInTest(dataDir);
    expect((await fetch(`${url}/v1/keys`)).status).toBe(200);
    const served = await runToEnd(['access', 'status', '--url', url]);
    expect(served.stdout).toBe(
      `access  is open: no token is needed; ${waysToClose}\ncaller  without a token\ngrants  *:admin\n`,
    );
    // Another token brings the need for tokens back, and the old token counts again.
    const again = new Terminal(['--url', url]);
    expect((await again.type('token add root --name b --grant *:admin')).code).toBe(0);
    const closed = await runToEnd(['access', 'status', '--url', url]);
    expect([closed.code, closed.stdout]).toEqual([
      0,
      'access  needs a token\ncaller  unknown: the command sent no valid token\n',
    ]);
    again.token = token.trim();
    expect((await again.type('access status')).stdout).toBe(
      'access  needs a token\ncaller  root, by the token a\ngrants  *:admin\n',
    );
    expect(JSON.parse((await again.type('access status --json')).stdout)).toEqual({
      tokenRequired: true,
      caller: { user: 'root', token: 'a', grants: [{ namespace: '*', role: 'admin' }] },
    });
  });
});

async function stop({ program }: ServerProcess): Promise<void> {
  program.kill('SIGTERM');
  await program.exited;
}

describe('a folder', () => {
  test('that a server uses is refused with exit code 3', async () => {
    await serveInTest(dataDir);
    const { code, stderr } = await runToEnd(['user', 'list', '--data-dir', dataDir]);
    expect([code, stderr]).toEqual([3, expect.stringContaining('which holds this data folder')]);
  });

  test('without a store is refused, and stays as it is', async () => {
    for (const [path, why] of [
      [folder, 'there is no store in this folder'],
      [dataDir, 'there is no such folder'],
    ] as const) {
      expect(await runToEnd(['user', 'add', 'ann', '--data-dir', path])).toMatchObject({
        code: 1,
        stdout: '',
        stderr: `holdfast: ${path}: ${why}\n`,
      });
    }
    expect(await runToEnd(['user', 'add', 'ann', '--data-dir', folder])).toMatchObject({ code: 1 });
  });

  test('takes as many namespaces as the variable of a server says', async () => {
    await makeStore();
    const env = { HOLDFAST_NAMESPACES_MAX: '2', HOLDFAST_PORT: 'none' };
    const add = (name: string) =>
      runToEnd(['namespace', 'add', name, '--data-dir', dataDir], { env });
    expect((await add('one')).code).toBe(0);
    const refused = await add('two');
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining('refused (NAMESPACES_FULL)'),
    ]);
    expect((await runToEnd(['namespace', 'add', 'two', '--data-dir', dataDir])).code).toBe(0);
  });

  test('takes a token that is no administrator if the variable of a server is set', async () => {
    await makeStore();
    const env = { HOLDFAST_TOKEN: 'a-token-of-the-operator' };
    const target = ['--data-dir', dataDir];
    await runToEnd(['user', 'add', 'ann', ...target]);
    const add = ['token', 'add', 'ann', '--name', 'a', '--grant', 'app:read', ...target];
    expect((await runToEnd(add)).code).toBe(1);
    expect((await runToEnd(add, { env })).code).toBe(0);
    const short = await runToEnd(add, { env: { HOLDFAST_TOKEN: 's3cret' } });
    expect([short.code, short.stderr]).toEqual([2, expect.stringContaining('has 6 characters')]);
    expect(short.stderr).not.toContain('s3cret');
  });
});

test('a server that is down is named', async () => {
  const url = `http://127.0.0.1:${await freePort()}`;
  expect(await runToEnd(['user', 'list', '--url', url])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `holdfast: ${url} cannot be reached (ECONNREFUSED)\n`,
  });
});

test.each([
  'user add ann',
  'user disable ann',
  'user remove ann',
  'token add ann --name a --grant *:admin',
  'token revoke ann abcdefghijkl',
  'namespace add app',
  'namespace set app --audit all',
  'namespace drop app --yes',
])('a server that is down gets no change, and %s says so', async (line) => {
  const url = `http://127.0.0.1:${await freePort()}`;
  expect(await runToEnd([...line.split(' '), '--url', url])).toMatchObject({
    code: 1,
    stdout: '',
    stderr: `holdfast: ${url} cannot be reached (ECONNREFUSED). Nothing has been changed\n`,
  });
});

test('a change whose outcome cannot be read back has been made, and the command says so', async () => {
  const made = new Set<string>();
  const server = createServer(({ method, url = '', socket }, reply) => {
    if (method === 'PUT') {
      made.add(url);
      reply.writeHead(201).end();
    } else if (made.has(url)) {
      socket.destroy();
    } else {
      const code = url.includes('/users/') ? 'USER_NOT_FOUND' : 'NAMESPACE_NOT_FOUND';
      reply.writeHead(404).end(JSON.stringify({ code, detail: 'It is not there.' }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const line of ['user add ann', 'namespace add app']) {
    const { code, stdout, stderr } = await runToEnd([...line.split(' '), '--url', url]);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/ cannot be reached \(.+\)\. The change has been made\n$/);
  }
});

test('a server that needs a token says so, and how to send one', async () => {
  const env = { HOLDFAST_TOKEN: 'a-token-of-the-operator' };
  const { url } = await serveInTest(dataDir, [], { env });
  const { code, stderr } = await runToEnd(['user', 'list', '--url', url]);
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /refused \(UNAUTHENTICATED\): .* See --token-file and HOLDFAST_TOKEN\.\n$/,
  );
  expect((await runToEnd(['user', 'list', '--url', url], { env })).code).toBe(0);
});

describe('wrong usage ends with code 2 before anything is asked', () => {
  test.each<[string, RegExp]>([
    ['user list --data-dir x --url http://x', /--data-dir works on a folder without a server/],
    ['user list --data-dir x --token-file x', /--data-dir works on a folder without a server/],
    ['user list --url x', /--url is "x"; allowed: an address like/],
    ['user list extra', /too many arguments for 'list'/],
    ['user add', /missing required argument 'name'/],
    ['user add ~token', /A user's name has 1 to 64 characters/],
    ['user add a/b', /A user's name has 1 to 64 characters/],
    ['user lst', /unknown command 'lst'.*allowed: list, add, show, disable, enable, remove/],
    ['user add ann --disabled', /unknown option '--disabled'; allowed: .*--url, .*--data-dir/],
    ['token add ann --grant app:read', /required option '--name <name>' not specified/],
    ['token add ann --name a', /required option '--grant <grant>' not specified/],
    ['token add ann --name a --grant app', /--grant is "app"; allowed: NAMESPACE:ROLE/],
    [
      'token add ann --name a --grant app:owner',
      /--grant "app:owner" has the role "owner"; allowed: read, write, admin\n$/,
    ],
    ['token add ann --name a --grant app:read:', /grants\[0\]\.prefixes\[0\] must be well-formed/],
    ['token add ann --name a --grant ~access:read', /A namespace has 1 to 64 characters/],
    ['token add ann --name a --grant a:read --expires 1', /--expires is "1", which is not in the/],
    [
      'token add ann --name a --grant a:read --requests-per-second 0',
      /--requests-per-second is "0"; allowed: a positive integer/,
    ],
    ['token revoke ann hf_abcdefghijkl_s3cret', /the id of the token \(not shown\) is not one/],
    ['token new --url http://x', /new takes no --url, --header/],
    ['access open', /missing required argument 'dir'/],
    ['access open x --url http://x', /open takes no --url, --header/],
    ['namespace add .a', /the namespace is "\.a"; a namespace has 1 to 64 characters/],
    ['namespace drop app', /drop deletes all entries of app .*allowed: with --yes/],
    ['namespace set app', /set has nothing to change; allowed: --keys-max, --bytes-max, --audit/],
    ['namespace set app --keys-max 1KiB', /--keys-max is "1KiB"; allowed: an integer/],
    ['namespace set app --bytes-max -1', /--bytes-max is "-1"; allowed: an integer/],
    ['namespace add app --audit some', /audit must be "off", "writes" or "all"/],
  ])('%s', async (line, message) => {
    const { code, stdout, stderr } = await runToEnd(line.split(' '), { cwd: folder });
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^holdfast: [^\n]+\n$/);
    expect(stderr).not.toContain('s3cret');
  });
});
