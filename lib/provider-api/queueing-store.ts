import type { LeaseStore } from './lease-store.js';

/**
 * A store with a queue per key, for the order between processes: one entry per waiting process and key. A request with
 * `queue: true` that is refused adds the entry or renews it; an entry without a heartbeat expires. The operation that
 * frees a key (release, cancel, revoke, or the next request after an expiry) grants it to the first entry whose process
 * listens, and tells that process. A newcomer never gets a free key before the queue does.
 */
export interface QueueingStore extends LeaseStore {
  /**
   * How many grants in a row a process makes of its lease while another process waits, 32 by default. Higher where a
   * hand-off between processes costs much, such as a commit on the disk. After 20 ms the process hands off in any case.
   */
  readonly cohortGrants?: number;

  /**
   * Once this resolves, the store tells `listener` everything that concerns `processId`. The engine calls it when a caller
   * has to wait for the first time, and again only after a rejection.
   */
  listen(processId: string, listener: WakeUpListener): Promise<void>;
}

/** What a {@link QueueingStore} tells a process. Every message may come late, twice or never. */
export interface WakeUpListener {
  /** The store has granted `key` to the attempt that was in its queue. `contended`: another process still waits. */
  granted(key: string, attemptId: string, fencingToken: number, contended: boolean): void;

  /**
   * The store keeps `key` for the attempt that was in its queue. The process has to ask again at once, and may rely on that
   * answer only. For stores that do not know whether a message arrives, or whether a grant is durable.
   */
  offered(key: string, attemptId: string): void;

  /** Another process waits for `key`, which this process holds through `attemptId`. */
  contended(key: string, attemptId: string): void;

  /** The store no longer has the lock of `key` that this process held through `attemptId`: it was revoked or lost. */
  lost(key: string, attemptId: string): void;

  /** Messages will be missing from now on: no process may rely on the queue. */
  interrupted(): void;

  /** Messages arrive again. Those in between are missing. */
  restored(): void;
}

/** Whether `store` has a queue and wake-ups. */
export function isQueueing(store: LeaseStore): store is QueueingStore {
  return typeof (store as Partial<QueueingStore>).listen === 'function';
}
