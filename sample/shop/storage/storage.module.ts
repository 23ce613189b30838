import { Inject, Module, type OnApplicationShutdown } from '@nestjs/common';
import { storeOfEnvironment } from '../store.js';
import { openStores, type OpenStores } from './open-stores.js';
import { OrderStore } from './order.store.js';
import { StockStore } from './stock.store.js';

const STORES = Symbol('the stores, and how to close them');

@Module({
  providers: [
    { provide: STORES, useFactory: async () => openStores(storeOfEnvironment()) },
    { provide: StockStore, inject: [STORES], useFactory: ({ stock }: OpenStores) => stock },
    { provide: OrderStore, inject: [STORES], useFactory: ({ orders }: OpenStores) => orders },
  ],
  exports: [StockStore, OrderStore],
})
export class StorageModule implements OnApplicationShutdown {
  constructor(@Inject(STORES) private readonly stores: OpenStores) {}

  async onApplicationShutdown(): Promise<void> {
    await this.stores.close();
  }
}
