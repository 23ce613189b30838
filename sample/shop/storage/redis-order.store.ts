import type { Redis } from 'ioredis';
import { OrderStore, type Order } from './order.store.js';

const KEY = 'shop:orders';

export class RedisOrderStore extends OrderStore {
  constructor(private readonly redis: Redis) {
    super();
  }

  async add(order: Order): Promise<void> {
    await this.redis.hset(KEY, order.id, JSON.stringify(order));
  }

  async list(): Promise<Order[]> {
    const rows = await this.redis.hvals(KEY);
    return rows.map((row) => JSON.parse(row) as Order);
  }

  async removeOf(sku: string): Promise<void> {
    const ids = (await this.list()).filter((order) => order.sku === sku).map(({ id }) => id);
    if (ids.length > 0) await this.redis.hdel(KEY, ...ids);
  }
}
