// A thread that does tasks, as those see it who send them.

/** Name of a task -> [what goes in, what comes out]. */
export type TaskTable<Tasks> = { [Name in keyof Tasks]: [unknown, unknown] };

export interface TaskThread<Tasks extends TaskTable<Tasks>> {
  /**
   * Tasks begin in the order they were sent. Rejects when the thread dies or the task throws: what
   * became of it is then unknown.
   *
   * @param transfer buffers of the task that are handed over instead of copied
   */
  run<Name extends keyof Tasks & string>(
    name: Name,
    task: Tasks[Name][0],
    transfer?: readonly ArrayBuffer[],
  ): Promise<Tasks[Name][1]>;

  /** Ends the thread at once; resolves when it has exited. */
  destroy(): Promise<void>;
}
