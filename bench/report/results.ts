import type { Kind } from '../contenders/participants.js';

/** What a run of the bench found: the content of `bench/results/*.json`. */
export interface Results {
  readonly mode: 'full' | 'quick';
  /** ISO 8601. */
  readonly startedAt: string;
  readonly seconds: number;
  readonly machine: Machine;
  /** By package names. */
  readonly versions: Readonly<Record<string, string>>;
  readonly rows: readonly RowResult[];
}

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly redis: string;
}

export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly meaning: string;
  readonly rounds: number;
  /** It took, all rounds and contenders together. */
  readonly seconds: number;
  readonly figures: readonly FigureResult[];
  /** Updates lost by those who lost any: they do not exclude. */
  readonly lostUpdates: Readonly<Record<string, number>>;
  /** How often those who did gave up waiting, at their default patience, and had to be called again. */
  readonly gaveUp: Readonly<Record<string, number>>;
  /** Waiters whom those named had not served in the time they were given. */
  readonly unserved: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

export interface FigureResult {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** Stays out of docs/performance.md. */
  readonly detail: boolean;
  readonly contenders: readonly ContenderFigure[];
  /** The name of the best peer; `null` without peers. */
  readonly bestPeer: string | null;
  /** This library divided by the best peer: the median over the rounds. */
  readonly againstBestPeer: number | null;
  readonly goal: { readonly text: string; readonly reached: boolean | null } | null;
}

export interface ContenderFigure {
  readonly name: string;
  readonly kind: Kind;
  readonly median: number;
  readonly lowest: number;
  readonly highest: number;
  readonly rounds: readonly number[];
}
