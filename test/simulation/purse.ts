// Purses between which transactions carry coins. A client that reads all purses at one moment
// always finds the same number of coins and of purses. A purse that gives all its coins is deleted.
import type { EntryPut, TransactionMoment } from '../../src/store/transaction.ts';
import { keyOf, nameOf, purseNamespace } from './entry-names.ts';
import type { Change } from './transaction-history.ts';

export const coins = 1000;

/** The values of all purses at one moment; undefined for a purse that does not exist. */
export type Look = readonly (string | undefined)[];

/** @param look the values of all purses */
export function misfitOfPurses(look: Look): string | undefined {
  const there = look.filter((value) => value !== undefined);
  if (there.length === 0) return undefined;
  const sum = there.reduce((total, value) => total + coinsIn(value), 0);
  const misfit = misfitOfCount(there.length, look.length);
  if (sum === coins && misfit === undefined) return undefined;
  return `of ${coins} coins there are ${sum}: ${JSON.stringify(look.map((value) => value?.slice(0, 40)))}`;
}

export function misfitOfCount(count: number, purses: number): string | undefined {
  if (count === 0 || count === pursesFilled(purses)) return undefined;
  return `${count} purses are there, not ${pursesFilled(purses)}`;
}

/** The number of purses with coins, once any purse has coins. */
function pursesFilled(purses: number): number {
  return Math.ceil(purses / 2);
}

function coinsIn(value: string): number {
  return Number.parseInt(value, 10);
}

export function purseName(index: number): string {
  return nameOf({ namespace: purseNamespace, key: keyOf(purseNamespace, index) });
}

/** Makes a value that no other call makes. */
export type Mint = (index: number, coins: number) => EntryPut;

/** Fills half of the purses if there are none. The moment must be of all purses. */
export function filling({ entries }: TransactionMoment, mint: Mint): Change[] {
  if (entries.some((entry) => entry !== undefined)) return [];
  const filled = pursesFilled(entries.length);
  const share = Math.floor(coins / filled);
  return Array.from({ length: filled }, (_, index) =>
    mint(index, index === 0 ? coins - share * (filled - 1) : share),
  );
}

/** Carries coins from each purse to the next: some of them, or all if the next does not exist. */
export function carrying(
  texts: readonly (string | undefined)[],
  share: number,
  mint: Mint,
): Change[] {
  const before = texts.map((text) => (text === undefined ? undefined : coinsIn(text)));
  const after = [...before];
  for (let from = 0; from + 1 < after.length; from++) {
    const has = after[from];
    const next = after[from + 1];
    if (has === undefined) continue;
    const given = next === undefined ? has : Math.floor(has * share);
    after[from] = next === undefined ? undefined : has - given;
    after[from + 1] = (next ?? 0) + given;
  }
  return after.map((has, index): Change => {
    if (has === before[index]) return undefined;
    return has === undefined ? 'delete' : mint(index, has);
  });
}
