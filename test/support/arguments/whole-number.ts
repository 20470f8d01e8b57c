// Reads the numbers that the scripts of developers take. `Number` would make of `--runs 1,000` a loop
// without a round, which ends like a success.

/**
 * @param flag as it is typed, such as `--runs`
 * @throws Error that says what is allowed
 */
export function wholeNumber(flag: string, text: string, least: number): number {
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(number) && number >= least) return number;
  throw new Error(`${flag} is "${text}"; allowed: a whole number from ${least}`);
}
