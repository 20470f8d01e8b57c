// Every route against every role. A route without a row fails.
import type { FastifyInstance } from 'fastify';
import { expect, test } from 'vitest';
import { tokenRequest } from '../../support/access/test-access.ts';
import { openApp } from '../../support/http/open-app.ts';
import {
  ask,
  cellOf,
  changedIn,
  openClosed,
  openOpen,
  placeOf,
  type Asked,
  type Opened,
  type Seen,
} from '../../support/http/observed-cell.ts';
import type { Role } from '../../support/http/open-roles.ts';
import {
  blurred,
  casesOf,
  isRefused,
  parseRows,
  rowsOf,
  type Cell,
  type Row,
} from '../../support/http/rights-table.ts';

/** Routes as the app has them, the kind of right, and a request: target, and body if it has one. */
const routes = parseRows(`
GET /v1/keys                        | list    | /v1/keys
HEAD /v1/keys                       | list    | /v1/keys
DELETE /v1/keys                     | range   | /v1/keys?prefix=in
DELETE /v1/keys                     | range   | /v1/keys?prefix=out
GET /v1/keys/-                      | read    | /v1/keys/KEY
HEAD /v1/keys/-                     | read    | /v1/keys/KEY
PUT /v1/keys/-                      | put     | /v1/keys/KEY 2
DELETE /v1/keys/-                   | delete  | /v1/keys/KEY
GET /v1/locks/-                     | read    | /v1/locks/KEY
PUT /v1/locks/-                     | put     | /v1/locks/KEY?ttl=30s
DELETE /v1/locks/-                  | delete  | /v1/locks/KEY
POST /v1/batch                      | read    | /v1/batch {"operations":[{"op":"get","key":"KEY"}]}
POST /v1/batch                      | put     | /v1/batch {"operations":[{"op":"put","key":"KEY","value":"2"}]}
POST /v1/batch                      | delete  | /v1/batch {"operations":[{"op":"delete","key":"KEY"}]}
POST /v1/transactions               | read    | /v1/transactions {"checks":[{"key":"KEY","exists":true}]}
POST /v1/transactions               | read    | /v1/transactions {"operations":[{"op":"get","key":"KEY"}]}
POST /v1/transactions               | read    | /v1/transactions {"checks":[{"key":"in:a","exists":true}],"otherwise":[{"op":"get","key":"KEY"}]}
POST /v1/transactions               | put     | /v1/transactions {"operations":[{"op":"increment","key":"KEY"}]}
POST /v1/transactions               | put     | /v1/transactions {"operations":[{"op":"put","key":"KEY","value":"2"}]}
GET /unstorage/-                    | read    | /unstorage/SPACE/KEY
GET /unstorage/-                    | items   | /unstorage/SPACE/:
HEAD /unstorage/-                   | read    | /unstorage/SPACE/KEY
PUT /unstorage/-                    | put     | /unstorage/SPACE/KEY 2
DELETE /unstorage/-                 | remove  | /unstorage/SPACE/KEY
DELETE /unstorage/-                 | clear   | /unstorage/SPACE/:
GET /upstash/-                      | read    | /upstash/get/KEY
HEAD /upstash/-                     | read    | /upstash/get/KEY
POST /upstash/-                     | put     | /upstash/set/KEY 2
PUT /upstash/-                      | put     | /upstash/set/KEY 2
POST /upstash                       | read    | /upstash ["GET","KEY"]
PUT /upstash                        | put     | /upstash ["SET","KEY","2"]
POST /upstash/pipeline              | read    | /upstash/pipeline [["GET","KEY"]]
PUT /upstash/pipeline               | put     | /upstash/pipeline [["SET","KEY","2"]]
POST /upstash/multi-exec            | read    | /upstash/multi-exec [["GET","KEY"]]
PUT /upstash/multi-exec             | put     | /upstash/multi-exec [["SET","KEY","2"]]
GET /v1/admin/namespaces            | survey  | /v1/admin/namespaces
HEAD /v1/admin/namespaces           | survey  | /v1/admin/namespaces
GET /v1/admin/namespaces/:name      | setting | /v1/admin/namespaces/SPACE
HEAD /v1/admin/namespaces/:name     | setting | /v1/admin/namespaces/SPACE
PUT /v1/admin/namespaces/:name      | make    | /v1/admin/namespaces/SPACE {}
DELETE /v1/admin/namespaces/:name   | setting | /v1/admin/namespaces/SPACE
GET /v1/admin/users                 | server  | /v1/admin/users
HEAD /v1/admin/users                | server  | /v1/admin/users
GET /v1/admin/users/:name           | server  | /v1/admin/users/victim
HEAD /v1/admin/users/:name          | server  | /v1/admin/users/victim
PUT /v1/admin/users/:name           | server  | /v1/admin/users/victim {}
DELETE /v1/admin/users/:name        | server  | /v1/admin/users/victim
GET /v1/admin/users/:name/tokens    | server  | /v1/admin/users/victim/tokens
HEAD /v1/admin/users/:name/tokens   | server  | /v1/admin/users/victim/tokens
POST /v1/admin/users/:name/tokens   | server  | /v1/admin/users/victim/tokens {"name":"t","grants":[{"namespace":"*","role":"admin"}]}
DELETE /v1/admin/users/:name/tokens/:id | revoke  | /v1/admin/users/victim/tokens/TOKENID
GET /v1/backup                      | server  | /v1/backup
GET /v1/backup                      | setting | /v1/backup?namespace=SPACE
GET /v1/whoami                      | known   | /v1/whoami
HEAD /v1/whoami                     | known   | /v1/whoami
GET /metrics                        | figures | /metrics
HEAD /metrics                       | figures | /metrics
GET /docs                           | known   | /docs
HEAD /docs                          | known   | /docs
GET /docs*                          | known   | /docs/static/index.css
HEAD /docs*                         | known   | /docs/static/index.css
GET /docs/json                      | known   | /docs/json
HEAD /docs/json                     | known   | /docs/json
GET /livez                          | health  | /livez
HEAD /livez                         | health  | /livez
GET /readyz                         | health  | /readyz
HEAD /readyz                        | health  | /readyz
`);

