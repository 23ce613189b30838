import { Injectable, NotFoundException } from '@nestjs/common';
import { WithLock } from 'nestjs-locking';
import { OrderStore } from '../storage/order.store.js';
import { StockStore } from '../storage/stock.store.js';

@Injectable()
export class StockService {
  constructor(
    private readonly stock: StockStore,
    private readonly orders: OrderStore,
  ) {}

  async quantityOf(sku: string): Promise<number> {
    const quantity = await this.stock.read(sku);
    if (quantity === undefined) throw new NotFoundException(`There is no SKU ${sku}`);
    return quantity;
  }

  /** The same key as in OrdersService: a delivery that is booked while an order is under way waits for it. */
  @WithLock('stock:<0>')
  async set(sku: string, quantity: number): Promise<void> {
    await this.stock.write(sku, quantity);
  }

  @WithLock('stock:<0>')
  async discontinue(sku: string): Promise<void> {
    await this.stock.remove(sku);
    await this.orders.removeOf(sku);
  }
}
