/**
 * What processes write down, a line of JSON each, the moment it happens: a process that is killed has lost nothing.
 * Times are milliseconds on the clock that all processes of the machine share.
 */

/** How a worker asks for a lock. */
export type CallKind =
  /** `execute` of one key, with time to wait. */
  | 'job'
  /** `execute` of one key, for longer than the lease. */
  | 'long'
  /** `execute` of several keys. */
  | 'several'
  /** `acquire` with a lease that is not renewed. */
  | 'fixed'
  /** `tryAcquire`. */
  | 'try'
  /** `execute` that soon runs out of patience. */
  | 'short'
  /** `execute` whose wait is ended by a signal. */
  | 'aborted'
  /** Stands for leader of an election; its term is a hold. */
  | 'leader';

/** Those that ask for a lock themselves. */
export type LockCallKind = Exclude<CallKind, 'leader'>;

export type WorkerRecord =
  | { e: 'start'; t: number; pid: number }
  | { e: 'join'; t: number; id: number; call: CallKind; keys: string[]; lease: number; timeout: number }
  /** `t` before `left` was read, `u` after: the process may be frozen in between. One token per key. */
  | { e: 'grant'; t: number; u: number; id: number; tokens: number[]; left: number }
  /** `left` is `lock.remaining`, as the holder knows it at `t`. */
  | { e: 'seen'; t: number; id: number; left: number }
  /** `isLeader()` has said so at `t`, or a little later. */
  | { e: 'leads'; t: number; id: number }
  | { e: 'lost'; t: number; id: number }
  /** The job is over: what follows is the release. */
  | { e: 'end'; t: number; id: number; left: number }
  /** The call rejected, before or after its job. */
  | { e: 'fail'; t: number; id: number; code: string; text: string }
  /** `tryAcquire` found the key held. */
  | { e: 'none'; t: number; id: number }
  /** The event loop stood still until `t` for `ms`, unasked: the machine is busy. */
  | { e: 'lag'; t: number; ms: number }
  /** It will stand still from `t` on, as it was told to: its event loop is blocked, or its machine is suspended. */
  | { e: 'block'; t: number; ms: number; inside: boolean; suspended: boolean };

/** What the write store did, in the order in which it did it. */
export interface WriteRecord {
  t: number;
  /** The process, and its call. */
  by: string;
  id: number;
  key: string;
  token: number;
  op: 'read' | 'write';
  accepted: boolean;
  /** With `write`: whether the counter was what the writer had read: with fences, and without. */
  fenced: boolean;
  plain: boolean;
}

/** A fault as it took place. */
export interface FaultRecord {
  kind: string;
  from: number;
  to: number;
  /** Only a note that a worker was told to do it: it has written down itself when it did. */
  ordered?: boolean;
  /** When a new primary had been elected, if one was: recovery counts from then. */
  elected?: number;
  /** The processes it was done to; everybody if absent. */
  victims?: string[];
  /** Times between which leases may have been lost by the store: what was granted or renewed then may be gone. */
  loses?: { since: number; until: number };
  /** For how many milliseconds a dark connection was kept at the longest, from the first loss on it. */
  dark?: number;
  /** What it was, for people. */
  detail?: string;
}

/** The end of a run. */
export interface RestRecord {
  /** Whether the store serves processes that wait in turn. */
  inTurn: boolean;
  /** Keys that were left in the store after the longest lease, but for the counters. */
  leftKeys: string[];
  /** What did not come to rest, and how. */
  problems: string[];
}