function routesOf(app: FastifyInstance): string[] {
  const parents: string[] = [];
  const found: string[] = [];
  for (const line of app.printRoutes({ commonPrefix: false }).split('\n')) {
    const [, indent = '', part = '', methods] = /^(.*)[├└]── (\S+)(?: \((.*)\))?$/.exec(line) ?? [];
    if (part === '') continue;
    const depth = indent.length / 4;
    parents.splice(depth, Infinity, part);
    const path = parents.join('');
    for (const method of methods?.split(', ') ?? []) found.push(`${method} ${path}`);
  }
  return found.toSorted();
}

test('each route has a row', async () => {
  const { app } = await openApp();
  const known = [...new Set(routes.map(([route]) => route))].toSorted();
  expect(routesOf(app).length).toBeGreaterThan(50);
  expect(routesOf(app)).toEqual(known);
});

/** The ways in which a request may name a namespace, for targets that do not name it themselves. */
const spellings = [
  (target: string, space: string) => ({ target, headers: { 'holdfast-namespace': space } }),
  (target: string, space: string) => ({ target: `/ns/${space}${target}`, headers: {} }),
] as const;

function asksOf(target: string, space: string) {
  const isInNamespace = /^\/(?:v1\/(?:keys|locks|batch|transactions)|upstash)/.test(target);
  if (isInNamespace) return spellings.map((spell) => spell(target, space));
  return [{ target: target.replace('SPACE', space), headers: {} }];
}

async function prepare({ access }: Opened, request: string): Promise<string> {
  if (!request.includes('victim')) return request;
  const { administration } = access;
  await administration.putUser('victim', { isDisabled: false });
  if (!request.includes('TOKENID')) return request;
  const made = await administration.createToken('victim', tokenRequest());
  return request.replace('TOKENID', made.id);
}

/** As the reply shows it: whether all keys, or which, came back or went. */
function refined(cell: Cell, { method, target }: Asked, { body }: Seen, changed: string[]): Cell {
  if (cell !== '+') return cell;
  if (method === 'DELETE' && target.endsWith('/:')) {
    return changed.length > 0 && changed.every((name) => name.includes('\nin:')) ? 'i' : '+';
  }
  if (/\/v1\/keys$|\/:$/.test(target) && method === 'GET') {
    return body.includes('in') && !body.includes('out') ? 'i' : '+';
  }
  if (target !== '/v1/admin/namespaces' || method !== 'GET') return cell;
  const { items } = JSON.parse(body) as { readonly items: readonly { readonly name: string }[] };
  return items.length === 1 && items[0]?.name === 'own' ? 'o' : '+';
}

async function check(opened: Opened, route: string, request: string, row: Row, role: Role) {
  const [method = ''] = route.split(' ');
  const { space, key } = placeOf(opened, row);
  const prepared = await prepare(opened, request);
  const [target = '', ...rest] = prepared.replaceAll('KEY', key).split(' ');
  const body = rest.length === 0 ? undefined : rest.join(' ');
  const cells: { readonly cell: Cell; readonly all: string }[] = [];
  for (const asked of asksOf(target, space)) {
    opened.restore();
    const before = new Map(opened.model.entries);
    const headers = { ...asked.headers, ...opened.headersOf(role) };
    const whole = { method, target: asked.target, headers, body };
    // oxlint-disable-next-line no-await-in-loop -- each begins with the same entries
    const seen = await ask(opened, whole);
    const changed = changedIn(opened, before);
    const cell = refined(cellOf(seen), whole, seen, changed);
    cells.push({ cell, all: seen.all });
    const wrong = changed.filter((name) => isRefused(cell) || !name.startsWith(`${space}\n`));
    expect(wrong).toEqual([]);
  }
  return cells;
}

test.each(routes)('%s (%s)', async (route, kind, request) => {
  let closed = await openClosed();
  const isHead = route.startsWith('HEAD');
  const wrong: string[] = [];
  const judge = (
    row: Row,
    role: string,
    expected: Cell,
    cells: { readonly cell: Cell }[],
  ): void => {
    const meant = isHead ? blurred(expected) : expected;
    for (const { cell } of cells) {
      if (cell !== meant) wrong.push(`${row.place} by ${role}: ${cell} instead of ${meant}`);
    }
  };
  const refusals = new Map<string, string>();
  for (const row of rowsOf(kind)) {
    for (const [role, expected] of casesOf(row)) {
      const cells = await check(closed, route, request, row, role);
      judge(row, role, expected, cells);
      for (const { cell, all } of cells) {
        if (cell !== '-' || row.place.startsWith('own')) continue;
        // A namespace that does not exist is like a foreign one.
        expect(refusals.get(role) ?? all).toBe(all);
        refusals.set(role, all);
      }
      // Dropping a namespace takes tokens with it.
      if (expected === '+' && route.startsWith('DELETE /v1/admin')) closed = await openClosed();
    }
    const open = await openOpen();
    judge(
      row,
      'each on an open server',
      row.open,
      await check(open, route, request, row, 'no token'),
    );
  }
  expect(wrong).toEqual([]);
});
