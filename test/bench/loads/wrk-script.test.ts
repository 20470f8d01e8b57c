// The script of wrk has the parameters of its round. wrk itself runs it in the bench.
import { expect, test } from 'vitest';
import { wrkScript } from '../../../bench/loads/wrk-script.ts';
import { zipfConstants } from '../../../bench/rows/key-draw.ts';
import { restDialect, templatesFor } from '../../../bench/rows/request-template.ts';

const plan = {
  url: 'http://127.0.0.1:7411',
  templates: templatesFor(restDialect, { command: 'set', length: 100 }) ?? [],
  conditions: { keys: 1000, draw: 'zipfian', valueBytes: 100, connections: 16 },
  seconds: 1,
  seed: 7,
} as const;

test('the script has the keys, the seed, the address and the quoted commands', () => {
  const script = wrkScript(plan);
  expect(script).toContain('local keys, seed, value_bytes = 1000, 7, 100');
  expect(script).toContain('local host, token = "127.0.0.1:7411", nil');
  expect(script).toContain(String.raw`command = "[\"SET\",\"$key\",\"$value\"]", length = 100`);
  expect(script).toContain(String.raw`reply_holds = "{\"result\":\"OK\"}"`);
});

test('the script looks into replies if the round asks for it', () => {
  const gets = { ...plan, templates: templatesFor(restDialect, 'get') ?? [] };
  expect(wrkScript(gets)).toContain('local checks_replies = false');
  expect(wrkScript({ ...gets, checksReplies: true })).toContain('local checks_replies = true');
  expect(wrkScript(gets)).toContain('returns_value = true');
});

test('the script has the constants of a Zipf draw, and a token if one is asked for', () => {
  const script = wrkScript({ ...plan, token: 'secret' });
  expect(script).toContain(`share * ${zipfConstants(1000).zeta}`);
  expect(script).toContain('"secret"');
});
