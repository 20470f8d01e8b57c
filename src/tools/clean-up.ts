// Cleans up behind work that has failed.

/** Runs `work` if it can. It may leave only files that the next start removes or ignores. */
export function cleanUp(work: () => void): void {
  try {
    work();
  } catch {
    // The caller throws the earlier error, which says more than this one.
  }
}
