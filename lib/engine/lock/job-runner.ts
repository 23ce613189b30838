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
 * Runs `job` under a lock and gives that up after, whatever the job came to. The job's own result or error passes
 * through untouched, unless the lock was lost meanwhile. One function, as every further promise would cost each call.
 */
export async function runJob<T>(
  engine: object,
  acquiring: Promise<HeldLock>,
  job: LockedJob<T>,
  awaitRelease: boolean,
  onEnd: () => void,
): Promise<T> {
  try {
    const handle = await acquiring;
    if (!handle.held && !(await isHeldAfterAll(handle))) throw await lostBeforeStart(handle);
    const frame = openFrame(handle, engine, handle.grants);
    let outcome: PromiseSettledResult<T>;
    try {
      // Inside, for a thenable such as a query begins only when its `then` is called.
      // eslint-disable-next-line @typescript-eslint/promise-function-async -- one promise less for each job
      const value = await runInFrame(frame, () => Promise.resolve(job(handle)));
      assertDone(value, handle.keys);
      outcome = { status: 'fulfilled', value };
    } catch (reason) {
      outcome = { status: 'rejected', reason };
    }
    closeFrame(frame);
    let loss: string | undefined;
    try {
      let held = handle.giveUp();
      if (typeof held !== 'boolean') held = awaitRelease ? await held : forget(held);
      if (!held) loss = takenAway(handle.keys);
      // A call inside the job that it did not await may be about to end as well: the caller finds the key free after it.
      if (handle.outlived)
        await new Promise<void>((resolve) => {
          nextTick(resolve);
        });
    } catch {
      // The job is done and the lease was good to the end; the release is repeated in the background.
    }
    loss = handle.loss?.message ?? loss;
    if (loss !== undefined) throw new LockLostError(handle.keys, loss, outcome);
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

async function isHeldAfterAll(handle: HeldLock): Promise<boolean> {
  await handle.certainty();
  return handle.held;
}

/** Between grant and start the lease may have run out, or one part of the lock while another was waited for. */
async function lostBeforeStart(handle: HeldLock): Promise<LockLostError> {
  try {
    await handle.giveUp(0);
  } catch {
    // The release is repeated in the background.
  }
  const { keys, loss } = handle;
  return new LockLostError(keys, notRun(loss?.message ?? takenAway(keys)), undefined, true);
}
