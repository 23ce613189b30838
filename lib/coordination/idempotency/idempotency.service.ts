import { LockConfigurationError } from '../../errors/index.js';
import { unstartedWork } from '../../engine/lock/unstarted-work.js';
import { jobNotFunction } from '../../module/locking.messages.js';
import { LockingService } from '../../module/locking.service.js';
import type { RecordService } from '../../records/index.js';
import { fingerprintOf } from './fingerprint.js';
import type { IdempotencyOptions, IdempotentRun } from './idempotency.interface.js';
import { unstarted } from './idempotency.messages.js';
import { IdempotentRuns, type JobEnd, type RunEnd, type RunRequest } from './idempotent-runs.js';
import { assertIdempotencyKey, nameOf, readIdempotencyOptions } from './read-idempotency-options.js';

/** A request with a key is carried out once, and those that repeat it get the same result. Kept in the store of the locks. */
export type IdempotentCall = Omit<RunRequest, 'name' | 'provider'>;

/**
 * Runs a job once per key: a call that repeats an earlier one gets the result of that, from every instance of the
 * application. The job runs under a lock that is renewed, and its result is stored before the call returns.
 *
 * Kept by memory, Redis (one server, Sentinel, Cluster) and PostgreSQL; not by a quorum.
 *
 * @example
 * const receipt = await idempotency.run(`charge:${order.id}`, order, async ({ lock }) =>
 *   gateway.charge(order, { signal: lock.signal }),
 * );
 */
export class IdempotencyService {
  private readonly runs: IdempotentRuns;

  /** @internal */
  constructor(
    locking: LockingService,
    private readonly records: RecordService,
  ) {
    this.runs = new IdempotentRuns(LockingService.forOwnKeys(locking), records);
  }

  /**
   * The result of `job`, which runs unless an earlier call with the same key has come to a result within the `ttl`. That
   * result is given back as JSON makes it. What the job throws passes through, and is not kept: the next call runs it again.
   *
   * Not carried out: a call with the key of one that is still running (see `wait`), and one whose payload is another.
   *
   * @param key - names the request; make the user a part of it where keys come from users
   * @param fingerprint - the payload, or what tells two payloads apart: JSON, in any order of its fields, or bytes
   * @param options - `ttl` (default 24 h), `wait` (0), `expire`, `onAbandoned` (`'rerun'`), `maxSize`, `signal`, `provider`
   * @throws IdempotencyError when there is no result to give; its `reason` says why
   * @throws LockLostError when the lease ended while the job ran, and another call has taken over; `outcome` has what the job
   * came to. Where no call has taken over, the result counts.
   * @throws LockBackendError when the store cannot be asked; the job was not run
   * @throws LockKeyError, LockConfigurationError for a key, a fingerprint or options that cannot work
   *
   * @example
   * const receipt = await idempotency.run(`${user.id}:${key}`, body, () => gateway.charge(body), { wait: '5s' });
   */
  async run<T>(
    key: string,
    fingerprint: unknown,
    job: (run: IdempotentRun) => T | PromiseLike<T>,
    options: IdempotencyOptions = {},
  ): Promise<T> {
    if (typeof job !== 'function') throw new LockConfigurationError(jobNotFunction('run'));
    const settings = readIdempotencyOptions(options);
    const call = { key, fingerprint: fingerprintOf(fingerprint), settings };
    const { value } = await this.perform(call, async (run) => {
      const result = await job(run);
      const work = unstartedWork(result);
      if (work) throw new LockConfigurationError(unstarted(key, work));
      return { value: result, keep: true };
    });
    return value;
  }

  /**
   * Deletes what is known of `key`, so that the next call runs its job: after an abandoned run was looked into, say.
   *
   * @returns whether there was something
   * @throws IdempotencyError when a call with the key is running
   *
   * @example
   * await idempotency.forget('charge:42');
   */
  async forget(key: string, { provider }: Pick<IdempotencyOptions, 'provider'> = {}): Promise<boolean> {
    assertIdempotencyKey(key);
    this.records.assertOffered(provider);
    return this.runs.forget({ key, name: nameOf(key), settings: readIdempotencyOptions({ provider }) });
  }

  /** @internal As {@link run}, where the job says whether its result is kept. */
  async perform<T>(call: IdempotentCall, job: (run: IdempotentRun) => Promise<JobEnd<T>>): Promise<RunEnd<T>> {
    const { key, settings } = call;
    assertIdempotencyKey(key);
    const provider = this.records.assertOffered(settings.provider);
    return this.runs.run({ ...call, name: nameOf(key), provider }, job);
  }
}
