import { pino } from 'pino';
import { expect, test } from 'vitest';
import { ModelStore } from '../../support/stores/model-store.ts';
import { openApp } from '../../support/http/open-app.ts';

test('a bug is logged with its cause, and never with a key, a value or a credential', async () => {
  class BrokenStore extends ModelStore {
    override submit(): never {
      throw new Error('out of order');
    }
  }
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const { url } = await openApp({ store: new BrokenStore(), logger });
  await fetch(`${url}/v1/keys/secret-key`, {
    method: 'PUT',
    body: 'secret-value',
    headers: { authorization: 'Bearer secret-token' },
  });
  expect(lines).toHaveLength(1);
  expect(lines[0]).toContain('out of order');
  expect(lines[0]).not.toContain('secret');
});

test('a mistake of a client is not logged', async () => {
  const lines: string[] = [];
  const logger = pino({}, { write: (line: string) => void lines.push(line) });
  const { url } = await openApp({ logger });
  await fetch(`${url}/v1/keys/a?x=1`);
  await fetch(`${url}/nowhere`);
  expect(lines).toEqual([]);
});
