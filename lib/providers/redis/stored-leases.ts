import type { Redis } from 'ioredis';
import { RESERVED_KEY_PREFIX } from '../../engine/options/lock-keys.js';
import type { StoredLease } from '../../provider-api/index.js';
import type { RunScript } from './batches.js';
import { bySlot } from './by-slot.js';
import { malformedReply, wholeNumber } from './redis-errors.js';
import { scanKeys } from './scan-keys.js';
import type { StoreConnection } from './store-connection.js';
import type { StoreKeys } from './store-keys.js';
import { toStoredLease } from './stored-value.js';

/** The leases that the store has, under any holder. */
export class StoredLeases {
  constructor(
    private readonly connection: StoreConnection,
    private readonly keys: StoreKeys,
    private readonly run: RunScript,
  ) {}

  async inspect(keys: readonly string[]): Promise<readonly (StoredLease | null)[]> {
    const parts = await Promise.all(this.bySlot(keys).map(async (part) => this.inspectPart(part)));
    const found = new Map(parts.flat());
    return keys.map((key) => found.get(key) ?? null);
  }

  async *list(match: string): AsyncGenerator<StoredLease> {
    // SCAN may name a key more than once, and a slot may be on the move.
    const seen = new Set<string>();
    for (const server of this.connection.masters()) {
      for await (const keys of this.keysOn(server, match)) {
        const unseen = keys.filter((key) => !seen.has(key));
        for (const key of unseen) seen.add(key);
        if (unseen.length > 0) for (const lease of await this.inspect(unseen)) if (lease) yield lease;
      }
    }
  }

  async revoke(keys: readonly string[]): Promise<number> {
    const parts = this.bySlot(keys);
    const counts = await Promise.all(parts.map(async (part) => this.run('revoke', this.keys.forGrants(part), [])));
    const held = counts.reduce<number>((sum, count) => sum + wholeNumber(count), 0);
    if (!Number.isSafeInteger(held)) throw malformedReply('revoke');
    return held;
  }

  private bySlot(keys: readonly string[]): string[][] {
    return bySlot(keys, (key) => this.keys.slotOf(key));
  }

  private async *keysOn(server: Redis, match: string): AsyncGenerator<string[]> {
    const { connection } = this;
    const prefix = connection.keyPrefix + this.keys.lock('');
    for await (const page of scanKeys(server, prefix, 'string', (error) => connection.explain(error), match)) {
      yield page.map((name) => name.slice(prefix.length)).filter((key) => !key.startsWith(RESERVED_KEY_PREFIX));
    }
  }

  private async inspectPart(keys: readonly string[]): Promise<(readonly [string, StoredLease])[]> {
    const reply: unknown = await this.run('inspect', this.keys.withOrders(keys), []);
    if (!Array.isArray(reply) || reply.length !== 3 * keys.length) throw malformedReply('inspect');
    return keys.flatMap((key, index) => {
      const [value, pttl, queue] = (reply as unknown[]).slice(3 * index, 3 * index + 3);
      return typeof value === 'string' ? [[key, toStoredLease(key, value, Number(pttl), queue as string[])]] : [];
    });
  }
}
