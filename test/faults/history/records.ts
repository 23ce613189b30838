/**
 * The records of processes, one line of JSON each, written at once, so that a process that is killed loses none. Times
 * are milliseconds on the clock that all processes of the machine share.
 */

/** The ways in which workers lock. */
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
  /** `execute` with a short timeout. */
  | 'short'
  /** `execute` whose wait a signal ends. */
  | 'aborted'
  /** A candidate of an election; its term counts as a hold. */
  | 'leader';

/** The kinds that lock directly. */
export type LockCallKind = Exclude<CallKind, 'leader'>;

export type WorkerRecord =
  | { e: 'start'; t: number; pid: number }
  | { e: 'join'; t: number; id: number; call: CallKind; keys: string[]; lease: number; timeout: number }
  /** `t` is before `left` was read, `u` after: the process may be frozen in between. One token per key. */
  | { e: 'grant'; t: number; u: number; id: number; tokens: number[]; left: number }
  /** `left` is `lock.remaining` for the holder at `t`. */
  | { e: 'seen'; t: number; id: number; left: number }
  /** `isLeader()` returned true at `t`, or a little later. */
  | { e: 'leads'; t: number; id: number }
  | { e: 'lost'; t: number; id: number }
  /** The job is over; the release follows. */
  | { e: 'end'; t: number; id: number; left: number }
  /** The call rejected, before or after its job. */
  | { e: 'fail'; t: number; id: number; code: string; text: string }
  /** `tryAcquire` found the key held. */
  | { e: 'none'; t: number; id: number }
  /** The event loop stood still for `ms` until `t` without an order: the machine is busy. */
  | { e: 'lag'; t: number; ms: number }
  /** The process will stand still from `t` on, as ordered: a blocked event loop, or a suspended machine. */
  | { e: 'block'; t: number; ms: number; inside: boolean; suspended: boolean }
  | StoredRecord;

/** What happened to a record: between `t` and `u`, in the view of a worker. */
export type StoredRecord =
  /** The job of an idempotent payment began. */
  | { e: 'charging'; t: number; key: string; run: string }
  /** A call for the payment resolved with the result of the run `run`, its own or an earlier one. */
  | { e: 'charged'; t: number; u: number; key: string; run: string }
  /** The holder with this token loaded the latest checkpoint, and found that `next` is to be done next. */
  | { e: 'loaded'; t: number; u: number; key: string; token: number; next: number }
  /** The holder saved a checkpoint; whether it took effect is not known where it was not accepted. */
  | { e: 'saved'; t: number; u: number; key: string; token: number; next: number; accepted: boolean };

/** The steps of the write store, in their order. */
export interface WriteRecord {
  t: number;
  /** The process, and its call. */
  by: string;
  id: number;
  key: string;
  token: number;
  op: 'read' | 'write';
  accepted: boolean;
  /** With `write`: whether the counter was still the one that the writer had read, with fencing and without. */
  fenced: boolean;
  plain: boolean;
}

/** A fault as it took place. */
export interface FaultRecord {
  kind: string;
  from: number;
  to: number;
  /** Whether it only records an order to a worker, which itself records when it follows. */
  ordered?: boolean;
  /** When a new primary was elected, if one was. Recovery counts from then. */
  elected?: number;
  /** The processes concerned; all if absent. */
  victims?: string[];
  /** The store may have lost leases that were granted or renewed between these times. */
  loses?: { since: number; until: number };
  /** For how many milliseconds a dark connection was kept at the longest, from the first loss on it. */
  dark?: number;
  /** Details for people. */
  detail?: string;
}

/** The end of a run. */
export interface RestRecord {
  /** Whether the store serves waiting processes in turn. */
  inTurn: boolean;
  /** How many grants in a row a process may make while another one waits, where that is not 32. */
  cohortGrants?: number | undefined;
  /** Keys that were left in the store after the longest lease, without the token counters. */
  leftKeys: string[];
  /** Messages about workers and stores that did not come to rest. */
  problems: string[];
}
