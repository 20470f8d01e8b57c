// The figures of wrk are read, and a round with any failed reply is none.
import { expect, test } from 'vitest';
import { readWrkOutput } from '../../../bench/loads/wrk-output.ts';

const fine = {
  requests: 30_000,
  microseconds: 1_004_000,
  bytes: 9_000_000,
  p50: 1500,
  p99: 4250,
  wrong: 0,
  status: 0,
  connect: 0,
  read: 0,
  write: 0,
  timeout: 0,
};

const printed = (figures: object): string =>
  `Running 1s test @ http://127.0.0.1:1\n  1 threads and 64 connections\nFIGURES ${JSON.stringify(figures)}\n`;

test('requests, seconds and latencies are read', () => {
  expect(readWrkOutput(printed(fine), 100)).toEqual({
    requests: 30_000,
    seconds: 1.004,
    p50Ms: 1.5,
    p99Ms: 4.25,
  });
});

test.each(['wrong', 'status', 'connect', 'read', 'write', 'timeout'])(
  'one request that counts as %s fails the round',
  (fault) => {
    expect(() => readWrkOutput(printed({ ...fine, [fault]: 1 }), 0)).toThrow(
      `of 30000 requests some failed: ${fault} 1`,
    );
  },
);

test('a round without a reply, or with replies too short for a value, fails', () => {
  expect(() => readWrkOutput(printed({ ...fine, requests: 0 }), 0)).toThrow(
    'no request was answered',
  );
  expect(() => readWrkOutput(printed(fine), 301)).toThrow('replies had 300 bytes, fewer than 301');
});

test('an output without figures is shown', () => {
  expect(() => readWrkOutput('unable to connect', 0)).toThrow(
    'wrk printed no figures:\nunable to connect',
  );
});
