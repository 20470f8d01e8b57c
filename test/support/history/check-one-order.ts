// Checks for one order of all steps, over all keys, that explains every answer. In that order, a
// step that ended before another one was sent comes before it. A step is a call, or several calls
// at one moment: a transaction, a page, a backup. Versions give the order of the writes of a key,
// so no search is needed. A graph shows which step must come before which. An order exists exactly
// if the graph has no cycle. Each key must already be right by itself (check-linearizability.ts).
import { describeCall } from './describe-call.ts';
import { cycleIn, Graph, type CycleStep } from './graph.ts';
import type { RecordedCall } from './recorded-call.ts';

interface Step {
  readonly calls: RecordedCall[];
  readonly invoked: number;
  /** Position of the last answer. Infinity if the step took effect without an answer. */
  returned: number;
  /** True if the changes took effect. Reads of the step count in any case. */
  isDone: boolean;
}

interface Write {
  readonly version: number;
  readonly step: Step;
}

interface KeyCall {
  readonly call: RecordedCall;
  readonly step: Step;
}

/** @returns the contradiction; undefined if there is an order */
export function checkOneOrder(history: readonly RecordedCall[]): string | undefined {
  const steps = stepsOf(history);
  const seen = seenValues(history);
  for (const step of steps) ascertain(step, seen);
  const graph = new Graph<Step>();
  for (const step of steps) graph.add(step);
  drawTime(graph, steps);
  const mortal = new Set(history.flatMap(({ key, call }) => (call.op === 'expire' ? [key] : [])));
  for (const [key, calls] of byKey(steps)) new KeyDrawing(graph, calls, seen).draw(mortal.has(key));
  const cycle = cycleIn(graph);
  return cycle === undefined ? undefined : explain(cycle);
}

function isPlain({ outcome }: RecordedCall): boolean {
  return outcome.kind !== 'unknown' && outcome.kind !== 'not-applied';
}

function changes({ call }: RecordedCall): boolean {
  return call.op === 'put' || call.op === 'delete';
}

function stepsOf(history: readonly RecordedCall[]): Step[] {
  const shared = new Map<number, Step>();
  const steps: Step[] = [];
  for (const call of history) {
    if (call.call.op === 'expire') continue;
    const known = call.step === undefined ? undefined : shared.get(call.step);
    if (known !== undefined) {
      known.calls.push(call);
      continue;
    }
    const step = { calls: [call], invoked: call.invoked, returned: -1, isDone: false };
    if (call.step !== undefined) shared.set(call.step, step);
    steps.push(step);
  }
  return steps.filter(({ calls }) => calls.some((call) => call.outcome.kind !== 'not-applied'));
}

/** Value -> the version that some read found with it. */
function seenValues(history: readonly RecordedCall[]): Map<string, number> {
  const seen = new Map<string, number>();
  for (const { outcome } of history) {
    if (outcome.kind === 'found' && outcome.value !== undefined) {
      seen.set(outcome.value, outcome.version);
    }
  }
  return seen;
}

/** A step took effect as a whole if an answer, or a read, shows one of its changes. */
function ascertain(step: Step, seen: ReadonlyMap<string, number>): void {
  const changing = step.calls.filter(changes);
  const isToldOf = changing.some(isPlain);
  step.isDone = isToldOf || changing.some(({ call }) => call.op === 'put' && seen.has(call.value));
  const told = step.calls.filter(isPlain).map(({ returned }) => returned);
  // Without an answer it has no end, so no step comes after it for that reason.
  const isOpen = step.isDone && !isToldOf;
  step.returned = isOpen || told.length === 0 ? Infinity : Math.max(...told);
}

function byKey(steps: readonly Step[]): Map<string, KeyCall[]> {
  const keys = new Map<string, KeyCall[]>();
  for (const step of steps) {
    for (const call of step.calls) {
      const calls = keys.get(call.key) ?? [];
      keys.set(call.key, calls);
      calls.push({ call, step });
    }
  }
  return keys;
}

/**
 * Draws an edge from each step to those sent after its answer. One node for each answer keeps the
 * edges few.
 */
function drawTime(graph: Graph<Step>, steps: readonly Step[]): void {
  const ends = steps
    .map((step) => ({ step, at: step.returned }))
    .filter(({ at }) => at !== Infinity)
    .toSorted((a, b) => a.at - b.at);
  const moments = ends.map(({ step, at }) => {
    const moment = graph.addNameless();
    graph.draw(graph.nodeOf(step), moment, 'was answered');
    return { at, moment };
  });
  for (const [index, { moment }] of moments.entries()) {
    const before = moments[index - 1];
    if (before !== undefined) graph.draw(before.moment, moment, '');
  }
  let passed = 0;
  for (const step of steps.toSorted((a, b) => a.invoked - b.invoked)) {
    while ((moments[passed]?.at ?? Infinity) < step.invoked) passed += 1;
    const before = moments[passed - 1];
    if (before !== undefined) graph.draw(before.moment, graph.nodeOf(step), 'before this was sent');
  }
}

