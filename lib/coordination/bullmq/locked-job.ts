import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { setTimeout as delay } from 'node:timers/promises';
import {
  isLockBackendError,
  isLockLostError,
  isLockTimeoutError,
  LockConfigurationError,
  type LockBackendError,
} from '../../errors/index.js';
import type { LockingService } from '../../locking.service.js';
import { cancelled, notCalledByWorker, storeDown } from './bullmq.messages.js';
import type { CheckedJobOptions } from './check-job-options.js';
import type { JobKeys } from './job-keys.js';
import { putBack, saysMoved } from './put-back.js';

/** While the store is down, a slot lets this much time pass per job, or it would put back the whole queue in no time. */
const LONGEST_PAUSE = 1000;
const WARN_EVERY = 30_000;

const NOT_NOW = Symbol('the job is not to be run yet');

/** One call of a processor, as the worker makes it. */
export interface JobCall {
  readonly locking: LockingService;
  readonly self: unknown;
  readonly args: readonly unknown[];
  process(signal: AbortSignal): unknown;
}

/** What a processor does with each of its jobs: lock, run, or put back. */
export class LockedJobs {
  private readonly logger = new Logger('LockingModule');
  private warnedAt = -Infinity;

  constructor(
    private readonly caller: string,
    private readonly keysOf: JobKeys,
    private readonly options: CheckedJobOptions,
  ) {}

  async run(call: JobCall): Promise<unknown> {
    const { job, token, signal } = this.readArguments(call.args);
    const result = await this.attempt(call, job, signal);
    return result === NOT_NOW ? putBack(job, token, this.options.retryDelay(job)) : result;
  }

  /** Resolves with `NOT_NOW` for a job that was not run, and may be later. */
  private async attempt(call: JobCall, job: Job, signal: AbortSignal | undefined): Promise<unknown> {
    let entered = false as boolean;
    let started = false as boolean;
    try {
      return await call.locking.execute(
        this.keysOf(call.self, call.args),
        async (lock) => {
          entered = true;
          if (this.options.ready && !(await this.options.ready(job, call.self))) return NOT_NOW;
          if (!lock.held) return NOT_NOW;
          started = true;
          return call.process(signal ? AbortSignal.any([lock.signal, signal]) : lock.signal);
        },
        { ...this.options.execute, signal },
      );
    } catch (error) {
      if (started) throw afterTheRun(error);
      if (isLockLostError(error)) return NOT_NOW;
      if (entered) throw error;
      if (isLockTimeoutError(error)) return NOT_NOW;
      if (isLockBackendError(error) && this.options.onStoreDown === 'delay') return this.whileDown(job, error, signal);
      // The reason of a cancelled job is a text, often, where BullMQ needs an error to fail the job with.
      if (signal?.aborted && !(error instanceof Error)) throw new Error(cancelled(job, error), { cause: error });
      throw error;
    }
  }

  private async whileDown(job: Job, error: LockBackendError, signal: AbortSignal | undefined): Promise<symbol> {
    const now = performance.now();
    if (error.reason === 'store' && now - this.warnedAt >= WARN_EVERY) {
      this.warnedAt = now;
      this.logger.warn(storeDown(job, error));
    }
    const pause = Math.min(LONGEST_PAUSE, this.options.retryDelay(job));
    // One that is cancelled meanwhile is put back a little earlier; it is the next run that has to be cancelled.
    await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    return NOT_NOW;
  }

  private readArguments([job, token, signal]: readonly unknown[]): { job: Job; token: string; signal?: AbortSignal } {
    const isJob = typeof (job as Partial<Job> | undefined)?.moveToDelayed === 'function';
    if (!isJob || typeof token !== 'string' || token === '') {
      throw new LockConfigurationError(notCalledByWorker(this.caller));
    }
    return { job: job as Job, token, signal: signal instanceof AbortSignal ? signal : undefined };
  }
}

/** A job that its processor has moved elsewhere is not failed, although its lock was lost as well. */
function afterTheRun(error: unknown): unknown {
  if (!isLockLostError(error) || error.outcome?.status !== 'rejected') return error;
  const reason: unknown = error.outcome.reason;
  return saysMoved(reason) ? reason : error;
}
