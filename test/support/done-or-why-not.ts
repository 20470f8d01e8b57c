// Runs work that may fail, for tests that continue in either case.

/** @returns `done`, or the text of the error */
export function doneOrWhyNot(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (error) {
    return String(error);
  }
}
