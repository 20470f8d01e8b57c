// The smallest store that puts Keyv on top of the client `@upstash/redis`; README shows the same.
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
    await (ttl === undefined
      ? this.#redis.set(key, value)
      : this.#redis.set(key, value, { px: ttl }));
    return true;
  }

  async has(key: string): Promise<boolean> {
    return (await this.#redis.exists(key)) === 1;
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#redis.del(key)) === 1;
  }

  async clear(): Promise<void> {
    const keys = await this.#redis.keys(this.namespace === undefined ? '*' : `${this.namespace}:*`);
    await Promise.all(keys.map((key) => this.#redis.del(key)));
  }
}
