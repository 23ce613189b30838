import type { Store } from '../store.js';
import { connectPostgres } from './connect-postgres.js';
import { connectRedis } from './connect-redis.js';
import { MemoryOrderStore } from './memory-order.store.js';
import { MemoryStockStore } from './memory-stock.store.js';
import type { OrderStore } from './order.store.js';
import { PostgresOrderStore } from './postgres-order.store.js';
import { PostgresStockStore } from './postgres-stock.store.js';
import { RedisOrderStore } from './redis-order.store.js';
import { RedisStockStore } from './redis-stock.store.js';
import type { StockStore } from './stock.store.js';

export interface OpenStores {
  readonly stock: StockStore;
  readonly orders: OrderStore;
  readonly close: () => Promise<void>;
}

/** The stores of the shop, or an error of one line. */
export async function openStores(store: Store): Promise<OpenStores> {
  if (store.kind === 'redis') {
    const redis = await connectRedis(store.url);
    const close = async (): Promise<void> => {
      redis.disconnect();
      return Promise.resolve();
    };
    return { stock: new RedisStockStore(redis), orders: new RedisOrderStore(redis), close };
  }
  if (store.kind === 'postgres') {
    const pool = await connectPostgres(store.url);
    return { stock: new PostgresStockStore(pool), orders: new PostgresOrderStore(pool), close: async () => pool.end() };
  }
  return { stock: new MemoryStockStore(), orders: new MemoryOrderStore(), close: async () => Promise.resolve() };
}

/** Checks before the application starts, as Nest reports a provider that fails with a long stack. */
export async function assertReachable(store: Store): Promise<void> {
  await (await openStores(store)).close();
}
