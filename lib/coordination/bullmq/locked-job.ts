import { Logger } from '@nestjs/common';
import type { Job } from 'bullmq';
import { setTimeout as delay } from 'node:timers/promises';
import { lockingChannels } from '../../diagnostics/channels.js';
import type { JobPutBackMessage } from '../../diagnostics/messages.interface.js';
import {
  isLockBackendError,
  isLockLostError,
  isLockTimeoutError,
  LockConfigurationError,
  type LockBackendError,
} from '../../errors/index.js';
import type { LockingService } from '../../module/locking.service.js';
import { cancelled, notCalledByWorker, notPutBack, storeDown } from './bullmq.messages.js';
import type { CheckedJobOptions } from './check-job-options.js';
import type { JobKeys } from './job-keys.js';
import { KeyWatches } from './key-watches.js';
import { notRun, putBack, saysMoved } from './put-back.js';

/** While the store is down, a slot lets this much time pass per job, or it would put back the whole queue in no time. */
const LONGEST_PAUSE = 1000;
const WARN_EVERY = 30_000;

const NOT_NOW = Symbol('the job is not to be run yet');
const KEY_TAKEN = Symbol('the key of the job is taken');

/** One call of a processor, as the worker makes it. */
export interface JobCall {
  readonly locking: LockingService;
  readonly self: unknown;
  readonly args: readonly unknown[];
  /** What the lock is called. */
  readonly label?: string | undefined;
  process(token: string, signal: AbortSignal): unknown;
}

/** The arguments of a processor. */
interface JobArguments {
  readonly job: Job;
  readonly token: string;
  readonly signal?: AbortSignal;
}

/**
 * The jobs that run in this process, with what their processors were given. An override hands the very object on when it
 * calls `super`; a job that stalled and is run again is another object.
 */
const running = new WeakMap<object, JobArguments>();

/** What a processor does with each of its jobs: lock, run, or put back. */
export class LockedJobs {
  private readonly logger = new Logger('LockingModule');
  private readonly watches = new WeakMap<LockingService, KeyWatches>();
  private warnedAt = -Infinity;

  constructor(
    private readonly caller: string,
    private readonly keysOf: JobKeys,
    private readonly options: CheckedJobOptions,
  ) {}

  async run(call: JobCall): Promise<unknown> {
    const args = this.readArguments(call.args);
    const keys = [this.keysOf(call.self, call.args)].flat();
    const result = await this.attempt(call, keys, args);
    if (result !== NOT_NOW && result !== KEY_TAKEN) return result;
    await this.putBack(call.locking, args, keys, result === KEY_TAKEN);
    throw notRun();
  }

  /** Resolves with `NOT_NOW` or `KEY_TAKEN` for a job that was not run, and may be later. */
  private async attempt(call: JobCall, keys: readonly string[], args: JobArguments): Promise<unknown> {
    const { job, token, signal } = args;
    let entered = false as boolean;
    let started = false as boolean;
    try {
      return await call.locking.execute(
        keys,
        async (lock) => {
          entered = true;
          this.noteTried(call.locking, keys, job);
          if (this.options.ready && !(await this.options.ready(job, call.self))) return NOT_NOW;
          if (!lock.held) return NOT_NOW;
          started = true;
          const joined = signal ? AbortSignal.any([lock.signal, signal]) : lock.signal;
          return this.process(call, { job, token, signal: joined });
        },
        // A job is an inner call only of `super`: the run of a job that stalled may still be going on.
        { ...this.options.execute, signal, label: call.label, reentrant: running.has(job) },
      );
    } catch (error) {
      if (started) throw afterTheRun(error);
      if (!entered && isLockTimeoutError(error)) return KEY_TAKEN;
      this.noteTried(call.locking, keys, job);
      if (isLockLostError(error)) return NOT_NOW;
      if (entered) throw error;
      if (isLockBackendError(error) && this.options.onStoreDown === 'delay') return this.whileDown(job, error, signal);
      // The reason of a cancelled job is a text, often, where BullMQ needs an error to fail the job with.
      if (signal?.aborted && !(error instanceof Error)) throw new Error(cancelled(job, error), { cause: error });
      throw error;
    }
  }

