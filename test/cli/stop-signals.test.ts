// Decides when a second signal makes the program exit at once.
import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import { StopSignals } from '../../src/cli/stop-signals.ts';

function startWatching() {
  const source = new EventEmitter();
  const exits: number[] = [];
  const time = { nowMs: 0 };
  const clock = { wallMs: () => 0, monotonicMs: () => time.nowMs };
  const signals = new StopSignals({
    source,
    signals: ['SIGTERM', 'SIGINT', 'SIGHUP'],
    clock,
    exit: (code) => exits.push(code),
  });
  return { source, exits, time, signals };
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP'])(
  'the first %s asks to stop and ends nothing',
  async (signal) => {
    const { source, exits, signals } = startWatching();
    expect(signals.received).toBe(false);
    source.emit(signal, signal);
    expect(signals.received).toBe(true);
    expect(await signals.first).toBe(signal);
    expect(exits).toEqual([]);
  },
);

test('signals within half a second of the first are the same keystroke', () => {
  const { source, exits, time } = startWatching();
  source.emit('SIGINT', 'SIGINT');
  time.nowMs = 499;
  source.emit('SIGINT', 'SIGINT');
  source.emit('SIGTERM', 'SIGTERM');
  expect(exits).toEqual([]);
});

test.each([
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
])('a second %s after that ends the process with code %i', (signal, code) => {
  const { source, exits, time } = startWatching();
  source.emit('SIGTERM', 'SIGTERM');
  time.nowMs = 500;
  source.emit(signal, signal);
  expect(exits).toEqual([code]);
});
