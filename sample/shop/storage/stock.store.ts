/**
 * How many units there are of each SKU. It can only read and write whole numbers, as many stores and remote
 * services: who wants to change one reads, computes and writes, and needs a lock around that.
 */
export abstract class StockStore {
  abstract read(sku: string): Promise<number | undefined>;
  abstract write(sku: string, quantity: number): Promise<void>;
  abstract remove(sku: string): Promise<void>;
}
