// The REST dialect as a Store. Every operation is a request to a real server, and every reply
// becomes a result.
import { Client, type Dispatcher } from 'undici';
import { byteStringOfText, textOfByteString } from '../../../src/base/byte-string.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { StoreError, type ErrorCode, type Outcome } from '../../../src/base/errors.ts';
import type { ListItem, ListPage, ListQuery } from '../../../src/store/listing.ts';
import type { EntryName, Operation, VersionMatch } from '../../../src/store/operation.ts';
import type { Durability, EntryResult, Result } from '../../../src/store/result.ts';
import type { BackupOptions, Store } from '../../../src/store/store.ts';
import type { StoreStatus } from '../../../src/store/store-status.ts';
import type {
  EntryPut,
  TransactionPlan,
  TransactionResult,
} from '../../../src/store/transaction.ts';

type Reply = Dispatcher.ResponseData;

interface JsonItem {
  readonly key: string;
  readonly version: number;
  readonly size: number;
  readonly expiresAt?: number;
  readonly value?: string;
  readonly valueBase64?: string;
}

interface BatchResult {
  readonly status: number;
  readonly code?: ErrorCode;
  readonly detail?: string;
  readonly outcome?: Outcome;
  readonly version?: number;
  readonly expiresAt?: number;
  readonly value?: string;
  readonly valueBase64?: string;
  readonly durability?: Durability;
}

function header(reply: Reply, name: string): string | undefined {
  const value = reply.headers[name];
  return typeof value === 'string' ? value : undefined;
}

function versionOf(reply: Reply): number {
  return Number(header(reply, 'etag')?.slice(1, -1) ?? 0);
}

function etagsOf(match: VersionMatch): string {
  return match === '*' ? '*' : match.map((version) => `"${version}"`).join(', ');
}

function valueOf(item: { value?: string; valueBase64?: string }): Buffer | undefined {
  if (item.value !== undefined) return Buffer.from(item.value);
  return item.valueBase64 === undefined ? undefined : Buffer.from(item.valueBase64, 'base64');
}

function refused(code: ErrorCode, detail: string, outcome?: Outcome): Result {
  return { kind: 'refused', error: new StoreError(code, detail, { outcome }) };
}

export class HttpStore implements Store {
  readonly durability: Durability;
  readonly #client: Client;
  readonly #clock: Pick<Clock, 'wallMs'>;

  /**
   * @param url the server's, without a path
   * @param clock the server's
   */
  constructor(url: string, durability: Durability, clock: Pick<Clock, 'wallMs'>) {
    this.#clock = clock;
    this.#client = new Client(url);
    this.durability = durability;
  }

  timestamp(): number {
    throw new Error('a client does not learn the time of the server');
  }

  async submit(operation: Operation): Promise<Result> {
    const methods = { get: 'GET', head: 'HEAD', put: 'PUT', delete: 'DELETE' } as const;
    const key = encodeURIComponent(textOfByteString(operation.key));
    const headers: Record<string, string> = {};
    let query = '';
    if (operation.op === 'put' || operation.op === 'delete') {
      const { ifMatch, ifNoneMatch } = operation;
      if (ifMatch !== undefined) headers['if-match'] = etagsOf(ifMatch);
      if (ifNoneMatch !== undefined) headers['if-none-match'] = etagsOf(ifNoneMatch);
    }
    if (operation.op === 'put' && operation.ttlMs !== undefined)
      query = `?ttl=${operation.ttlMs}ms`;
    const reply = await this.#client.request({
      method: methods[operation.op],
      path: `/v1/keys/${key}${query}`,
      headers,
      body: operation.op === 'put' ? Buffer.from(operation.value) : null,
    });
    const body = Buffer.from(await reply.body.arrayBuffer());
    return resultOf(operation, reply, body);
  }

  async submitAll(operations: readonly Operation[]): Promise<Result[]> {
    const body = JSON.stringify({ operations: operations.map(batchItemOf) });
    const reply = await this.#client.request({ method: 'POST', path: '/v1/batch', body });
    if (reply.statusCode !== 200) throw new Error(await reply.body.text());
    const { results } = (await reply.body.json()) as { results: BatchResult[] };
    return results.map((result, index) => resultOfItem(operations[index], result));
  }

  async list(query: ListQuery): Promise<ListPage> {
    const parameters = new URLSearchParams({ limit: `${query.limit}` });
    if (query.prefix !== '') parameters.set('prefix', textOfByteString(query.prefix));
    if (query.start !== undefined) parameters.set('start', textOfByteString(query.start));
    if (query.end !== undefined) parameters.set('end', textOfByteString(query.end));
    if (query.reverse) parameters.set('reverse', 'true');
    if (query.includeValues) parameters.set('include', 'values');
    // The contract continues with the `next` of a page. Here that is the server's cursor.
    if (query.after !== undefined) parameters.set('cursor', query.after);
    const path = `/v1/keys?${parameters.toString()}`;
    const reply = await this.#client.request({ method: 'GET', path });
    if (reply.statusCode !== 200) throw new Error(await reply.body.text());
    const page = (await reply.body.json()) as { items: JsonItem[]; cursor?: string };
    return { items: page.items.map(itemOf), next: page.cursor };
  }

  count(): never {
    throw new Error('the REST dialect has no count');
  }

  measure(): never {
    throw new Error('the REST dialect does not measure');
  }

  async getMany(names: readonly EntryName[]): Promise<Result[]> {
    const operations = names.map(({ key }) => ({ op: 'get', key: textOfByteString(key) }));
    const { results } = await this.#transact({ operations });
    return results.map((result) => resultOfItem(undefined, result));
  }

  /**
   * Plans on the entries that it reads, and checks their versions in the transaction. Repeats all
   * of it if another client was quicker.
   */
  async transact<Value>(
    names: readonly EntryName[],
    plan: TransactionPlan<Value>,
  ): Promise<TransactionResult<Value>> {
    for (;;) {
      // oxlint-disable no-await-in-loop -- only if another client was quicker
      const read = await this.getMany(names);
      const entries = read.map((result) => (result.kind === 'entry' ? result : undefined));
      const now = this.#clock.wallMs();
      const { output, changes } = plan({ entries, versions: names.map(() => 0), now });
      if (changes.length === 0) return { kind: 'committed', output, durability: undefined };
      const { committed, results } = await this.#transact({
        checks: names.map(({ key }, index) => checkOf(key, entries[index])),
        operations: names.flatMap(({ key }, index) => changeItemOf(key, changes[index], now)),
      });
      // oxlint-enable no-await-in-loop
      if (!committed) continue;
      return { kind: 'committed', output, durability: results[0]?.durability };
    }
  }

  async #transact(request: object): Promise<{ committed: boolean; results: BatchResult[] }> {
    const body = JSON.stringify(request);
    const reply = await this.#client.request({ method: 'POST', path: '/v1/transactions', body });
    if (reply.statusCode !== 200 && reply.statusCode !== 409) {
      throw new Error(await reply.body.text());
    }
    return (await reply.body.json()) as { committed: boolean; results: BatchResult[] };
  }

  async backup({ namespace }: BackupOptions = {}): Promise<AsyncIterable<Uint8Array>> {
    const query = namespace === undefined ? '' : `?namespace=${namespace}`;
    const reply = await this.#client.request({ method: 'GET', path: `/v1/backup${query}` });
    if (reply.statusCode !== 200) throw new Error(await reply.body.text());
    return reply.body;
  }

  status(): StoreStatus {
    throw new Error('the REST dialect has its metrics instead');
  }

  async close(): Promise<void> {
    await this.#client.close();
  }
}

