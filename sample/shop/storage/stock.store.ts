/**
 * How many units there are of each SKU. Like many stores and remote services, it can only read and write whole numbers:
 * a caller that changes one reads, computes and writes, and needs a lock around that.
 */
export abstract class StockStore {
  abstract read(sku: string): Promise<number | undefined>;
  abstract write(sku: string, quantity: number): Promise<void>;
  abstract remove(sku: string): Promise<void>;
}
