import type { Ledger } from './ledger.js';

/** A violation, or one that is allowed for a reason. */
export interface Finding {
  /** Milliseconds, on the clock of the history. */
  readonly at: number;
  readonly text: string;
}

export interface RuleResult {
  readonly breaches: readonly Finding[];
  /** Findings that took longer than promised, but within the slack of a busy machine. */
  readonly slow?: readonly Finding[];
  /** The number of violations that are allowed, by reason. */
  readonly allowed?: Readonly<Record<string, number>>;
  /** Figures for the report, in milliseconds or counts. */
  readonly figures?: Readonly<Record<string, number>>;
}

/** Checks a history for one kind of breach. */
export interface Rule {
  /** The name of its breaches. */
  readonly name: string;
  check(ledger: Ledger): RuleResult;
}
