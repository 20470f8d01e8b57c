// The table of rights: a row for each kind of request and place, a column for each role. A cell is
// one sign, so that a person can read the table as a whole. Knows no route and no command.
import { roles, strangers, type Role } from './open-roles.ts';

/**
 * - `+` carried out
 * - `i` carried out for the keys inside the prefix, and no others
 * - `o` carried out for the namespace `own`, and no other
 * - `-` refused, whatever the key: 403
 * - `k` refused for this key: 403
 * - `?` there is no such namespace, and the caller may know: 404
 * - `!` refused for want of a token: 401
 */
export type Cell = '+' | 'i' | 'o' | '-' | 'k' | '?' | '!';

const cells: ReadonlySet<string> = new Set(['+', 'i', 'o', '-', 'k', '?', '!']);

function cellOf(text: string | undefined): Cell {
  if (text === undefined || !cells.has(text)) throw new Error(`no cell: ${text}`);
  return text as Cell;
}

export interface Row {
  readonly place: string;
  /** For each caller without a valid token. */
  readonly stranger: Cell;
  readonly byRole: ReadonlyMap<Role, Cell>;
  /** On a server that requires no token. */
  readonly open: Cell;
}

function rowOf(place: string, cellsText: string): Row {
  const [stranger, ...rest] = cellsText.split(/[\s|]+/).filter((text) => text !== '');
  const byRole = new Map(roles.map((role, index) => [role, cellOf(rest[index])] as const));
  if (rest.length !== roles.length + 1) throw new Error(`a cell a role, please: ${cellsText}`);
  return { place, stranger: cellOf(stranger), byRole, open: cellOf(rest.at(-1)) };
}

/** @returns the rows of each kind; a line is `kind, place | cells`, and the first is the head */
function parseRights(text: string): ReadonlyMap<string, readonly Row[]> {
  const kinds = new Map<string, Row[]>();
  for (const line of text.trim().split('\n').slice(1)) {
    const [label = '', ...columns] = line.split('|');
    const [kind = '', place = ''] = label.split(',').map((part) => part.trim());
    const row = rowOf(place, columns.join('|'));
    kinds.set(kind, [...(kinds.get(kind) ?? []), row]);
  }
  return kinds;
}

/**
 * Rights by kind of request. `r w a` are tokens with the role read, write or admin in the namespace
 * `own`; `r: w: a:` the same for keys that begin with `in:`; `r* w* a*` in every namespace. `S` is
 * each caller without a valid token. The first token closes an open server, so that its `revoke` is
 * refused.
 */
