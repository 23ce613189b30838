export interface Order {
  readonly id: string;
  readonly sku: string;
  readonly quantity: number;
  readonly customer: string;
  readonly receipt: string;
}

/** The orders that were accepted. Each is a row of its own, so adding one never overwrites another. */
export abstract class OrderStore {
  abstract add(order: Order): Promise<void>;
  abstract list(): Promise<Order[]>;
  abstract removeOf(sku: string): Promise<void>;
}
