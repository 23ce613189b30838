import { Body, Controller, Delete, Get, HttpCode, Param, Put } from '@nestjs/common';
import { checkSku } from '../common/body-fields.js';
import { ParsePipe } from '../common/parse.pipe.js';
import { parseSetStock, SetStockDto } from './set-stock.dto.js';
import { StockService } from './stock.service.js';

export interface StockView {
  readonly sku: string;
  readonly quantity: number;
}

const sku = new ParsePipe(checkSku);

@Controller('stock')
export class StockController {
  constructor(private readonly stock: StockService) {}

  @Get(':sku')
  async read(@Param('sku', sku) sku: string): Promise<StockView> {
    return { sku, quantity: await this.stock.quantityOf(sku) };
  }

  @Put(':sku')
  async set(
    @Param('sku', sku) sku: string,
    @Body(new ParsePipe(parseSetStock)) { quantity }: SetStockDto,
  ): Promise<StockView> {
    await this.stock.set(sku, quantity);
    return { sku, quantity };
  }

  @Delete(':sku')
  @HttpCode(204)
  async discontinue(@Param('sku', sku) sku: string): Promise<void> {
    await this.stock.discontinue(sku);
  }
}
