import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import type { Redis } from 'ioredis';
import { redisUrl } from '../redis-url.js';
import { connectRedis } from './connect-redis.js';
import { MemoryOrderStore } from './memory-order.store.js';
import { MemoryStockStore } from './memory-stock.store.js';
import { OrderStore } from './order.store.js';
import { RedisOrderStore } from './redis-order.store.js';
import { RedisStockStore } from './redis-stock.store.js';
import { StockStore } from './stock.store.js';

const REDIS = Symbol('the client of the stores, or null');

@Module({
  providers: [
    {
      provide: REDIS,
      useFactory: async () => {
        const url = redisUrl();
        return url === undefined ? null : connectRedis(url);
      },
    },
    {
      provide: StockStore,
      inject: [REDIS],
      useFactory: (redis: Redis | null) => (redis ? new RedisStockStore(redis) : new MemoryStockStore()),
    },
    {
      provide: OrderStore,
      inject: [REDIS],
      useFactory: (redis: Redis | null) => (redis ? new RedisOrderStore(redis) : new MemoryOrderStore()),
    },
  ],
  exports: [StockStore, OrderStore],
})
export class StorageModule implements OnApplicationShutdown {
  constructor(@Inject(REDIS) private readonly redis: Redis | null) {}

  onApplicationShutdown(): void {
    this.redis?.disconnect();
  }
}
