// The figures of redis-benchmark are read from its CSV.
import { expect, test } from 'vitest';
import { readBenchmarkOutput } from '../../../bench/loads/redis-benchmark-load.ts';

const csv = `"test","rps","avg_latency_ms","min_latency_ms","p50_latency_ms","p95_latency_ms","p99_latency_ms","max_latency_ms"
"GET","500000.00","2.500","0.500","2.400","3.100","4.200","6.000"
`;

test('requests are pipelines, and latencies are milliseconds', () => {
  expect(readBenchmarkOutput(csv, 250_000, 100)).toEqual({
    requests: 2500,
    seconds: 0.5,
    p50Ms: 2.4,
    p99Ms: 4.2,
  });
});

test('an error of the server, and an output without figures, fail the round', () => {
  expect(() => readBenchmarkOutput(`Error from server: ERR no\n${csv}`, 100, 100)).toThrow(
    'ERR no',
  );
  expect(() => readBenchmarkOutput('', 100, 100)).toThrow('printed no figures');
});
