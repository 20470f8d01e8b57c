// What became of work that may fail, for tests that go on either way.

/** `done`, or what was thrown, as text. */
export function doneOrWhyNot(work: () => unknown): string {
  try {
    work();
    return 'done';
  } catch (error) {
    return String(error);
  }
}