  private async process(call: JobCall, args: JobArguments & { signal: AbortSignal }): Promise<unknown> {
    const { job, token, signal } = args;
    const outer = running.get(job);
    running.set(job, args);
    try {
      return await call.process(token, signal);
    } finally {
      if (outer) running.set(job, outer);
      else running.delete(job);
    }
  }

  /** A job whose one key is taken is woken when that is released; the time it comes back by itself is a safeguard then. */
  private async putBack(
    locking: LockingService,
    { job, token }: JobArguments,
    keys: readonly string[],
    isTaken: boolean,
  ): Promise<void> {
    const taken = isTaken ? keys : [];
    const [key, ...others] = taken;
    const watches = key !== undefined && others.length === 0 ? this.watchesOf(locking) : undefined;
    const isWoken = key !== undefined && watches?.accepts(key) === true;
    const milliseconds = this.options.retryDelay(job, isWoken);
    const outcome = await putBack(job, token, milliseconds);
    this.publish(locking, job, keys, {
      reason: isTaken ? 'key-taken' : 'not-ready',
      delay: milliseconds,
      outcome: outcome.end,
    });
    if (outcome.end === 'refused') this.logger.warn(notPutBack(job, outcome.error));
    if (isWoken && outcome.end === 'delayed') watches.add(key, job, milliseconds);
    else this.noteTried(locking, taken, job);
  }

  private publish(
    locking: LockingService,
    { queueName: queue, id: jobId, name: jobName }: Job,
    keys: readonly string[],
    what: Pick<JobPutBackMessage, 'reason' | 'delay' | 'outcome'>,
  ): void {
    const { jobPutBack } = lockingChannels;
    if (!jobPutBack.hasSubscribers) return;
    const { provider, keyTemplate } = this.options.execute;
    const about = { queue, jobId, jobName, keys: Object.freeze([...keys]), keyTemplate };
    jobPutBack.publish({ ...locking.originOf({ provider }), ...about, ...what });
  }

  private watchesOf(locking: LockingService): KeyWatches {
    let watches = this.watches.get(locking);
    if (!watches) {
      const { provider, expire } = this.options.execute;
      watches = new KeyWatches(locking, {
        ...(provider !== undefined && { provider }),
        ...(expire !== undefined && { expire }),
      });
      this.watches.set(locking, watches);
    }
    return watches;
  }

  private noteTried(locking: LockingService, [key, ...others]: readonly string[], job: Job): void {
    if (key !== undefined && others.length === 0) this.watches.get(locking)?.tried(key, job);
  }

  private async whileDown(job: Job, error: LockBackendError, signal: AbortSignal | undefined): Promise<symbol> {
    const now = performance.now();
    if (error.reason === 'store' && now - this.warnedAt >= WARN_EVERY) {
      this.warnedAt = now;
      this.logger.warn(storeDown(job, error));
    }
    const pause = Math.min(LONGEST_PAUSE, this.options.retryDelay(job, false));
    // One that is cancelled meanwhile is put back a little earlier; it is the next run that has to be cancelled.
    await delay(pause, undefined, { signal, ref: false }).catch(() => undefined);
    return NOT_NOW;
  }

  /** An override may call `super` with the job alone. */
  private readArguments([job, token, signal]: readonly unknown[]): JobArguments {
    const isJob = typeof (job as Partial<Job> | undefined)?.moveToDelayed === 'function';
    const outer = isJob ? running.get(job as Job) : undefined;
    const given = token ?? outer?.token;
    if (!isJob || typeof given !== 'string' || given === '') {
      throw new LockConfigurationError(notCalledByWorker(this.caller));
    }
    return { job: job as Job, token: given, signal: signal instanceof AbortSignal ? signal : outer?.signal };
  }
}

/** A job that its processor has moved elsewhere is not failed, although its lock was lost as well. */
function afterTheRun(error: unknown): unknown {
  if (!isLockLostError(error) || error.outcome?.status !== 'rejected') return error;
  const reason: unknown = error.outcome.reason;
  return saysMoved(reason) ? reason : error;
}
