// Health, metrics and the OpenAPI document.
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { errorSentences } from '../../../src/base/errors.ts';
import type { StoreStatus } from '../../../src/store/store-status.ts';
import { ModelStore } from '../../support/stores/model-store.ts';
import { openApp } from '../../support/http/open-app.ts';
import { standingRoutes } from '../../support/http/standing-routes.ts';

test('the process is live and the store ready', async () => {
  const { url } = await openApp();
  expect((await fetch(`${url}/livez`)).status).toBe(200);
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(200);
  expect(await ready.json()).toEqual({ ready: true, shards: [{ shard: 0, state: 'serving' }] });
});

test('a shard that does not serve makes the server not ready, with its reason', async () => {
  class HalfOpenStore extends ModelStore {
    override status(): StoreStatus {
      const status = super.status();
      const failed = { state: 'failed', reason: 'Its worker died.' } as const;
      return { ...status, shards: status.shards.map((shard) => ({ ...shard, ...failed })) };
    }
  }
  const { url } = await openApp({ store: new HalfOpenStore() });
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toEqual({
    ready: false,
    shards: [{ shard: 0, state: 'failed', reason: 'Its worker died.' }],
  });
  expect((await fetch(`${url}/livez`)).status).toBe(200);
});

test('a server that is stopping is not ready', async () => {
  const { url } = await openApp({ isStopping: () => true });
  const ready = await fetch(`${url}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toMatchObject({ ready: false, reason: 'The server is stopping.' });
});

function series(route: string, method: string, status: string): string {
  return `holdfast_http_requests_total{route="${route}",method="${method}",status="${status}"} 1`;
}

test('metrics count requests by route, and never by key', async () => {
  const { url } = await openApp();
  await fetch(`${url}/v1/keys/secret`, { method: 'PUT', body: 'x' });
  await fetch(`${url}/v1/keys/secret`);
  await fetch(`${url}/v1/keys/missing`);
  await fetch(`${url}/v1/keys?prefix=secret`);
  await fetch(`${url}/secret`);
  const reply = await fetch(`${url}/metrics`);
  expect(reply.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/);
  const lines = (await reply.text()).split('\n');
  expect(lines).toContain(series('/v1/keys/:key', 'PUT', '2xx'));
  expect(lines).toContain(series('/v1/keys/:key', 'GET', '2xx'));
  expect(lines).toContain(series('/v1/keys/:key', 'GET', '4xx'));
  expect(lines).toContain(series('/v1/keys', 'GET', '2xx'));
  expect(lines).toContain(series('other', 'GET', '4xx'));
  expect(lines.join('\n')).not.toContain('secret');
});

test('the room of a body is free again once its connection has died', async () => {
  const { port, url, app, model } = await openApp();
  const socket = connect(port, '127.0.0.1');
  socket.write('PUT /v1/keys/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900\r\n\r\nhalf');
  const held = async () => {
    const text = await (await fetch(`${url}/metrics`)).text();
    return /^holdfast_http_body_bytes_in_flight (.*)$/m.exec(text)?.[1];
  };
  await expect.poll(held).toBe('4');
  socket.destroy();
  await expect.poll(held).toBe('0');
  expect(model.entries.size).toBe(0);
  expect(app.connections.requestCount).toBe(0);
});

test('histograms are cumulative and end in +Inf', async () => {
  const { url } = await openApp();
  await fetch(`${url}/livez`);
  await fetch(`${url}/livez`);
  const text = await (await fetch(`${url}/metrics`)).text();
  const labels = 'route="/livez",method="GET",status="2xx"';
  const name = 'holdfast_http_request_duration_seconds';
  expect(text).toContain(`${name}_bucket{${labels},le="+Inf"} 2\n`);
  expect(text).toContain(`${name}_count{${labels}} 2\n`);
});

test.each([
  'holdfast_build{version="0.0.0-test"} 1',
  'holdfast_shard_serving{shard="0"} 1',
  'holdfast_shard_entries{shard="0"} 0',
  'holdfast_shard_bytes{shard="0"} 0',
  'holdfast_shard_queue_operations{shard="0"} 0',
  'holdfast_shard_queue_bytes{shard="0"} 0',
  'holdfast_shard_journal_bytes{shard="0"} 0',
  'holdfast_shard_snapshot_bytes{shard="0"} 0',
  'holdfast_shard_batch_operations_count{shard="0"} 0',
  'holdfast_shard_sync_duration_seconds_count{shard="0"} 0',
  'holdfast_transactions_total{result="committed"} 0',
  'holdfast_transactions_over_shards_total 0',
  'holdfast_idempotency_records 0',
  'holdfast_idempotency_records_evicted_total 0',
  'holdfast_compactions_running 0',
  'holdfast_compactions_total{result="completed"} 0',
  'holdfast_compactions_total{result="failed"} 0',
  'holdfast_reads_total{way="direct"} 0',
  'holdfast_reads_total{way="queue"} 0',
  'holdfast_http_connections ',
  'holdfast_http_requests_refused_total{reason="connections"} 0',
  'holdfast_http_requests_refused_total{reason="replies"} 0',
  'holdfast_http_requests_refused_total{reason="event_loop"} 0',
  'holdfast_http_requests_refused_total{reason="work"} 0',
  'holdfast_http_connections_dropped_total 0',
  'holdfast_http_connections_cut_total 0',
  'holdfast_http_requests_held 0',
  'holdfast_http_tls_handshakes_failed_total 0',
  'holdfast_http_pipelines_cut_total 0',
  'holdfast_http_reply_bytes_in_flight ',
  'holdfast_http_work_in_flight_units 0',
  'holdfast_event_loop_delay_seconds{quantile="0.99"}',
  'process_cpu_user_seconds_total',
])('metrics have %s', async (line) => {
  const { url } = await openApp();
  expect(await (await fetch(`${url}/metrics`)).text()).toContain(`\n${line}`);
});

/** Below /docs, only the document is an address that clients know. */
function isKnownToClients(route: string): boolean {
  // The files of the page.
  if (route.endsWith(' /docs*')) return false;
  return !route.includes(' /docs/') || route === 'GET /docs/json';
}

/** Every GET has a HEAD. Documents have that of a key, an item or a command alone. */
function isDocumentedMethod(route: string): boolean {
  return !route.startsWith('HEAD ') || route.endsWith('/-');
}

const methods = new Set(['get', 'head', 'put', 'post', 'delete', 'options', 'patch', 'trace']);

test('the documents name exactly the routes there are', async () => {
  const { url, app } = await openApp();
  const reply = await fetch(`${url}/docs/json`);
  const document = (await reply.json()) as {
    openapi: string;
    paths: Record<string, Record<string, unknown>>;
  };
  expect(document.openapi).toBe('3.1.0');
  const documented = Object.entries(document.paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((name) => methods.has(name))
      // The router gets a key, an item, a command and a name of a lock as `-`, and never reads it.
      .map(
        (method) =>
          `${method.toUpperCase()} ${path.replace(/\{(?:key|item|command)\}|(?<=^\/v1\/locks\/)\{name\}/, '-')}`,
      )
      .map((route) => route.replaceAll(/\{(\w+)\}/g, ':$1')),
  );
  const standing = standingRoutes(app).filter(isKnownToClients).filter(isDocumentedMethod);
  expect(standing).toContain('DELETE /v1/admin/users/:name/tokens/:id');
  expect(documented.toSorted()).toEqual(standing.toSorted());
});

test('the documents list each error code with its sentence', async () => {
  const { url } = await openApp();
  const text = await (await fetch(`${url}/docs/json`)).text();
  for (const [code, sentence] of Object.entries(errorSentences)) {
    expect(text).toContain(`\`${code}\``);
    expect(text).toContain(JSON.stringify(sentence).slice(1, -1));
  }
});

test('each reference in the documents has a target', async () => {
  const { url } = await openApp();
  const text = await (await fetch(`${url}/docs/json`)).text();
  const document: unknown = JSON.parse(text);
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  expect(references.length).toBeGreaterThan(10);
  for (const path of references) expect(document).toHaveProperty(path.split('/'));
});

test('the page of the documents loads nothing from elsewhere', async () => {
  const { url } = await openApp();
  const page = await fetch(`${url}/docs`);
  expect(page.status).toBe(200);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect(page.headers.get('x-content-type-options')).toBe('nosniff');
  const html = await page.text();
  expect(html).not.toMatch(/https?:\/\//);
  const paths = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path = '']) => path);
  expect(paths.length).toBeGreaterThan(4);
  for (const path of paths) {
    const asset = await fetch(new URL(path, `${url}/docs`));
    expect(asset.status).toBe(200);
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
    await asset.arrayBuffer();
  }
});
