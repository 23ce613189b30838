import type { LockInfo, SeenHolder } from '../../interfaces/index.js';
import type { Percentiles } from './durations.js';

/** A lock as the page shows it. Lengths of time are milliseconds. */
export interface LockRow extends Omit<LockInfo, 'queue'> {
  /**
   * Since the grant, by its token, which follows the clock of the store, or since the look that has found another grant
   * there; `null` for a lock of other software.
   */
  readonly heldFor: number | null;
  /** What the store knows of the holder, where this instance hands the lease from holder to holder. */
  readonly lease: SeenHolder | null;
  /** In order, with for how long each process has been seen to wait. */
  readonly queue: readonly { readonly processId: string; readonly instanceId: string | null; readonly waits: number }[];
}

/** A grant of a key that was seen. */
export interface SeenGrant {
  readonly ownerId: string;
  readonly instanceId: string | null;
  readonly label: string | null;
  readonly fencingToken: number | null;
  /** Milliseconds since 1970; `until` is `null` while it stands. */
  readonly from: number;
  until: number | null;
}

/** What one look at the store has found. */
export interface Sample {
  readonly at: number;
  readonly held: number;
  readonly waiting: number;
  readonly longestHold: number;
  readonly longestWait: number;
  /** Of the callers of this instance in the minute before; `null` where there were none. */
  readonly waits: Percentiles | null;
  readonly holds: Percentiles | null;
}

export interface LeaderRow {
  readonly name: string;
  readonly instanceId: string;
  readonly fencingToken: number | null;
  readonly ttl: number | null;
  /** How many instances take part. */
  readonly instances: number;
}

export interface RecordRow {
  readonly name: string;
  readonly version: string;
  readonly age: number;
}

/** What a viewer is told of. */
export interface Selection {
  readonly provider: string;
  readonly search: string;
  /** The key whose page is open. */
  readonly key: string | undefined;
}

/** What a viewer is told: each time that the store was looked at. */
export interface Snapshot {
  readonly at: number;
  readonly provider: string;
  readonly providers: readonly string[];
  readonly instanceId: string;
  readonly allowRelease: boolean;
  readonly interval: number;
  /** Why the last look has failed. */
  readonly failure: string | null;
  readonly samples: readonly Sample[];
  /** How many locks are held, how many of them match the search, and the first of these. */
  readonly held: number;
  readonly matching: number;
  readonly locks: readonly LockRow[];
  readonly leaders: readonly LeaderRow[];
  readonly ticks: readonly LockRow[];
  /** `null` on a store that keeps none. */
  readonly records: readonly RecordRow[] | null;
  readonly key: { readonly name: string; readonly lock: LockRow | null; readonly grants: readonly SeenGrant[] } | null;
}
