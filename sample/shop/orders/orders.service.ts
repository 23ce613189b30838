import { randomUUID } from 'node:crypto';
import { Injectable, NotFoundException } from '@nestjs/common';
import { WithLock } from 'nestjs-locking';
import { OrderStore, type Order } from '../storage/order.store.js';
import { StockStore } from '../storage/stock.store.js';
import type { OrderSummary } from './order-summary.js';
import { PaymentService } from './payment.service.js';
import { SoldOutException } from './sold-out.exception.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly stock: StockStore,
    private readonly orders: OrderStore,
    private readonly payments: PaymentService,
  ) {}

  /** One order at a time per SKU, in all processes together. Orders for other SKUs go on meanwhile. */
  @WithLock('stock:<0>')
  async place(sku: string, quantity: number, customer: string): Promise<Order> {
    return this.placeUnlocked(sku, quantity, customer);
  }

  /** The same without the lock: two calls may read the same stock before either writes, and both sell it. */
  async placeUnlocked(sku: string, quantity: number, customer: string): Promise<Order> {
    const inStock = await this.stock.read(sku);
    if (inStock === undefined) throw new NotFoundException(`There is no SKU ${sku}`);
    if (inStock < quantity) throw new SoldOutException(sku);
    const receipt = await this.payments.charge(customer);
    await this.stock.write(sku, inStock - quantity);
    const order = { id: randomUUID(), sku, quantity, customer, receipt };
    await this.orders.add(order);
    return order;
  }

  async list(): Promise<Order[]> {
    return this.orders.list();
  }

  /** The accepted orders and units of each SKU. */
  async summary(): Promise<OrderSummary[]> {
    const bySku = new Map<string, OrderSummary>();
    for (const { sku, quantity } of await this.orders.list()) {
      const { orders, units } = bySku.get(sku) ?? { orders: 0, units: 0 };
      bySku.set(sku, { sku, orders: orders + 1, units: units + quantity });
    }
    return [...bySku.values()];
  }
}
