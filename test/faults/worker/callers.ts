import type { Lock, LockingService } from 'nestjs-locking';
import type { LockCallKind } from '../history/records.js';

/** What a task wants next. */
export interface Wish {
  readonly id: number;
  readonly call: LockCallKind;
  readonly keys: string[];
  readonly lease: number;
  readonly timeout: number;
  /** How long the job takes. */
  readonly ms: number;
}

type Work = (lock: Lock) => Promise<void>;

/** Resolves with false if the lock was not to be had. */
type Caller = (locking: LockingService, wish: Wish, work: Work) => Promise<boolean>;

const execute: Caller = async (locking, { keys, timeout }, work) => {
  await locking.execute(keys, work, { timeout: `${timeout}ms` });
  return true;
};

/** The ways in which a lock is asked for. */
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
