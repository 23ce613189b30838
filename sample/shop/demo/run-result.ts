/** The outcome of one burst of orders. */
export interface BurstResult {
  readonly sent: number;
  readonly accepted: number;
  readonly soldOut: number;
  readonly failed: number;
  readonly firstFailure?: string;
  readonly tookMs: number;
}

/** … together with the books of the shop. All orders are for one unit. */
export interface RunResult extends BurstResult {
  readonly inStock: number;
  /** Units in the orders that the shop has recorded. */
  readonly recorded: number;
  readonly left: number;
}

/** Units sold that were never there. */
export function oversold({ accepted, inStock }: RunResult): number {
  return Math.max(0, accepted - inStock);
}

/** Units sold that were not taken off the stock, as another order wrote over it: 0 if the books are right. */
export function lostUpdates({ left, accepted, inStock }: RunResult): number {
  return left + accepted - inStock;
}
