// A thread that runs tasks, as its callers see it. Knows no task.

/** Name of a task -> [what goes in, what comes out]. */
export type TaskTable<Tasks> = { [Name in keyof Tasks]: [unknown, unknown] };

export interface TaskThread<Tasks extends TaskTable<Tasks>> {
  /**
   * Tasks begin in the order in which they were sent. Rejects if the thread dies or the task
   * throws: the fate of the task is unknown then.
   *
   * @param transfer buffers of the task that are moved instead of copied
   */
  run<Name extends keyof Tasks & string>(
    name: Name,
    task: Tasks[Name][0],
    transfer?: readonly ArrayBuffer[],
  ): Promise<Tasks[Name][1]>;

  /** Ends the thread at once; resolves when it has exited. */
  destroy(): Promise<void>;
}
