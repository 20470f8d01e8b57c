// Tells a caller that work is late. Cannot end the work, and knows nothing of it.

/**
 * Waits for the work, which goes on after the deadline.
 *
 * @param deadlineMs milliseconds from now
 * @throws Error with `message` at the deadline; the error of the work, if that comes first
 */
export async function withinDeadline(
  work: Promise<void>,
  deadlineMs: number,
  message: string,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(message)), deadlineMs);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
