// A simulated thread. The scheduler decides when tasks begin, in order, and when answers arrive.
// The thread dies, hangs and lingers as worker threads do.
import type { TaskTable, TaskThread } from '../../src/router/threads/task-thread.ts';
import type { DiskView, PendingSync } from './simulated-disk.ts';

export type Handlers<Tasks extends TaskTable<Tasks>> = {
  [Name in keyof Tasks]: (task: Tasks[Name][0]) => Tasks[Name][1] | Promise<Tasks[Name][1]>;
};

interface Sent {
  readonly name: string;
  readonly task: unknown;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export interface ThreadOptions<Tasks extends TaskTable<Tasks>> {
  readonly name: string;
  /** Makes the state of a fresh thread: nothing recovered, no file open. */
  readonly begin: (thread: SimulatedTaskThread<Tasks>) => {
    handlers: Handlers<Tasks>;
    view: DiskView;
  };
  /** Called with each finished task, before its answer is delivered. */
  readonly onDone: (
    name: string,
    task: unknown,
    answer: unknown,
    handlers: Handlers<Tasks>,
  ) => void;
  /** Called if the thread dies in the middle of a task, whose effect is then unknown. */
  readonly onLost: (name: string, task: unknown) => void;
  readonly onIdleDeath: (error: Error) => void;
  /** True if the whole process has been killed. */
  readonly isGone: () => boolean;
}

export class SimulatedTaskThread<Tasks extends TaskTable<Tasks>> implements TaskThread<Tasks> {
  readonly name: string;
  /** True: takes no task and answers nothing, until it is ended. */
  isHung = false;
  /** Set by a fault: from then on nothing that the thread does has an effect. */
  isDying = false;
  isExited = false;
  readonly #options: ThreadOptions<Tasks>;
  #handlers: Handlers<Tasks>;
  #view: DiskView;
  #inbox: Sent[] = [];
  /** Asynchronous tasks without an answer. */
  #underWay: Sent[] = [];
  #outbox: { sent: Sent; deliver: () => void }[] = [];
  #pendingSyncs: PendingSync[] = [];
  #lingering: Sent | undefined;
  #onExit: (() => void)[] = [];
  #isEnding = false;

  constructor(options: ThreadOptions<Tasks>) {
    this.name = options.name;
    this.#options = options;
    const { handlers, view } = options.begin(this);
    this.#handlers = handlers;
    this.#view = view;
  }

  get openFiles(): number {
    return this.#view.openFiles;
  }

  get isEnding(): boolean {
    return this.#isEnding && !this.isExited;
  }

  get isBusy(): boolean {
    return this.#inbox.length + this.#underWay.length + this.#outbox.length > 0;
  }

  get nextTask(): string | undefined {
    return this.#inbox[0]?.name;
  }

  get canWork(): boolean {
    return !this.isHung && !this.#isEnding && this.#inbox.length > 0;
  }

  get canDeliver(): boolean {
    return !this.isHung && !this.#isEnding && this.#outbox.length > 0;
  }

  get canFinishSync(): boolean {
    return !this.isHung && !this.#isEnding && this.#pendingSyncs.length > 0;
  }

  run<Name extends keyof Tasks & string>(
    name: Name,
    task: Tasks[Name][0],
  ): Promise<Tasks[Name][1]> {
    if (this.#isEnding) return Promise.reject(new Error('the thread has been ended'));
    return new Promise((resolve, reject) => {
      const copy = task instanceof Uint8Array ? Uint8Array.from(task) : structuredClone(task);
      this.#inbox.push({ name, task: copy, resolve, reject });
    });
  }

  notePendingSync(sync: PendingSync): void {
    this.#pendingSyncs.push(sync);
  }

  /** Carries out the next task. */
  work(): string {
    const sent = this.#inbox.shift();
    if (sent === undefined) return 'nothing';
    this.#carryOut(sent);
    return sent.name;
  }

  /** Hands the next answer over. */
  deliver(): string {
    const next = this.#outbox.shift();
    next?.deliver();
    return next?.sent.name ?? 'nothing';
  }

  finishSync(): void {
    this.#pendingSyncs.shift()?.finish();
    if (this.isDying) this.die('it died');
  }

  /** Ends by itself. Like piscina, a fresh thread gets the tasks that are sent later. */
  die(why: string): void {
    const unanswered = this.#takeAll();
    this.isDying = false;
    this.isHung = false;
    this.#restart();
    const error = new Error(why);
    if (unanswered.length === 0) this.#options.onIdleDeath(error);
    for (const { reject } of unanswered) reject(error);
  }

  destroy(): Promise<void> {
    if (this.isExited) return Promise.resolve();
    if (!this.#isEnding) {
      // The thread may go on with its present task for a while.
      this.#lingering = this.#inbox[0];
      this.#isEnding = true;
      for (const { reject } of this.#takeAll()) reject(new Error('Terminating worker thread'));
    }
    return new Promise((resolve) => this.#onExit.push(resolve));
  }

  /** @param lingers whether it carries out one more task, whose answer no caller gets */
  exit(lingers: boolean): void {
    const lingering = this.#lingering;
    if (lingering !== undefined && lingers) this.#carryOut(lingering);
    this.#takeAll();
    this.isExited = true;
    for (const resolve of this.#onExit.splice(0)) resolve();
  }

  #carryOut(sent: Sent): void {
    const { name, task } = sent;
    let answer: unknown;
    let thrown: unknown;
    try {
      answer = this.#handlers[name as keyof Tasks](task);
    } catch (error) {
      thrown = error;
    }
    if (this.#options.isGone()) {
      this.#options.onLost(name, task);
    } else if (this.isDying) {
      this.#dieWith(sent);
    } else if (thrown !== undefined) {
      this.#post(sent, () => sent.reject(thrown as Error));
    } else if (answer instanceof Promise) {
      this.#underWay.push(sent);
      answer.then(
        (value) => this.#answer(sent, value),
        (error: unknown) => this.#post(sent, () => sent.reject(error as Error)),
      );
    } else {
      this.#answer(sent, answer);
    }
  }

  #dieWith(sent: Sent): void {
    this.#options.onLost(sent.name, sent.task);
    if (this.#isEnding) return;
    this.#underWay.push(sent);
    this.die('it died in the middle of a task');
  }

  #answer(sent: Sent, value: unknown): void {
    this.#options.onDone(sent.name, sent.task, value, this.#handlers);
    this.#post(sent, () => sent.resolve(value));
  }

  #post(sent: Sent, deliver: () => void): void {
    this.#underWay = this.#underWay.filter((other) => other !== sent);
    this.#outbox.push({ sent, deliver });
  }

  #takeAll(): Sent[] {
    const sent = [
      ...this.#outbox.splice(0).map((each) => each.sent),
      ...this.#underWay.splice(0),
      ...this.#inbox.splice(0),
    ];
    this.#pendingSyncs = [];
    return sent;
  }

  #restart(): void {
    const { handlers, view } = this.#options.begin(this);
    this.#handlers = handlers;
    this.#view = view;
  }
}
