import type { Job } from 'bullmq';
import { calledBy } from '../../decorators/check-options.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { LockingService } from '../../module/locking.service.js';
import { notAFunction, noService } from './bullmq.messages.js';
import { checkJobOptions } from './check-job-options.js';
import { compileJobKey, FUNCTION_ROOTS } from './job-keys.js';
import type { LockJobKey, LockJobOptions } from './lock-job-options.interface.js';
import { LockedJobs } from './locked-job.js';

/** Processes a job once its keys are locked. `signal` aborts when the lock is lost or the job is cancelled. */
export type ProcessUnderLock<J extends Job, R> = (job: J, token: string, signal: AbortSignal) => Promise<R>;

/** A processor for `new Worker(queue, processor)`. */
export type LockedProcessor<J extends Job, R> = (job: J, token?: string, signal?: AbortSignal) => Promise<R>;

/**
 * `@LockJob` for a worker of BullMQ that no Nest class stands behind: a processor that locks by its job.
 *
 * @param key - a template over the arguments of the processor (`<0.data.paymentId>`), or a function of the job
 * @throws LockKeyError for a malformed template
 * @throws LockConfigurationError for options that cannot work
 *
 * @example
 * const pay = async (job: Job<Payment>, token: string, signal: AbortSignal) => charge(job.data, signal);
 * const processor = lockedProcessor(app.get(LockingService), 'payment:<0.data.paymentId>', pay, { expire: '10s' });
 * const worker = new Worker('payments', processor, { connection, concurrency: 10 });
 */
export function lockedProcessor<J extends Job, R>(
  locking: LockingService,
  key: LockJobKey<J>,
  process: ProcessUnderLock<J, R>,
  options: LockJobOptions<J, undefined> = {},
): LockedProcessor<J, R> {
  const caller = 'lockedProcessor';
  if (typeof (locking as Partial<LockingService> | undefined)?.execute !== 'function') {
    throw new LockConfigurationError(noService(caller));
  }
  if (typeof process !== 'function') throw new LockConfigurationError(notAFunction(caller, 'the processor'));
  const keysOf = compileJobKey(caller, key, FUNCTION_ROOTS);
  const checked = checkJobOptions(caller, options);
  const jobs = new LockedJobs(caller, keysOf, typeof key === 'string' ? calledBy(checked, key) : checked);
  // Three parameters, as BullMQ makes a signal only for processors that declare them.
  return async (job, token, signal) => {
    const run = jobs.run({
      locking,
      self: undefined,
      args: [job, token, signal],
      process: async (own, joined) => process(job, own, joined),
    });
    return run as Promise<R>;
  };
}