function itemOf(item: JsonItem): ListItem {
  const { version, size, expiresAt } = item;
  return { key: byteStringOfText(item.key), version, size, expiresAt, value: valueOf(item) };
}

function batchItemOf(operation: Operation): object {
  const { op } = operation;
  const key = textOfByteString(operation.key);
  if (op === 'get' || op === 'head') return { op: 'get', key };
  const { ifMatch, ifNoneMatch } = operation;
  if (op === 'delete') return { op, key, ifMatch, ifNoneMatch };
  const valueBase64 = Buffer.from(operation.value).toString('base64');
  const ttl = operation.ttlMs === undefined ? undefined : `${operation.ttlMs}ms`;
  return { op, key, valueBase64, ttl, ifMatch, ifNoneMatch };
}

function checkOf(key: string, entry: EntryResult | undefined): object {
  const name = { key: textOfByteString(key) };
  return entry === undefined ? { ...name, exists: false } : { ...name, version: entry.version };
}

function changeItemOf(key: string, change: EntryPut | 'delete' | undefined, now: number): object[] {
  const name = { key: textOfByteString(key) };
  if (change === undefined) return [];
  if (change === 'delete') return [{ op: 'delete', ...name }];
  const valueBase64 = Buffer.from(change.value).toString('base64');
  const ttl = change.expiresAt === undefined ? undefined : `${change.expiresAt - now}ms`;
  return [{ op: 'put', ...name, valueBase64, ttl }];
}

function resultOf(operation: Operation, reply: Reply, body: Buffer): Result {
  const version = versionOf(reply);
  const durability = header(reply, 'holdfast-durability') as Durability;
  switch (reply.statusCode) {
    case 200: {
      const expiry = header(reply, 'holdfast-expires-at');
      const expiresAt = expiry === undefined ? undefined : Number(expiry);
      const size = Number(header(reply, 'content-length'));
      const value = operation.op === 'get' ? body : undefined;
      return { kind: 'entry', version, expiresAt, size, value };
    }
    case 201:
      return { kind: 'written', created: true, version, durability };
    case 204:
      return operation.op === 'delete'
        ? { kind: 'deleted', durability }
        : { kind: 'written', created: false, version, durability };
    case 404:
      return { kind: 'missing' };
    case 412:
      return { kind: 'condition-failed', version };
    default: {
      const problem = JSON.parse(body.toString()) as BatchResult;
      return refused(problem.code ?? 'INTERNAL', problem.detail ?? '', problem.outcome);
    }
  }
}

function resultOfItem(operation: Operation | undefined, result: BatchResult): Result {
  const { status, version = 0, expiresAt, durability = 'synced' } = result;
  if (status === 200) {
    const value = valueOf(result);
    return { kind: 'entry', version, expiresAt, size: value?.length ?? 0, value };
  }
  if (status === 201) return { kind: 'written', created: true, version, durability };
  if (status === 204 && operation?.op === 'delete') return { kind: 'deleted', durability };
  if (status === 204) return { kind: 'written', created: false, version, durability };
  if (status === 404) return { kind: 'missing' };
  if (status === 412) return { kind: 'condition-failed', version };
  return refused(result.code ?? 'INTERNAL', result.detail ?? '', result.outcome);
}
