// Work whose result is there at once, or comes by a promise. An async function would always give a
// promise, and each one costs a small request some percent of its time. Knows no work.

export type MaybePromise<T> = T | Promise<T>;

/** Does `next` with the result: at once if the result is there. */
export function andThen<T, U>(
  result: MaybePromise<T>,
  next: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  // oxlint-disable-next-line no-callback-in-promise -- `next` is a step, and tells no caller of its end
  return result instanceof Promise ? result.then(next) : next(result);
}

/** Does `work`, and then `end`, whether or not the work has failed. */
export function withEnd<T>(work: () => MaybePromise<T>, end: () => void): MaybePromise<T> {
  let result: MaybePromise<T>;
  try {
    result = work();
  } catch (error) {
    end();
    throw error;
  }
  if (!(result instanceof Promise)) {
    end();
    return result;
  }
  return ended(result, end);
}

async function ended<T>(result: Promise<T>, end: () => void): Promise<T> {
  try {
    return await result;
  } finally {
    end();
  }
}
