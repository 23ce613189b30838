import type { Redis } from 'ioredis';
import type { Participant } from '../contenders/participants.js';
import type { Crew } from '../crew/crew.js';
import type { Plan } from '../plan.js';
import type { Goal } from './goals.js';
import type { Sample } from './sample.js';

/** The equipment that a row is measured with. */
export interface Stage {
  readonly crew: Crew;
  /** The bench's own connection to the Redis that jobs work with. */
  readonly redis: Redis;
  /** How many requests the store of the locks serves each second, watched for so many milliseconds. */
  readonly countRequests: (ms: number) => Promise<number>;
  readonly plan: Plan;
  /** The signal aborts when the bench ends early; the crew is gone then. */
  readonly interrupted: AbortSignal;
  /** A key that has never been used. */
  readonly newKey: () => string;
}

/** One kind of work, and what is measured about it. */
export interface Row {
  readonly id: string;
  readonly title: string;
  /** What it means, in one sentence, for docs/performance.md. */
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
  /** The contender whose value divides it, round by round. Without one, the figure is absolute. */
  readonly relativeTo?: Participant;
  readonly goal?: Goal;
  /** docs/performance.md leaves it out. */
  readonly detail?: boolean;
}
