import type { Redis } from 'ioredis';
import type { Participant } from '../contenders/participants.js';
import type { Crew } from '../crew/crew.js';
import type { Plan } from '../plan.js';
import type { Goal } from './goals.js';
import type { Sample } from './sample.js';

/** What a row is measured with. */
export interface Stage {
  readonly crew: Crew;
  /** The bench's own connection. */
  readonly redis: Redis;
  readonly plan: Plan;
  /** Aborts when the bench is to end early; the crew is gone then. */
  readonly interrupted: AbortSignal;
  /** A key that nobody has used. */
  readonly newKey: () => string;
}

/** One kind of work, and what is measured about it. */
export interface Row {
  readonly id: string;
  readonly title: string;
  /** For docs/performance.md: what it means, in a line. */
  readonly meaning: string;
  readonly rounds: { readonly full: number; readonly quick: number };
  takesPart(participant: Participant): boolean;
  measure(stage: Stage, participant: Participant): Promise<Sample>;
  readonly figures: readonly Figure[];
}

export interface Figure {
  /** Its name in the samples. */
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly better: 'more' | 'less';
  /** The contender that it is divided by, round by round; absolute without one. */
  readonly relativeTo?: Participant;
  readonly goal?: Goal;
  /** Stays out of docs/performance.md. */
  readonly detail?: boolean;
}
