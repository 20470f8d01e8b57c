// Exposes the figures of namespaces as metrics. Labels are bounded: the busiest namespaces have their own,
// and all others share one.
import type { Namespaces } from '../../access/namespaces.ts';
import type { Store } from '../../store/store.ts';
import type { NamespaceUsage } from '../../store/store-status.ts';
import type { MetricSampler, Sample } from './sampled-metric.ts';

export interface NamespaceMetricSources {
  readonly namespaces: Pick<Namespaces, 'requests' | 'settings'>;
  readonly store: Pick<Store, 'usageOf'>;
}

/** Namespaces with a label of their own. */
const labelledMax = 100;

/** The label of all others. A namespace of this name is always among them. */
const others = 'other';

interface Labelled {
  readonly label: string;
  readonly names: readonly string[];
  readonly requests: number;
}

/** The namespaces by label, the busiest first. */
export function labelNamespaces(
  requests: readonly { readonly name: string; readonly count: number }[],
  max = labelledMax,
): readonly Labelled[] {
  const busiest = requests
    .filter(({ name }) => name !== others)
    .toSorted((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1))
    .slice(0, max);
  const labelled = new Set(busiest.map(({ name }) => name));
  const rest = requests.filter(({ name }) => !labelled.has(name));
  return [
    ...busiest.map(({ name, count }) => ({ label: name, names: [name], requests: count })),
    ...(rest.length === 0
      ? []
      : [
          {
            label: others,
            names: rest.map(({ name }) => name),
            requests: rest.reduce((sum, { count }) => sum + count, 0),
          },
        ]),
  ];
}

export function namespaceMetrics(
  sampler: MetricSampler,
  { namespaces, store }: NamespaceMetricSources,
): void {
  // One request for metrics asks for several, and sorting ten thousand namespaces takes time.
  let sorted: readonly Labelled[] | undefined;
  const labelledNow = (): readonly Labelled[] => {
    if (sorted === undefined) setImmediate(() => (sorted = undefined));
    sorted ??= labelNamespaces(namespaces.requests());
    return sorted;
  };
  const ofEach = (figure: (labelled: Labelled) => number | undefined) => (): Sample[] =>
    labelledNow().flatMap((labelled) => {
      const value = figure(labelled);
      return value === undefined ? [] : [{ labels: { namespace: labelled.label }, value }];
    });
  const usage = (member: keyof NamespaceUsage) =>
    ofEach(({ names }) =>
      names.reduce((sum, name) => sum + (store.usageOf?.(name)[member] ?? 0), 0),
    );
  /** The sum of bounds says nothing. */
  const bound = (member: 'keysMax' | 'bytesMax') =>
    ofEach(({ label, names }) =>
      label === others ? undefined : namespaces.settings(names[0] ?? '')?.[member],
    );
  sampler.counter(
    'holdfast_namespace_requests_total',
    'Requests in the namespace that reached a handler.',
    ofEach(({ requests }) => requests),
  );
  sampler.gauge('holdfast_namespace_keys', 'Keys that count for its quota.', usage('keys'));
  sampler.gauge('holdfast_namespace_bytes', 'Bytes that count for its quota.', usage('bytes'));
  sampler.gauge(
    'holdfast_namespace_keys_max',
    'Its quota of keys, if it has one.',
    bound('keysMax'),
  );
  sampler.gauge('holdfast_namespace_bytes_max', 'Its quota of bytes, if any.', bound('bytesMax'));
  sampler.counter(
    'holdfast_namespace_quota_refusals_total',
    'Writes that the quota has refused since it was set.',
    usage('refused'),
  );
}
