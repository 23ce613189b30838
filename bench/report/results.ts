import type { Kind } from '../contenders/participants.js';

/** The results of a run: the content of `bench/results/*.json`. */
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
  /** The name and the version of the server. */
  readonly server: string;
}

export interface RowResult {
  readonly id: string;
  readonly title: string;
  readonly meaning: string;
  readonly rounds: number;
  /** Duration of all rounds and contenders together. */
  readonly seconds: number;
  readonly figures: readonly FigureResult[];
  /** Lost updates of the contenders that lost any: these do not exclude. */
  readonly lostUpdates: Readonly<Record<string, number>>;
  /** How often a contender gave up waiting, at its defaults, and the bench called it again. */
  readonly gaveUp: Readonly<Record<string, number>>;
  /** Waiters that a contender did not serve in the time given. */
  readonly unserved: Readonly<Record<string, number>>;
  readonly failures: readonly string[];
}

export interface FigureResult {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** docs/performance.md leaves it out. */
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
