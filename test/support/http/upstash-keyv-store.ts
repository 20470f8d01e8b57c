// Puts Keyv on top of the client `@upstash/redis`, for any namespace. docs/clients.md shows this
// for one namespace.
import type { Redis } from '@upstash/redis';

export class UpstashKeyvStore {
  readonly opts = {};
  namespace?: string;
  readonly #redis: Redis;

  /** @param redis with `automaticDeserialization: false`: Keyv reads and writes texts of its own */
  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async get(key: string): Promise<unknown> {
    return (await this.#redis.get(key)) ?? undefined;
  }

  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    const isShort = ttl !== undefined && Number.isFinite(ttl);
    // Redis takes whole milliseconds, and at least one.
    await this.#redis.set(key, value, isShort ? { px: Math.max(1, Math.ceil(ttl)) } : {});
    return true;
  }

  async has(key: string): Promise<boolean> {
    return (await this.#redis.exists(key)) === 1;
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#redis.del(key)) === 1;
  }

  async clear(): Promise<void> {
    const literal = this.namespace?.replace(/[\\*?[\]]/g, String.raw`\$&`);
    const match = literal === undefined ? '*' : `${literal}:*`;
    let cursor = '0';
    do {
      // oxlint-disable-next-line no-await-in-loop -- each page begins where the last one ended
      const [next, keys] = await this.#redis.scan(cursor, { match, count: 1000 });
      // oxlint-disable-next-line no-await-in-loop
      if (keys.length > 0) await this.#redis.del(...keys);
      cursor = next;
    } while (cursor !== '0');
  }
}
