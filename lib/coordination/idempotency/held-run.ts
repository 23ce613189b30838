import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { IdempotencyError, isLockBackendError, LockLostError } from '../../errors/index.js';
import type { Lock } from '../../interfaces/index.js';
import type { LockRecord, RecordChange, RecordService } from '../../records/index.js';
import { notForgotten, notStored, takenOver } from './idempotency.messages.js';
import type { IdempotencySettings } from './read-idempotency-options.js';
import { doneRun, type RunningRun, type StoredRun } from './stored-run.js';

const logger = new Logger('LockingModule');

/** How often a write is tried whose answer says nothing, and the first wait before it is tried again, in milliseconds. */
const TRIES = 6;
const FIRST_WAIT = 100;

/** For how long a failed run is remembered: requests of its holder may come late. */
const REMEMBERED_FOR = '10m';

/** After how many seconds a client is to try again whose result could not be stored. */
const RETRY_AFTER = 5;

interface Place {
  readonly key: string;
  readonly record: string;
  readonly settings: IdempotencySettings;
}

/** The record of one run, in the hands of the holder of its lock. Only the claim and the end of the run write it. */
export class HeldRun {
  readonly key: string;
  private claimed?: { readonly run: RunningRun; readonly version: string };

  constructor(
    private readonly records: RecordService,
    private readonly lock: Lock,
    private readonly place: Place,
  ) {
    this.key = place.key;
  }

  /**
   * Notes that the run begins: from now on no earlier holder can write a result.
   *
   * @returns what refused the claim, as the record is another one than was found
   * @throws LockLostError when a later holder has taken over
   * @throws LockBackendError when the lock may have expired and the store cannot be asked
   */
  async claim(
    run: RunningRun,
    found: LockRecord<StoredRun> | null,
  ): Promise<{ readonly record: LockRecord<StoredRun> | null } | undefined> {
    const change = await this.write(run, found?.version ?? null);
    if (change.changed) {
      this.claimed = { run, version: change.version ?? '' };
      if (await this.isStillHeld()) return undefined;
      await this.drop();
      throw new LockLostError(this.lock.keys, takenOver(this.key), undefined, true);
    }
    if (change.reason === 'version') return { record: change.record };
    throw new LockLostError(this.lock.keys, takenOver(this.key), undefined, true);
  }

  /**
   * Stores the result.
   *
   * @param reason - why further calls cannot get it, where the caller knows
   * @returns why further calls do not get it, if so
   * @throws LockLostError when a later holder has taken over
   * @throws IdempotencyError when the store could not be asked
   */
  async store(value: unknown, reason?: string): Promise<string | undefined> {
    const { key, claimed, lock } = this;
    if (!claimed) throw new Error('nothing was claimed');
    const done = doneRun(claimed.run, value, this.place.settings.maxSize, reason);
    let change: RecordChange<StoredRun>;
    try {
      change = await this.write(done, claimed.version);
      // The job has taken longer than the ttl, and its record has expired: the token refuses where that is not all.
      if (!change.changed && change.reason === 'version' && !change.record) change = await this.write(done, null);
    } catch (cause) {
      throw new IdempotencyError(key, 'not-stored', notStored(key, cause), { cause, retryAfter: RETRY_AFTER });
    }
    if (!change.changed) throw new LockLostError(lock.keys, takenOver(key), { status: 'fulfilled', value });
    return done.omitted;
  }

  /**
   * The job has come to nothing that is kept: the next call runs it anew. The record stays for a while, so that a late copy of
   * the claim is refused, and for as long as before where an earlier run was abandoned. A failure is logged.
   */
  async drop(): Promise<void> {
    const { claimed } = this;
    if (!claimed) return;
    const { attempt, ...run } = claimed.run;
    const ttl = attempt > 1 ? this.place.settings.ttl : REMEMBERED_FOR;
    try {
      await this.write({ ...run, state: 'failed', attempt: attempt - 1 }, claimed.version, ttl);
    } catch (error) {
      logger.warn(notForgotten(this.key, error));
    }
  }

  /**
   * The answer to the claim may have come after the end of the lease, and another call may have run the job since. After a
   * suspension the signal is not aborted before the store has said so, and a lock that is not `held` then may be held still.
   */
  private async isStillHeld(): Promise<boolean> {
    try {
      return this.lock.held || (await this.lock.extend());
    } catch (error) {
      await this.drop();
      throw error;
    }
  }

  /** Writes the record. An answer that was lost is asked for again. */
  private async write(
    run: StoredRun,
    ifVersion: string | null,
    ttl = this.place.settings.ttl,
  ): Promise<RecordChange<StoredRun>> {
    const { provider } = this.place.settings;
    const options = { token: this.lock.fencingToken, ttl, provider, ifVersion };
    return this.patiently(async () => {
      const change = await this.records.write<StoredRun>(this.place.record, run, options);
      if (change.changed || !change.record) return change;
      const { value, version } = change.record;
      const standing = value as Partial<StoredRun> | null;
      return standing?.run === run.run && standing.state === run.state ? { changed: true, version } : change;
    });
  }

  private async patiently<T>(request: () => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await request();
      } catch (error) {
        if (!isLockBackendError(error) || tries === TRIES || !this.lock.held) throw error;
      }
      await delay(FIRST_WAIT * 2 ** (tries - 1));
    }
  }
}
