import { Module } from '@nestjs/common';
import { StorageModule } from '../storage/storage.module.js';
import { StockController } from './stock.controller.js';
import { StockService } from './stock.service.js';

@Module({
  imports: [StorageModule],
  controllers: [StockController],
  providers: [StockService],
})
export class StockModule {}
