// Reads the metrics of a server that parts of the bench go by.

export interface Metrics {
  readonly shards: number;
  readonly compactionsCompleted: number;
  readonly compactionsRunning: number;
}

export function metricsIn(text: string): Metrics {
  const lines = text.split('\n');
  const read = (name: string): number =>
    Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length));
  return {
    shards: lines.filter((line) => line.startsWith('holdfast_shard_entries{')).length,
    compactionsCompleted: read('holdfast_compactions_total{result="completed"}'),
    compactionsRunning: read('holdfast_compactions_running'),
  };
}

export async function readMetrics(url: string): Promise<Metrics> {
  return metricsIn(await (await fetch(`${url}/metrics`)).text());
}
