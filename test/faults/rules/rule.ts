import type { Ledger } from './ledger.js';

/** Something that must not be, or that is allowed for a reason that can be named. */
export interface Finding {
  /** Milliseconds, on the clock of the history. */
  readonly at: number;
  readonly text: string;
}

export interface RuleResult {
  readonly breaches: readonly Finding[];
  /** What took longer than is promised, though not more than a busy machine may add. */
  readonly slow?: readonly Finding[];
  /** What would be a breach but for the reason that is its heading. */
  readonly allowed?: Readonly<Record<string, number>>;
  /** Figures for the report, in milliseconds or counts. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** Looks at a history for one kind of breach. */
export interface Rule {
  /** What a breach of it is called. */
  readonly name: string;
  check(ledger: Ledger): RuleResult;
}
