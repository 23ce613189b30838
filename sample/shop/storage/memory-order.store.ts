import { OrderStore, type Order } from './order.store.js';

export class MemoryOrderStore extends OrderStore {
  private orders: Order[] = [];

  async add(order: Order): Promise<void> {
    this.orders.push(order);
    return Promise.resolve();
  }

  async list(): Promise<Order[]> {
    return Promise.resolve([...this.orders]);
  }

  async removeOf(sku: string): Promise<void> {
    this.orders = this.orders.filter((order) => order.sku !== sku);
    return Promise.resolve();
  }
}
