import type { Lock, LockingService } from 'nestjs-locking';
import type { LockCallKind } from '../history/records.js';

/** The next call of a task. */
export interface PlannedCall {
  readonly id: number;
  readonly call: LockCallKind;
  readonly keys: string[];
  readonly lease: number;
  readonly timeout: number;
  /** The length of the job in milliseconds. */
  readonly ms: number;
}

type Work = (lock: Lock) => Promise<void>;

/** Resolves with false if the lock was refused. */
type Caller = (locking: LockingService, call: PlannedCall, work: Work) => Promise<boolean>;

const execute: Caller = async (locking, { keys, timeout }, work) => {
  await locking.execute(keys, work, { timeout: `${timeout}ms` });
  return true;
};

/** The implementation of each kind of call. */
export const callers: Readonly<Record<LockCallKind, Caller>> = {
  job: execute,
  long: execute,
  several: execute,
  short: execute,
  fixed: async (locking, { keys, lease, timeout }, work) => {
    const lock = await locking.acquire(keys, { expire: `${lease}ms`, timeout: `${timeout}ms` });
    await workAndRelease(lock, work);
    return true;
  },
  try: async (locking, { keys }, work) => {
    const lock = await locking.tryAcquire(keys);
    if (!lock) return false;
    await workAndRelease(lock, work);
    return true;
  },
  aborted: async (locking, { keys, timeout }, work) => {
    await locking.execute(keys, work, { timeout: '20s', signal: AbortSignal.timeout(timeout) });
    return true;
  },
};

async function workAndRelease(lock: Lock, work: Work): Promise<void> {
  try {
    await work(lock);
  } finally {
    await lock.release();
  }
}
