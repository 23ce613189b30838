import { StockStore } from './stock.store.js';

export class MemoryStockStore extends StockStore {
  private readonly quantities = new Map<string, number>();

  async read(sku: string): Promise<number | undefined> {
    return Promise.resolve(this.quantities.get(sku));
  }

  async write(sku: string, quantity: number): Promise<void> {
    this.quantities.set(sku, quantity);
    return Promise.resolve();
  }

  async remove(sku: string): Promise<void> {
    this.quantities.delete(sku);
    return Promise.resolve();
  }
}
