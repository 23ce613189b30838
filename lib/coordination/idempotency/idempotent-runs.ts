import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { Logger } from '@nestjs/common';
import { IdempotencyError, isLockLostError, isLockTimeoutError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import type { LockingService } from '../../module/locking.service.js';
import type { LockRecord, RecordService } from '../../records/index.js';
import { HeldRun } from './held-run.js';
import type { IdempotentRun } from './idempotency.interface.js';
import { abandoned, inProgress, mismatch, notFinished, notKept, notReplayable } from './idempotency.messages.js';
import type { IdempotencySettings } from './read-idempotency-options.js';
import { assertStoredRun, type StoredRun } from './stored-run.js';

const logger = new Logger('LockingModule');

/** A call asks to try again after as long as the run has taken until now, within these bounds, in seconds. */
const RETRY_AFTER = { least: 1, most: 60 };

/** Which run is meant. */
export interface RunRequest {
  /** As users know it. */
  readonly key: string;
  /** The key in the names of the lock and of the record. */
  readonly name: string;
  readonly fingerprint: string;
  readonly settings: IdempotencySettings;
  /** The id of the provider, also where the settings name none. */
  readonly provider: string;
}

/** What a job came to, and whether further calls are to get it, too. */
export interface JobEnd<T> {
  readonly value: T;
  /** `'unfinished'`: it was ended half-way, as if its process had died: the run counts as abandoned. */
  readonly keep: boolean | 'unfinished';
  /** Why further calls cannot get it, although the job is not to run again. */
  readonly omitted?: string | undefined;
}

/** What a call came to: the result of its own run, or that of an earlier one. */
export interface RunEnd<T> {
  readonly value: T;
  readonly replayed: boolean;
}

/** The end of a run that no later call can change any more. */
type Settled<T> = { readonly end: RunEnd<T> } | { readonly error: unknown };

/** A job that is running, and the one in whose call chain it was started. */
interface RunFrame {
  readonly runs: IdempotentRuns;
  readonly name: string;
  readonly provider: string;
  readonly around: RunFrame | undefined;
  over: boolean;
}

const frames = new AsyncLocalStorage<RunFrame>();

/** Runs jobs once per key. Knows nothing of requests and decorators. */
export class IdempotentRuns {
  /** @param locking - may take keys that begin with `idempotency:` */
  constructor(
    private readonly locking: LockingService,
    private readonly records: RecordService,
  ) {}

  /**
   * @throws IdempotencyError where there is no result to give
   * @throws LockLostError when the lease ended and another call has taken over
   */
  async run<T>(request: RunRequest, job: (run: IdempotentRun) => Promise<JobEnd<T>>): Promise<RunEnd<T>> {
    const { key, name, settings } = request;
    const before = await this.read(request);
    const known = this.answer<T>(request, before);
    if (known) return known;
    let entered = false as boolean;
    let settled: Settled<T> | undefined;
    try {
      return await this.locking.execute(
        `idempotency:${name}`,
        async (lock) => {
          entered = true;
          settled = await this.underLock(request, lock, before, job).catch((error: unknown) => ({ error }));
          if ('error' in settled) throw settled.error;
          return settled.end;
        },
        this.isInside(request) ? { ...settings.execute, timeout: 0 } : settings.execute,
      );
    } catch (error) {
      if (!entered && isLockTimeoutError(error)) {
        throw new IdempotencyError(key, 'in-progress', inProgress(key), {
          retryAfter: retryAfter(before),
          cause: error,
        });
      }
      // What the run came to says more than that its lock was lost by now; it may have been stored before another took over.
      if (settled && isLockLostError(error)) {
        if ('error' in settled) throw settled.error;
        return settled.end;
      }
      throw error;
    }
  }

  /** Deletes what is known of a key; resolves with whether there was something. */
  async forget({ key, name, settings }: Omit<RunRequest, 'fingerprint' | 'provider'>): Promise<boolean> {
    const { provider } = settings;
    try {
      return await this.locking.execute(
        `idempotency:${name}`,
        async (lock) => {
          const record = await this.records.read<Partial<StoredRun>>(recordOf(name), { provider });
          await this.records.delete(recordOf(name), { token: lock.fencingToken, provider });
          return record !== null && !(record.value.state === 'failed' && record.value.attempt === 0);
        },
        settings.execute,
      );
    } catch (error) {
      if (isLockTimeoutError(error)) throw new IdempotencyError(key, 'in-progress', inProgress(key), { cause: error });
      throw error;
    }
  }

  private async underLock<T>(
    request: RunRequest,
    lock: Lock,
    before: LockRecord<StoredRun> | null,
    job: (run: IdempotentRun) => Promise<JobEnd<T>>,
  ): Promise<Settled<T>> {
    const { key, name, fingerprint, settings } = request;
    const held = new HeldRun(this.records, lock, { key, record: recordOf(name), settings });
    // A run that was under way may have ended since; one that has begun since is found by the claim.
    let found = before ? await this.read(request) : null;
    for (;;) {
      const known = this.answer<T>(request, found);
      if (known) return { end: known };
      const abandonedRuns = found?.value.attempt ?? 0;
      if (abandonedRuns > 0 && settings.onAbandoned === 'reject') {
        throw new IdempotencyError(key, 'abandoned', abandoned(key));
      }
      const attempt = abandonedRuns + 1;
      const refused = await held.claim({ state: 'running', fingerprint, run: randomUUID(), attempt }, found);
      if (!refused) return this.inFrame(request, async () => this.runJob(held, { lock, attempt }, job));
      found = assertStoredRun(key, refused.record);
    }
  }

  private async runJob<T>(
    held: HeldRun,
    run: IdempotentRun,
    job: (run: IdempotentRun) => Promise<JobEnd<T>>,
  ): Promise<Settled<T>> {
    let ended: JobEnd<T>;
    try {
      ended = await job(run);
    } catch (error) {
      await held.drop();
      return { error };
    }
    const { value, keep } = ended;
    if (keep === 'unfinished') logger.warn(notFinished(held.key));
    else if (keep) {
      const omitted = await held.store(value, ended.omitted);
      if (omitted !== undefined) logger.warn(notKept(held.key, omitted));
    } else await held.drop();
    return { end: { value, replayed: false } };
  }

  private async inFrame<R>({ name, provider }: RunRequest, work: () => Promise<R>): Promise<R> {
    const frame: RunFrame = { runs: this, name, provider, around: frames.getStore(), over: false };
    try {
      return await frames.run(frame, work);
    } finally {
      frame.over = true;
    }
  }

  /** Whether the call is made by the job of the same key, for which it would wait in vain. */
  private isInside({ name, provider }: RunRequest): boolean {
    for (let frame = frames.getStore(); frame; frame = frame.around) {
      if (!frame.over && frame.runs === this && frame.name === name && frame.provider === provider) return true;
    }
    return false;
  }

  private async read({ key, name, settings }: RunRequest): Promise<LockRecord<StoredRun> | null> {
    return assertStoredRun(key, await this.records.read(recordOf(name), { provider: settings.provider }));
  }

  /** The result that the store has; `undefined` if there is none yet. */
  private answer<T>({ key, fingerprint }: RunRequest, found: LockRecord<StoredRun> | null): RunEnd<T> | undefined {
    if (!found) return undefined;
    const { value: stored } = found;
    if (stored.state === 'failed') return undefined;
    if (stored.fingerprint !== fingerprint) throw new IdempotencyError(key, 'mismatch', mismatch(key));
    if (stored.state === 'running') return undefined;
    if (stored.omitted !== undefined) {
      throw new IdempotencyError(key, 'not-replayable', notReplayable(key, stored.omitted));
    }
    return { value: stored.value as T, replayed: true };
  }
}

function recordOf(name: string): string {
  return `idempotency/${name}`;
}

function retryAfter(running: LockRecord<StoredRun> | null): number {
  const seconds = Math.ceil((running?.age ?? 0) / 1000);
  return Math.min(Math.max(seconds, RETRY_AFTER.least), RETRY_AFTER.most);
}
