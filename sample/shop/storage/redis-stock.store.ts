import type { Redis } from 'ioredis';
import { StockStore } from './stock.store.js';

export class RedisStockStore extends StockStore {
  constructor(private readonly redis: Redis) {
    super();
  }

  async read(sku: string): Promise<number | undefined> {
    const value = await this.redis.get(keyOf(sku));
    return value === null ? undefined : Number(value);
  }

  // A plain SET. DECRBY would suffice for one counter, but not for a real stock with reservations and checks.
  async write(sku: string, quantity: number): Promise<void> {
    await this.redis.set(keyOf(sku), quantity);
  }

  async remove(sku: string): Promise<void> {
    await this.redis.del(keyOf(sku));
  }
}

function keyOf(sku: string): string {
  return `shop:stock:${sku}`;
}