const rights = parseRights(`
kind,    place        | S | r w a | r: w: a: | r* w* a* | READ TOKEN | open
read,    own in:a     | ! | + + + | +  +  +  | +  +  +  | +    +     | +
read,    own out:a    | ! | + + + | k  k  k  | +  +  +  | +    +     | +
read,    foreign in:a | ! | - - - | -  -  -  | +  +  +  | +    +     | +
read,    absent in:a  | ! | - - - | -  -  -  | ?  ?  ?  | ?    ?     | ?
put,     own in:a     | ! | - + + | -  +  +  | -  +  +  | -    +     | +
put,     own out:a    | ! | - + + | -  k  k  | -  +  +  | -    +     | +
put,     foreign in:a | ! | - - - | -  -  -  | -  +  +  | -    +     | +
put,     absent in:a  | ! | - - - | -  -  -  | -  ?  +  | -    +     | +
copy,    own in:a     | ! | - + + | -  +  +  | -  +  +  | -    +     | +
copy,    own out:a    | ! | - + + | -  k  k  | -  +  +  | -    +     | +
copy,    foreign in:a | ! | - - - | -  -  -  | -  +  +  | -    +     | +
copy,    absent in:a  | ! | - - - | -  -  -  | ?  ?  +  | ?    +     | +
delete,  own in:a     | ! | - + + | -  +  +  | -  +  +  | -    +     | +
delete,  own out:a    | ! | - + + | -  k  k  | -  +  +  | -    +     | +
delete,  foreign in:a | ! | - - - | -  -  -  | -  +  +  | -    +     | +
delete,  absent in:a  | ! | - - - | -  -  -  | -  ?  ?  | -    ?     | ?
remove,  own in:a     | ! | - + + | -  +  +  | -  +  +  | -    +     | +
remove,  own out:a    | ! | - + + | -  k  k  | -  +  +  | -    +     | +
remove,  foreign in:a | ! | - - - | -  -  -  | -  +  +  | -    +     | +
remove,  absent in:a  | ! | - - - | -  -  -  | -  +  +  | -    +     | +
list,    own          | ! | + + + | i  i  i  | +  +  +  | +    +     | +
list,    foreign      | ! | - - - | -  -  -  | +  +  +  | +    +     | +
list,    absent       | ! | - - - | -  -  -  | ?  ?  ?  | ?    ?     | ?
items,   own          | ! | + + + | i  i  i  | +  +  +  | +    +     | +
items,   foreign      | ! | - - - | -  -  -  | +  +  +  | +    +     | +
items,   absent       | ! | - - - | -  -  -  | +  +  +  | +    +     | +
clear,   own          | ! | - + + | -  i  i  | -  +  +  | -    +     | +
clear,   foreign      | ! | - - - | -  -  -  | -  +  +  | -    +     | +
clear,   absent       | ! | - - - | -  -  -  | -  +  +  | -    +     | +
range,   own          | ! | - + + | -  +  +  | -  +  +  | -    +     | +
range,   foreign      | ! | - - - | -  -  -  | -  +  +  | -    +     | +
range,   absent       | ! | - - - | -  -  -  | -  ?  ?  | -    ?     | ?
flush,   own          | ! | - - + | -  -  -  | -  -  +  | -    +     | +
flush,   foreign      | ! | - - - | -  -  -  | -  -  +  | -    +     | +
flush,   absent       | ! | - - - | -  -  -  | -  -  ?  | -    ?     | ?
setting, own          | ! | - - + | -  -  -  | -  -  +  | -    +     | +
setting, foreign      | ! | - - - | -  -  -  | -  -  +  | -    +     | +
setting, absent       | ! | - - - | -  -  -  | -  -  ?  | -    ?     | ?
make,    own          | ! | - - + | -  -  -  | -  -  +  | -    +     | +
make,    foreign      | ! | - - - | -  -  -  | -  -  +  | -    +     | +
make,    absent       | ! | - - - | -  -  -  | -  -  +  | -    +     | +
survey,  own          | ! | - - o | -  -  -  | -  -  +  | -    +     | +
revoke,  own          | ! | - - - | -  -  -  | -  -  +  | -    +     | !
server,  own          | ! | - - - | -  -  -  | -  -  +  | -    +     | +
figures, own          | ! | - - - | -  -  -  | +  +  +  | +    +     | +
known,   own          | ! | + + + | +  +  +  | +  +  +  | +    +     | +
health,  own          | + | + + + | +  +  +  | +  +  +  | +    +     | +
nothing, own          | ! | + + + | +  +  +  | +  +  +  | +    +     | +
nothing, foreign      | ! | + + + | +  +  +  | +  +  +  | +    +     | +
nothing, absent       | ! | + + + | +  +  +  | +  +  +  | +    +     | +
`);

export function rowsOf(kind: string): readonly Row[] {
  const rows = rights.get(kind);
  if (rows === undefined) throw new Error(`no kind ${kind}`);
  return rows;
}

/** The roles of a row with their cells. Callers without a valid token come in one row of a kind. */
export function casesOf(row: Row): (readonly [Role, Cell])[] {
  const first = row.place === 'own' || row.place === 'own in:a' ? strangers : [];
  return [...first.map((role) => [role, row.stranger] as const), ...row.byRole];
}

export const isRefused = (cell: Cell): boolean => cell === '-' || cell === 'k' || cell === '!';

/** A reply without a body does not tell these apart. */
export function blurred(cell: Cell): Cell {
  return cell === 'k' ? '-' : cell === 'i' || cell === 'o' ? '+' : cell;
}

/** @returns the words of each line behind its first two columns, by these: `name | kind | words` */
export function parseRows(text: string): readonly (readonly [string, string, string])[] {
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [name = '', kind = '', words = ''] = line.split('|').map((part) => part.trim());
      return [name, kind, words] as const;
    });
}
