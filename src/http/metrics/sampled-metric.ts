// A metric that reads its values when a client asks, from counters that the program keeps anyway.
// prom-client only writes them out. If it counted, it would hash labels on every request.
import type { Metric, Registry } from 'prom-client';
import type { Histogram } from '../../base/histogram.ts';

export type Labels = Readonly<Record<string, string | number>>;

export interface Sample {
  readonly labels: Labels;
  readonly value: number;
}

export interface HistogramSample {
  readonly labels: Labels;
  readonly histogram: Histogram;
}

/** One line of the exposition; has a name only if that differs from the metric's. */
interface ExposedValue extends Sample {
  readonly metricName?: string;
}

interface MetricDescription {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
}

class SampledMetric {
  readonly name: string;
  readonly help: string;
  readonly type: MetricDescription['type'];
  readonly aggregator = 'sum';
  readonly #sample: () => readonly ExposedValue[];

  constructor({ name, help, type }: MetricDescription, sample: () => readonly ExposedValue[]) {
    this.name = name;
    this.help = help;
    this.type = type;
    this.#sample = sample;
  }

  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: this.#sample() };
  }

  reset(): void {
    // The sampled counters are not ours to reset.
  }
}

function exposedHistogram(name: string, { labels, histogram }: HistogramSample): ExposedValue[] {
  let cumulative = 0;
  const buckets = Array.from(histogram.counts, (count, i) => {
    cumulative += count;
    const le = histogram.bounds[i] ?? '+Inf';
    return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: cumulative };
  });
  return [
    ...buckets,
    { metricName: `${name}_sum`, labels, value: histogram.sum },
    { metricName: `${name}_count`, labels, value: histogram.count },
  ];
}

/** Collects sampled metrics, one call a metric. */
export class MetricSampler {
  readonly #metrics: SampledMetric[] = [];

  counter(name: string, help: string, sample: () => readonly Sample[]): void {
    this.#metrics.push(new SampledMetric({ name, help, type: 'counter' }, sample));
  }

  gauge(name: string, help: string, sample: () => readonly Sample[]): void {
    this.#metrics.push(new SampledMetric({ name, help, type: 'gauge' }, sample));
  }

  histogram(name: string, help: string, sample: () => readonly HistogramSample[]): void {
    const expose = () => sample().flatMap((one) => exposedHistogram(name, one));
    this.#metrics.push(new SampledMetric({ name, help, type: 'histogram' }, expose));
  }

  registerIn(registry: Registry): void {
    for (const metric of this.#metrics) {
      // The registry's type asks for its own classes, but the registry uses no more than ours has.
      registry.registerMetric(metric as unknown as Metric);
    }
  }
}
