import { LockLostError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import { notRun, takenAway } from '../engine.messages.js';
import { closeFrame, openFrame, runInFrame } from './lock-context.js';
import type { HeldLock } from './held-lock.js';
import { nextTick } from '../runtime/real-queues.js';
import { assertDone } from './unstarted-work.js';

/** A job to run under a lock. */
export type LockedJob<T> = (lock: Lock) => T | PromiseLike<T>;

/**
 * Runs `job` under the lock that `granted` comes to, and releases that after, whatever the job came to. The job's own result
 * or error passes through untouched, unless the lock was lost meanwhile. One async function for all of it: every further
 * promise would cost each call, and without any the stack of an error would end here, short of the caller.
 */
export async function runJob<T>(
  engine: object,
  granted: Promise<HeldLock>,
  job: LockedJob<T>,
  awaitRelease: boolean,
  onEnd: () => void,
): Promise<T> {
  try {
    const lock = await granted;
    lock.isOfJob = true;
    if (!lock.held && !(await isHeldAfterAll(lock))) throw await lostBeforeStart(lock);
    const frame = openFrame(lock, engine, lock.grants);
    let outcome: PromiseSettledResult<T>;
    try {
      // Inside, for a thenable such as a query begins only when its `then` is called.
      // eslint-disable-next-line @typescript-eslint/promise-function-async -- one promise less for each job
      const value = await runInFrame(frame, () => Promise.resolve(job(lock)));
      assertDone(value, lock.keys);
      outcome = { status: 'fulfilled', value };
    } catch (reason) {
      outcome = { status: 'rejected', reason };
    }
    closeFrame(frame);
    let loss: string | undefined;
    try {
      let held = lock.leave();
      if (typeof held !== 'boolean') held = awaitRelease ? await held : forget(held);
      if (!held) loss = takenAway(lock.keys);
      // A call inside the job that it did not await may be about to end as well: the caller finds the key free after it.
      if (lock.outlived)
        await new Promise<void>((resolve) => {
          nextTick(resolve);
        });
    } catch {
      // The job is done and the lease was good to the end; the release is repeated in the background.
    }
    loss = lock.loss?.message ?? loss;
    if (loss !== undefined) throw new LockLostError(lock.keys, loss, outcome);
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  } finally {
    onEnd();
  }
}

/** A release that fails is repeated in the background, whether or not its caller waits. */
function forget(giving: Promise<boolean>): true {
  giving.catch(() => undefined);
  return true;
}

async function isHeldAfterAll(lock: HeldLock): Promise<boolean> {
  await lock.certainty();
  return lock.held;
}

/** Between grant and start the lease may have run out, or one part of the lock while another was waited for. */
async function lostBeforeStart(lock: HeldLock): Promise<LockLostError> {
  try {
    await lock.leave(0);
  } catch {
    // The release is repeated in the background.
  }
  const { keys, loss } = lock;
  return new LockLostError(keys, notRun(loss?.message ?? takenAway(keys)), undefined, true);
}
