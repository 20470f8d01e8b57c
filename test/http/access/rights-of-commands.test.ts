// Every command against every role, in each form in which a request brings it. A command without a
// row fails.
import { expect, test } from 'vitest';
import { commandTable } from '../../../src/commands/command-table.ts';
import {
  ask,
  cellOf,
  changedIn,
  openClosed,
  openOpen,
  placeOf,
  wordsOf,
  type Asked,
  type Opened,
  type Seen,
} from '../../support/http/observed-cell.ts';
import type { Role } from '../../support/http/open-roles.ts';
import {
  blurred,
  casesOf,
  parseRows,
  rowsOf,
  type Cell,
  type Row,
} from '../../support/http/rights-table.ts';

/** Commands, the kind of right, and the words of a call. */
const commands = parseRows(`
get         | read    | KEY
strlen      | read    | KEY
mget        | read    | KEY in:b
getrange    | read    | KEY 0 1
substr      | read    | KEY 0 1
getbit      | read    | KEY 1
bitcount    | read    | KEY
bitpos      | read    | KEY 1
bitfield_ro | read    | KEY GET u4 0
lcs         | read    | in:b KEY
exists      | read    | in:b KEY
touch       | read    | in:b KEY
type        | read    | KEY
ttl         | read    | KEY
pttl        | read    | KEY
expiretime  | read    | KEY
pexpiretime | read    | KEY
set         | put     | KEY 2
setex       | put     | KEY 9 2
psetex      | put     | KEY 9 2
setnx       | put     | KEY 2
getset      | put     | KEY 2
getdel      | put     | KEY
getex       | put     | KEY PERSIST
mset        | put     | in:b 2 KEY 2
msetnx      | put     | in:b 2 KEY 2
append      | put     | KEY 2
setrange    | put     | KEY 0 2
incr        | put     | KEY
decr        | put     | KEY
incrby      | put     | KEY 2
decrby      | put     | KEY 2
incrbyfloat | put     | KEY 2
setbit      | put     | KEY 1 1
bitfield    | put     | KEY SET u4 0 1
bitop       | put     | NOT KEY in:b
del         | put     | in:b KEY
unlink      | put     | in:b KEY
copy        | copy    | in:b KEY REPLACE
rename      | put     | in:b KEY
renamenx    | put     | in:b KEY
expire      | put     | KEY 9
pexpire     | put     | KEY 9
expireat    | put     | KEY 9
pexpireat   | put     | KEY 9
persist     | put     | KEY
keys        | list    | *
scan        | list    | 0 COUNT 100
randomkey   | list    |
dbsize      | list    |
flushdb     | flush   |
flushall    | flush   |
ping        | nothing |
echo        | nothing | hello
time        | nothing |
`);

/** The commands' own table says the same. */
const accessOfKind: Readonly<Record<string, string>> = {
  read: 'read',
  list: 'read',
  put: 'write',
  copy: 'write',
  flush: 'write',
  nothing: 'none',
};

test('each command has a row', () => {
  const known = commands.map(([name]) => name).toSorted();
  expect([...commandTable.keys()].toSorted()).toEqual(known);
});

type Form = 'alone' | 'in the path' | 'in a pipeline' | 'in a transaction';

function askedOf(form: Form, words: readonly string[]): Asked {
  if (form === 'alone') return { method: 'POST', target: '/upstash', body: JSON.stringify(words) };
  if (form === 'in the path') {
    return { method: 'GET', target: `/upstash/${words.map(encodeURIComponent).join('/')}` };
  }
  const target = form === 'in a pipeline' ? '/upstash/pipeline' : '/upstash/multi-exec';
  return { method: 'POST', target, body: JSON.stringify([['PING'], words]) };
}

/** The statuses of refusals: those of pipelines stand in the list, and a transaction is discarded. */
function statusOf(form: Form, cell: Cell): number {
  if (cell === '!') return 401;
  if (form === 'in a pipeline') return 200;
  return form === 'in a transaction' ? 400 : cell === '?' ? 404 : 403;
}

