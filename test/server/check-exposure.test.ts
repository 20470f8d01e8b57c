// A server that requires no token stays on its machine.
import { describe, expect, test } from 'vitest';
import { defaultSettings } from '../../src/cli/load-settings.ts';
import { checkExposure } from '../../src/server/check-exposure.ts';

const settings = defaultSettings();

describe('an open server', () => {
  test.each(['127.0.0.1', '127.1.2.3', 'localhost', '::1', '[::1]'])('may listen on %s', (host) => {
    expect(() => checkExposure({ ...settings, host }, true)).not.toThrow();
  });

  test.each(['0.0.0.0', '::', '10.0.0.1', 'kv.example', 'localhost.example', '::ffff:127.0.0.1'])(
    'may not listen on %s: the error names HOLDFAST_TOKEN',
    (host) => {
      expect(() => checkExposure({ ...settings, host }, true)).toThrow(/HOLDFAST_TOKEN/);
      expect(() => checkExposure({ ...settings, host }, false)).not.toThrow();
    },
  );

  test('may not let in pages of every origin', () => {
    const all = { ...settings, corsOrigins: ['*'] };
    expect(() => checkExposure(all, true)).toThrow(/corsOrigins.*HOLDFAST_TOKEN/);
    expect(() => checkExposure(all, false)).not.toThrow();
  });
});
