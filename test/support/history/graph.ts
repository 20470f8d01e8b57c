// A directed graph, and a way in it that leads back to where it began. Knows not what it is of.

interface Edge {
  readonly to: number;
  readonly why: string;
}

export interface CycleStep<Value> {
  /** Undefined for a node without one. */
  readonly value: Value | undefined;
  /** On what ground the next one comes behind it. */
  readonly why: string;
}

export class Graph<Value extends object> {
  readonly #nodes = new Map<Value, number>();
  readonly values: (Value | undefined)[] = [];
  readonly edges: Edge[][] = [];

  add(value: Value): void {
    this.#nodes.set(value, this.addNameless());
    this.values[this.values.length - 1] = value;
  }

  addNameless(): number {
    this.values.push(undefined);
    return this.edges.push([]) - 1;
  }

  nodeOf(value: Value): number {
    const node = this.#nodes.get(value);
    if (node === undefined) throw new Error('it is not in the graph');
    return node;
  }

  draw(from: number, to: number, why: string): void {
    this.edges[from]?.push({ to, why });
  }
}

/** Undefined where there is none. */
export function cycleIn<Value extends object>(
  graph: Graph<Value>,
): readonly CycleStep<Value>[] | undefined {
  const left = leftOver(graph.edges);
  const [start] = left;
  if (start === undefined) return undefined;
  // Whatever is left is behind a cycle or in one: backwards along what is left, it must come again.
  const before = new Map<number, { node: number; why: string }>();
  for (const node of left) {
    for (const { to, why } of graph.edges[node] ?? [])
      if (left.has(to)) before.set(to, { node, why });
  }
  const seen = new Set<number>();
  let node = start;
  for (; !seen.has(node); node = before.get(node)?.node ?? node) seen.add(node);
  const cycle: CycleStep<Value>[] = [];
  const end = node;
  do {
    const step = before.get(node);
    if (step === undefined) break;
    cycle.unshift({ value: graph.values[step.node], why: step.why });
    node = step.node;
  } while (node !== end);
  return cycle;
}

/** Nodes that cannot be put in order: all that are in a cycle, or behind one. */
function leftOver(edges: readonly (readonly Edge[])[]): Set<number> {
  const incoming = edges.map(() => 0);
  for (const from of edges) for (const { to } of from) incoming[to] = (incoming[to] ?? 0) + 1;
  const free = incoming.flatMap((count, node) => (count === 0 ? [node] : []));
  const left = new Set(edges.keys());
  for (let node = free.pop(); node !== undefined; node = free.pop()) {
    left.delete(node);
    for (const { to } of edges[node] ?? []) {
      incoming[to] = (incoming[to] ?? 0) - 1;
      if (incoming[to] === 0) free.push(to);
    }
  }
  return left;
}
