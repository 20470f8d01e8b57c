// The load of redis-benchmark: pipelines over RESP. It runs a number of commands, not a time, so each
// round takes its number from the rate of the round before.
import type { Belongings } from '../measuring/belongings.ts';
import { pinned } from '../measuring/cpu-pins.ts';
import type { PipelineWork } from '../rows/row.ts';
import type { Load, RoundFigures, RoundPlan } from './load.ts';

/** For the first round, whose rate is not known yet. */
const firstCommands = 200_000;

/**
 * Reads `redis-benchmark --csv`.
 *
 * @param commands that it was told to run
 * @param pipeline commands in one request
 * @throws Error if it printed no figures, or an error of the server
 */
export function readBenchmarkOutput(
  output: string,
  commands: number,
  pipeline: number,
): RoundFigures {
  if (/^(?:Error|-ERR|WARN)/m.test(output)) throw new Error(`redis-benchmark printed:\n${output}`);
  const rows = output
    .trim()
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.replaceAll('"', '')));
  const heading = rows.find(([first]) => first === 'test') ?? [];
  const figures = rows.at(-1) ?? [];
  const read = (name: string): number => Number(figures[heading.indexOf(name)]);
  const rate = read('rps');
  if (!(rate > 0)) throw new Error(`redis-benchmark printed no figures:\n${output}`);
  return {
    requests: commands / pipeline,
    seconds: commands / rate,
    p50Ms: read('p50_latency_ms'),
    p99Ms: read('p99_latency_ms'),
  };
}

/** @param cores to run on, as taskset names them */
export function redisBenchmarkLoad(
  belongings: Belongings,
  { port, cores }: { port: number; cores: string | undefined },
  { command, length }: PipelineWork,
): Load {
  let rate: number | undefined;
  const name = `redis-benchmark -P ${length}`;
  const round = async ({ conditions, seconds }: RoundPlan): Promise<RoundFigures> => {
    const wanted = rate === undefined ? firstCommands : rate * seconds;
    const commands = Math.ceil(wanted / length) * length;
    const flags = Object.entries({
      '-h': '127.0.0.1',
      '-p': port,
      '-P': length,
      '-c': conditions.connections,
      '-r': conditions.keys,
      '-d': conditions.valueBytes,
      '-n': commands,
      '-t': command,
    }).flatMap(([flag, value]) => [flag, String(value)]);
    const words = ['redis-benchmark', ...flags, '--csv'];
    const output = await belongings.run(pinned(cores, words));
    const figures = readBenchmarkOutput(output, commands, length);
    rate = commands / figures.seconds;
    return figures;
  };
  return { name, round };
}
