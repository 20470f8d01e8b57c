// A directed graph, and the search for a cycle in it. Does not know the meaning of the nodes.

interface Edge {
  readonly to: number;
  readonly why: string;
}

export interface CycleStep<Value> {
  /** Undefined for a node without a value. */
  readonly value: Value | undefined;
  /** The reason for the edge to the next node. */
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

/** @returns the nodes of a cycle; undefined if there is none */
export function cycleIn<Value extends object>(
  graph: Graph<Value>,
): readonly CycleStep<Value>[] | undefined {
  const left = leftOver(graph.edges);
  const [start] = left;
  if (start === undefined) return undefined;
  // Every node that is left is in a cycle or behind one. A walk backwards must meet a node again.
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

/** Nodes that have no place in any order: those in a cycle, or behind one. */
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
