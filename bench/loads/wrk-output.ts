// Reads the line that the script of loads/wrk-script.ts prints at the end of a round.
import type { RoundFigures } from './load.ts';

interface WrkFigures {
  readonly requests: number;
  readonly microseconds: number;
  /** Of all replies, heads included. */
  readonly bytes: number;
  readonly p50: number;
  readonly p99: number;
  readonly wrong: number;
  readonly status: number;
  readonly connect: number;
  readonly read: number;
  readonly write: number;
  readonly timeout: number;
}

const faults = ['wrong', 'status', 'connect', 'read', 'write', 'timeout'] as const;

/**
 * @param replyBytesLeast no reply may be shorter on average; 0 if nothing is known of them
 * @throws Error if a request failed, or if there are no figures
 */
export function readWrkOutput(output: string, replyBytesLeast: number): RoundFigures {
  const [, json] = /^FIGURES (.*)$/m.exec(output) ?? [];
  if (json === undefined) throw new Error(`wrk printed no figures:\n${output}`);
  const figures: WrkFigures = JSON.parse(json);
  const found = faults.filter((fault) => figures[fault] > 0);
  if (found.length > 0) {
    const counts = found.map((fault) => `${fault} ${figures[fault]}`).join(', ');
    throw new Error(`of ${figures.requests} requests some failed: ${counts}`);
  }
  if (figures.requests === 0) throw new Error('no request was answered');
  const replyBytes = figures.bytes / figures.requests;
  if (replyBytes < replyBytesLeast) {
    throw new Error(`replies had ${Math.round(replyBytes)} bytes, fewer than ${replyBytesLeast}`);
  }
  return {
    requests: figures.requests,
    seconds: figures.microseconds / 1e6,
    p50Ms: figures.p50 / 1000,
    p99Ms: figures.p99 / 1000,
  };
}
