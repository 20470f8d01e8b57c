// The time that a server takes on an empty folder until it answers.
import type { Part } from './figure.ts';
import { emptyFolder, timeStarts } from './serve.ts';

export const start: Part = {
  name: 'start',
  limitMs: ({ starts }) => 60_000 + starts * 10_000,
  measure: async (run) => {
    run.tell('start: an empty folder');
    const startMs = await timeStarts(
      run,
      () => emptyFolder(run),
      (serving) => serving.startMs,
    );
    return [
      {
        name: 'start of an empty folder until it answers',
        value: startMs,
        unit: 'ms',
        target: { side: 'most', value: 400 },
      },
    ];
  },
};
