import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { LockExceptionFilter, LockingModule } from 'nestjs-locking';
import { lockingOptions } from './locking.options.js';
import { OperationsModule } from './operations/operations.module.js';
import { OrdersModule } from './orders/orders.module.js';
import { StockModule } from './stock/stock.module.js';

@Module({
  // Once, in the root module: it is global, so @WithLock works in every other module.
  imports: [LockingModule.forRootAsync({ useFactory: lockingOptions }), StockModule, OrdersModule, OperationsModule],
  // 409 if the lock was not acquired in time, 503 if Redis is down. Without the filter both are 500.
  providers: [{ provide: APP_FILTER, useClass: LockExceptionFilter }],
})
export class AppModule {}
