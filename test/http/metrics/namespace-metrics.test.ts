import { expect, test } from 'vitest';
import { labelNamespaces } from '../../../src/http/metrics/namespace-metrics.ts';
import { openShardedApp } from '../../support/http/open-sharded-app.ts';

test('the busiest namespaces have labels of their own, and the rest shares one', () => {
  const requests = Array.from({ length: 150 }, (_, n) => ({ name: `n${n}`, count: n }));
  const labelled = labelNamespaces(requests);
  expect(labelled).toHaveLength(101);
  expect(labelled[0]).toEqual({ label: 'n149', names: ['n149'], requests: 149 });
  expect(labelled[99]?.label).toBe('n50');
  expect(labelled[100]).toMatchObject({ label: 'other', requests: (50 * 49) / 2 });
});

test('a namespace that is called other is one of the rest, however busy', () => {
  const labelled = labelNamespaces([
    { name: 'a', count: 1 },
    { name: 'other', count: 100 },
  ]);
  expect(labelled).toEqual([
    { label: 'a', names: ['a'], requests: 1 },
    { label: 'other', names: ['other'], requests: 100 },
  ]);
});

test('metrics tell of each namespace how much it is used, and its quota', async () => {
  const { url } = await openShardedApp();
  const send = (method: string, path: string, body?: string) =>
    fetch(url + path, { method, ...(body === undefined ? {} : { body }) });
  await fetch(`${url}/v1/admin/namespaces/app`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: '{"keysMax":1}',
  });
  await send('PUT', '/ns/app/v1/keys/a', '12');
  await send('PUT', '/ns/app/v1/keys/b', '12');
  await send('GET', '/ns/missing/v1/keys/a');
  const lines = (await (await send('GET', '/metrics')).text()).split('\n');
  const ofNamespaces = lines.filter((line) => line.startsWith('holdfast_namespace_'));
  expect(ofNamespaces.filter((line) => line.includes('"app"'))).toEqual([
    'holdfast_namespace_requests_total{namespace="app"} 2',
    'holdfast_namespace_keys{namespace="app"} 1',
    'holdfast_namespace_bytes{namespace="app"} 3',
    'holdfast_namespace_keys_max{namespace="app"} 1',
    'holdfast_namespace_quota_refusals_total{namespace="app"} 1',
  ]);
  expect(ofNamespaces.join('\n')).not.toContain('missing');
  expect(lines).toContain('holdfast_turn_waiters 0');
});