/** Draws the order of the steps of one key. */
class KeyDrawing {
  readonly #graph: Graph<Step>;
  readonly #calls: readonly KeyCall[];
  /** In order of their versions. */
  readonly #writes: readonly Write[];
  /** The reads that found an entry, with its version. */
  readonly #reads: readonly Write[];
  /** Version -> the step that read and removed it. */
  readonly #removers: ReadonlyMap<number, Step>;

  constructor(graph: Graph<Step>, calls: readonly KeyCall[], seen: ReadonlyMap<string, number>) {
    this.#graph = graph;
    this.#calls = calls;
    this.#writes = writesOf(calls, seen);
    this.#reads = calls.flatMap(({ call: { outcome }, step }) => {
      const isRead = outcome.kind === 'found' || outcome.kind === 'condition-failed';
      return isRead && outcome.version > 0 ? [{ version: outcome.version, step }] : [];
    });
    const removing = new Set(
      calls.flatMap(({ call, step }) => (mayRemove(call) && step.isDone ? [step] : [])),
    );
    this.#removers = new Map(
      this.#reads
        .filter(({ step }) => removing.has(step))
        .map(({ version, step }) => [version, step]),
    );
  }

  /** @param isMortal true if entries of the key may have expired */
  draw(isMortal: boolean): void {
    for (const [index, { step }] of this.#writes.entries()) {
      this.#draw(this.#writes[index - 1]?.step, step, 'was written over by');
    }
    for (const { version, step } of this.#reads) {
      this.#draw(
        this.#writes.find((write) => write.version === version)?.step,
        step,
        'was read by',
      );
      this.#draw(step, this.#after(version), 'read what was written over by');
      this.#draw(step, this.#removers.get(version), 'read what was removed by');
    }
    const removers = new Set(this.#removers.values());
    const isOther = ({ call, step }: KeyCall): boolean => mayRemove(call) && !removers.has(step);
    if (!isMortal && !this.#calls.some(isOther)) this.#drawGaps();
  }

  /**
   * Draws the place of reads that found nothing, if only one place is possible. All removals are
   * known here.
   */
  #drawGaps(): void {
    const gaps = [{ version: 0, remover: undefined }, ...this.#gapsBehindRemovals()];
    for (const { call, step } of this.#calls) {
      if (call.outcome.kind !== 'missing') continue;
      const [only, other] = gaps.filter(({ version, remover }) => {
        const next = this.#after(version);
        const isOver = next !== undefined && next !== step && next.returned < step.invoked;
        const isYetToCome = remover !== undefined && remover.invoked > step.returned;
        return remover !== step && !isOver && !isYetToCome;
      });
      if (only === undefined || other !== undefined) continue;
      this.#draw(only.remover, step, 'removed what was missing for');
      this.#draw(step, this.#after(only.version), 'found nothing, and then it was put by');
    }
  }

  #gapsBehindRemovals(): { version: number; remover: Step | undefined }[] {
    return [...this.#removers].map(([version, remover]) => ({ version, remover }));
  }

  /** The step that wrote the next higher version. */
  #after(version: number): Step | undefined {
    return this.#writes[this.#placeAfter(version)]?.step;
  }

  /** Index of the first write with a higher version. */
  #placeAfter(version: number): number {
    let [from, to] = [0, this.#writes.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.#writes[middle]?.version ?? Infinity) > version) to = middle;
      else from = middle + 1;
    }
    return from;
  }

  #draw(before: Step | undefined, after: Step | undefined, why: string): void {
    if (before === undefined || after === undefined || before === after) return;
    this.#graph.draw(this.#graph.nodeOf(before), this.#graph.nodeOf(after), why);
  }
}

const mayHaveRemoved: ReadonlySet<string> = new Set(['deleted', 'gone', 'unknown']);

function mayRemove({ call, outcome }: RecordedCall): boolean {
  return call.op === 'delete' && mayHaveRemoved.has(outcome.kind);
}

function writesOf(calls: readonly KeyCall[], seen: ReadonlyMap<string, number>): readonly Write[] {
  const writes = calls.flatMap(({ call: { call, outcome }, step }): Write[] => {
    if (call.op !== 'put' || !step.isDone) return [];
    if (outcome.kind === 'written') return [{ version: outcome.version, step }];
    const version = outcome.kind === 'unknown' ? (seen.get(call.value) ?? call.version) : undefined;
    return version === undefined ? [] : [{ version, step }];
  });
  return writes.toSorted((a, b) => a.version - b.version);
}

const shownOfCall = 120;

function explain(cycle: readonly CycleStep<Step>[]): string {
  const lines = cycle.flatMap(({ value, why }) => [
    ...(value?.calls ?? []).map((call) => `  ${call.key} ${describeCall(call)}`),
    ...(why === '' ? [] : [`    ${why}`]),
  ]);
  const shown = lines.map((line) => line.slice(0, shownOfCall));
  return [
    'no one order of these steps explains their answers:',
    ...shown,
    '  the first of them',
  ].join('\n');
}
