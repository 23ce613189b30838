import type { Crew } from '../conductor/crew.js';
import type { FaultRecord } from '../history/records.js';
import type { Random } from '../random.js';

/** The equipment of faults. */
export interface Stage {
  readonly crew: Crew;
  readonly keys: readonly string[];
  /** Milliseconds. */
  readonly lease: number;
}

/** A fault to come, with its choices made. */
export interface PlannedFault {
  /** Faults that share a claim do not happen at the same time. */
  readonly claims: readonly string[];
  readonly detail: string;

  /** Injects the fault; resolves when it is over, with additions to its record. */
  inject(): Promise<Partial<FaultRecord>>;
}

/** A kind of fault. */
export interface Fault {
  /** The name, as in the table: `worker killed`. */
  readonly kind: string;

  /** Makes the choices. The number of draws must not depend on the state, or a seed would not repeat a run. */
  plan(random: Random, stage: Stage): PlannedFault;
}

/** The claim of faults of a worker, or of its connections to the store. */
export const ofWorker = (index: number): string => `worker ${index}`;

/** The claim of faults of the store. */
export const STORE = 'store';
