/** One line of the ledger. */
export interface Entry {
  readonly kind: 'begin' | 'charge' | 'settlement';
  /** Whether it came with a fencing token that was too old, and counts for nothing. */
  readonly refused: boolean;
  /** Milliseconds, by the clock of the Redis. */
  readonly at: number;
  readonly instance: string;
  readonly fencingToken: number;
  /** What it is about; a settlement is about no payment. */
  readonly id?: string;
  readonly customer?: string;
  readonly sequence?: number;
}
