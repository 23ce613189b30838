import type { Crew } from '../conductor/crew.js';
import type { FaultRecord } from '../history/records.js';
import type { Random } from '../random.js';

/** What a fault may use. */
export interface Stage {
  readonly crew: Crew;
  readonly keys: readonly string[];
  /** Milliseconds. */
  readonly lease: number;
}

/** A fault whose choices are made, and that is yet to happen. */
export interface PlannedFault {
  /** Faults with one of these in common do not happen at once. */
  readonly claims: readonly string[];
  readonly detail: string;

  /** Has it happen; resolves when it is over. What it tells is added to its record. */
  inject(): Promise<Partial<FaultRecord>>;
}

/** A kind of fault. */
export interface Fault {
  /** As in the table: `worker killed`. */
  readonly kind: string;

  /** Makes its choices. It must draw as often whatever it finds, or a seed would not repeat a run. */
  plan(random: Random, stage: Stage): PlannedFault;
}

/** The claim of faults that are done to a worker, or on its way to the store. */
export const ofWorker = (index: number): string => `worker ${index}`;

/** The claim of faults that are done to the store. */
export const STORE = 'store';
