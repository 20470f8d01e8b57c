// The script of wrk has the file and the checks of its round. wrk itself runs it in the bench.
import { expect, test } from 'vitest';
import { checkedTemplates, wrkScript } from '../../../bench/loads/wrk-script.ts';
import { restDialect, templatesFor } from '../../../bench/rows/request-template.ts';
import type { Work } from '../../../bench/rows/row.ts';

const planOf = (work: Work) =>
  ({
    url: 'http://127.0.0.1:7411',
    templates: templatesFor(restDialect, work) ?? [],
    conditions: { keys: 1000, draw: 'zipfian', valueBytes: 100, connections: 16 },
    seconds: 1,
    seed: 7,
  }) as const;

const pipeline = { command: 'set', length: 100 } as const;

test('the script has the file of the requests, and what a right reply holds', () => {
  const script = wrkScript(planOf(pipeline), '/tmp/"requests"');
  expect(script).toContain(String.raw`local texts_path, value_bytes = "/tmp/\"requests\"", 100`);
  expect(script).toContain(
    String.raw`local checks = { { is_pipeline = true, reply_holds = "{\"result\":\"OK\"}" } }`,
  );
});

const looksInto = (work: Work): boolean => checkedTemplates(planOf(work)).length > 0;

test('rounds that count look into the replies of pipelines alone', () => {
  expect(looksInto(pipeline)).toBe(true);
  expect(looksInto('get')).toBe(false);
  expect(looksInto('list')).toBe(false);
  expect(looksInto('transaction')).toBe(false);
});

test('rounds to warm up look into all replies whose content is known', () => {
  const checked = (work: Work) => checkedTemplates({ ...planOf(work), checksReplies: true });
  expect(checked('get')).toHaveLength(1);
  expect(checked({ getPercent: 95, rest: 'list' })).toHaveLength(2);
  // The replies to puts tell nothing, and a reply does not tell that it is to a put.
  expect(checked({ getPercent: 95, rest: 'put' })).toEqual([]);
  expect(wrkScript(planOf('get'), '')).toContain('local checks = {  }');
});