function refined(cell: Cell, name: string, { body }: Seen): Cell {
  if (cell !== '+') return cell;
  if (name === 'dbsize') return /\b2\b/.test(body) ? 'i' : '+';
  const isListing = name === 'keys' || name === 'scan';
  return isListing && body.includes('in:') && !body.includes('out:') ? 'i' : '+';
}

/** A refusal has the status of its form, and names the command as clients know it. */
function faultsOf(form: Form, name: string, cell: Cell, { status, body }: Seen): string[] {
  if (cell === '+' || cell === 'i') return [];
  const faults = status === statusOf(form, cell) ? [] : [`status ${status} ${form}`];
  const isNamed = cell !== '-' || body.includes(`run the '${name}' command`);
  return isNamed ? faults : [...faults, body];
}

async function check(
  opened: Opened,
  form: Form,
  name: string,
  words: string,
  row: Row,
  role: Role,
): Promise<Cell> {
  const { space, key } = placeOf(opened, row);
  opened.restore();
  const before = new Map(opened.model.entries);
  const headers = { ...opened.headersOf(role), 'holdfast-namespace': space };
  const asked = askedOf(form, [name, ...wordsOf(words, key)]);
  const seen = await ask(opened, { ...asked, headers });
  const cell = refined(cellOf(seen), name, seen);
  const changed = changedIn(opened, before);
  expect(faultsOf(form, name, cell, seen)).toEqual([]);
  const isDone = cell === '+' || cell === 'i';
  expect(changed.filter((each) => !isDone || !each.startsWith(`${space}\n`))).toEqual([]);
  return cell;
}

/** Each form in some places: all of them lead to the same rules. */
function formsIn({ place }: Row, kind: string): readonly Form[] {
  // Commands about all keys cannot be part of a transaction.
  if (kind === 'list' || kind === 'flush') {
    return place === 'own' ? ['alone', 'in the path', 'in a pipeline'] : ['alone'];
  }
  if (place === 'own out:a') return ['alone', 'in the path', 'in a pipeline', 'in a transaction'];
  return place.startsWith('own') ? ['alone'] : ['alone', 'in a transaction'];
}

test.each(commands)('%s (%s)', async (name, kind, words) => {
  const closed = await openClosed();
  const open = await openOpen();
  const access = commandTable.get(name)?.access;
  expect([kind, access]).toEqual([kind, accessOfKind[kind]]);
  const wrong: string[] = [];
  const judge = (place: string, seen: Cell, expected: Cell): void => {
    const meant = name === 'randomkey' ? blurred(expected) : expected;
    if (seen !== meant) wrong.push(`${place}: ${seen} instead of ${meant}`);
  };
  for (const row of rowsOf(kind)) {
    for (const form of formsIn(row, kind)) {
      const cases: (readonly [Opened, Role, Cell])[] = [
        ...casesOf(row).map(([role, cell]) => [closed, role, cell] as const),
        [open, 'no token', row.open],
      ];
      for (const [opened, role, cell] of cases) {
        const seen = await check(opened, form, name, words, row, role);
        judge(`${row.place} by ${role} ${form}`, seen, cell);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test('a command that only reads changes nothing, for any caller', async () => {
  const opened = await openClosed();
  for (const [name, kind, words] of commands) {
    if (accessOfKind[kind] === 'write') continue;
    const before = new Map(opened.model.entries);
    const asked = askedOf('alone', [name, ...wordsOf(words, 'in:a')]);
    const headers = { ...opened.headersOf('TOKEN'), 'holdfast-namespace': 'own' };
    // oxlint-disable-next-line no-await-in-loop
    expect((await ask(opened, { ...asked, headers })).status).toBe(200);
    expect([name, ...changedIn(opened, before)]).toEqual([name]);
  }
});
