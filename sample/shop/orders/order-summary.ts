export interface OrderSummary {
  readonly sku: string;
  readonly orders: number;
  readonly units: number;
}
