import { Module } from '@nestjs/common';
import { StorageModule } from '../storage/storage.module.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';
import { PaymentService } from './payment.service.js';

@Module({
  imports: [StorageModule],
  controllers: [OrdersController],
  providers: [OrdersService, PaymentService],
})
export class OrdersModule {}
