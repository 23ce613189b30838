/** One line of the ledger. */
export interface Entry {
  readonly kind: 'begin' | 'charge' | 'settlement';
  /** Whether its fencing token was too old: the entry does not count then. */
  readonly refused: boolean;
  /** Milliseconds on the clock of the Redis server. */
  readonly at: number;
  readonly instance: string;
  readonly fencingToken: number;
  /** The payment; absent in a settlement. */
  readonly id?: string;
  readonly customer?: string;
  readonly sequence?: number;
}
