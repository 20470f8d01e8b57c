/**
 * Stops at once if something that must be true is not. For programming errors only: bad input and
 * failing disks are expected, and are StoreErrors.
 *
 * @throws Error with `message` if `condition` is false
 */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(`Assertion failed: ${message}`);
}

/** Makes the compiler prove that a switch over a closed set has a case for each member. */
export function unreachable(value: never): never {
  throw new Error(`Unreachable: ${JSON.stringify(value)}`);
}
