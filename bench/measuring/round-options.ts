// The options that bench and bench:compare share.
import { wholeNumber } from '../../test/support/arguments/whole-number.ts';
import type { RoundsPlan } from './measure-row.ts';

export const roundOptions = {
  only: { type: 'string' },
  rounds: { type: 'string', default: '16' },
  seconds: { type: 'string', default: '1' },
  warm: { type: 'string', default: '1' },
  pin: { type: 'string', default: 'auto' },
} as const;

export function readRounds(values: {
  readonly rounds: string;
  readonly seconds: string;
  readonly warm: string;
}): RoundsPlan {
  return {
    rounds: wholeNumber('--rounds', values.rounds, 1),
    seconds: wholeNumber('--seconds', values.seconds, 1),
    warmSeconds: wholeNumber('--warm', values.warm, 1),
  };
}

export function describeRounds({ rounds, seconds, warmSeconds }: RoundsPlan): string {
  const all = `${rounds} ${rounds === 1 ? 'round' : 'rounds'} of ${seconds} s`;
  return warmSeconds === 0
    ? `${all}, without warming up`
    : `${all}, each after ${warmSeconds} s to warm up`;
}
