import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { of } from 'rxjs';
import { createHash } from 'node:crypto';
import {
  IdempotencyService,
  isIdempotencyError,
  isLockConfigurationError,
  isLockKeyError,
  isLockLostError,
  LockingService,
  InMemoryLockingProvider,
  RecordService,
  type IdempotencyError,
  type IdempotencyOptions,
  type IdempotentRun,
} from '../../../lib/index.js';
import { fingerprintOf, hash } from '../../../lib/coordination/idempotency/fingerprint.js';
import { useApplications } from '../../support/applications.js';
import { Deferred } from '../../requests/support.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { onEveryStore, type StoreUnderTest } from '../../support/stores.js';

afterEach(() => {
  jest.restoreAllMocks();
});

/** The error of a call that has no result. */
async function refusal(call: Promise<unknown>): Promise<IdempotencyError> {
  const error = await rejectionOf(call);
  if (!isIdempotencyError(error)) throw error;
  return error;
}

async function open(store: StoreUnderTest) {
  const application = await store.openApplication();
  return {
    idempotency: application.get(IdempotencyService),
    locking: application.get(LockingService),
    records: application.get(RecordService),
  };
}

/** A job that ends when the test says so. */
function slowJob(value = 'paid') {
  const begun = new Deferred<IdempotentRun>();
  const end = new Deferred();
  const job = async (run: IdempotentRun): Promise<string> => {
    begun.resolve(run);
    await end.promise;
    return value;
  };
  return { job, begun: begun.promise, end };
}

describe('idempotent runs', () => {
  onEveryStore((store) => {
    it('a job runs once per key, and every instance gets its result', async () => {
      const [one, two] = [await open(store), await open(store)];
      const job = jest.fn(({ attempt }: IdempotentRun) => ({ receipt: 7, attempt }));
      expect(await one.idempotency.run('charge', { amount: 10 }, job)).toEqual({ receipt: 7, attempt: 1 });
      expect(await two.idempotency.run('charge', { amount: 10 }, job)).toEqual({ receipt: 7, attempt: 1 });
      expect(job).toHaveBeenCalledTimes(1);
      expect(await two.idempotency.run('other', { amount: 10 }, job)).toEqual({ receipt: 7, attempt: 1 });
      expect(job).toHaveBeenCalledTimes(2);
    });

    it.each([undefined, null, 0, '', [1, { a: null }]])('the result %p is given again as it was', async (value) => {
      const { idempotency } = await open(store);
      expect(await idempotency.run('k', 1, () => value)).toEqual(value);
      expect(await idempotency.run('k', 1, () => 'another')).toEqual(value);
    });

    it('another payload is refused, whether the first one is running or done, and the order of fields does not count', async () => {
      const [one, two] = [await open(store), await open(store)];
      const { job, begun, end } = slowJob();
      const first = one.idempotency.run('charge', { amount: 10, to: { name: 'a', id: 1 } }, job);
      await begun;
      const other = async () => two.idempotency.run('charge', { amount: 11 }, () => 'wrong');
      expect((await refusal(other())).reason).toBe('mismatch');
      end.resolve();
      await first;
      const error = await refusal(other());
      expect(error).toMatchObject({ reason: 'mismatch', code: 'IDEMPOTENCY', keys: ['charge'] });
      expect(error.message).toMatch(/^The idempotency key "charge" was used with another payload before/);
      const same = { to: { id: 1, name: 'a' }, amount: 10 };
      expect(await two.idempotency.run('charge', same, () => 'wrong')).toBe('paid');
    });

    it('a call with the key of a running one is refused at once, with a time to try again', async () => {
      const [one, two] = [await open(store), await open(store)];
      const { job, begun, end } = slowJob();
      const first = one.idempotency.run('charge', 1, job);
      await begun;
      const error = await refusal(two.idempotency.run('charge', 1, () => 'twice'));
      expect(error).toMatchObject({ reason: 'in-progress', retryAfter: 1 });
      end.resolve();
      expect(await first).toBe('paid');
    });

    it('a call that is asked to wait gets the result of the running one', async () => {
      const [one, two] = [await open(store), await open(store)];
      const { job, begun, end } = slowJob();
      const first = one.idempotency.run('charge', 1, job);
      await begun;
      const second = two.idempotency.run('charge', 1, () => 'twice', { wait: '1m' });
      await eventually(async () => (await one.locking.inspect('idempotency:charge'))?.waiters === 1);
      end.resolve();
      expect(await Promise.all([first, second])).toEqual(['paid', 'paid']);
    });

    it('a call from inside the job is another call', async () => {
      const { idempotency } = await open(store);
      const nested = jest.fn(() => 'nested');
      const result = await idempotency.run('k', 1, async () => {
        expect((await refusal(idempotency.run('k', 1, nested))).reason).toBe('in-progress');
        expect((await refusal(idempotency.run('k', 1, nested, { wait: '1m' }))).reason).toBe('in-progress');
        return 'outer';
      });
      expect(result).toBe('outer');
      expect(nested).not.toHaveBeenCalled();
    });

    it('what a job throws passes through, and the next call runs it anew, with any payload', async () => {
      const { idempotency } = await open(store);
      const failure = new Error('card declined');
      expect(await rejectionOf(idempotency.run('k', 1, () => Promise.reject(failure)))).toBe(failure);
      expect(await idempotency.run('k', 2, ({ attempt }) => attempt)).toBe(1);
    });

    it('keys that look like the hash of a long key, and payloads that JSON shows alike, are kept apart', async () => {
      const { idempotency } = await open(store);
      const long = 'k'.repeat(2000);
      const looksAlike = `sha256:${createHash('sha256').update(long).digest('base64url')}`;
      expect(await idempotency.run(long, 1, () => 'long')).toBe('long');
      expect(await idempotency.run(looksAlike, 1, () => 'short')).toBe('short');
      await idempotency.run('bytes', Buffer.from('{"a":1}'), () => 'done');
      expect((await refusal(idempotency.run('bytes', { a: 1 }, () => 'again'))).reason).toBe('mismatch');
      const refused = await rejectionOf(idempotency.run('map', { items: new Map([[1, 2]]) }, () => 'done'));
      expect(refused.message).toMatch(/cannot be written as JSON: it has a Map\. Nothing was run/);
    });

    it('a failure does not hide that an earlier run was abandoned', async () => {
      const [one, two] = [await open(store), await open(store)];
      const { job, begun, end } = slowJob();
      const first = rejectionOf(one.idempotency.run('charge', 1, job));
      await begun;
      await two.locking.forceRelease('idempotency:charge');
      await rejectionOf(two.idempotency.run('charge', 1, () => Promise.reject(new Error('lookup failed'))));
      const rejected = two.idempotency.run('charge', 1, () => 'again', { onAbandoned: 'reject' });
      expect((await refusal(rejected)).reason).toBe('abandoned');
      expect(await two.idempotency.run('charge', 1, ({ attempt }) => attempt)).toBe(2);
      end.resolve();
      await first;
    });

    it('the late result of a run that another one has taken over is refused', async () => {
      const [one, two] = [await open(store), await open(store)];
      const late = slowJob('late');
      const first = one.idempotency.run('charge', 1, late.job);
      await late.begun;
      await two.locking.forceRelease('idempotency:charge');
      const next = slowJob('next');
      const second = two.idempotency.run('charge', 1, next.job);
      expect((await next.begun).attempt).toBe(2);
      late.end.resolve();
      const error = await rejectionOf(first);
      expect(isLockLostError(error) && error.outcome).toEqual({ status: 'fulfilled', value: 'late' });
      next.end.resolve();
      expect(await second).toBe('next');
      expect(await one.idempotency.run('charge', 1, () => 'third')).toBe('next');
    });

    it('the late failure of a run that another one has taken over deletes nothing', async () => {
      const [one, two] = [await open(store), await open(store)];
      const late = slowJob();
      const first = one.idempotency.run('charge', 1, late.job);
      await late.begun;
      await two.locking.forceRelease('idempotency:charge');
      expect(await two.idempotency.run('charge', 1, () => 'next')).toBe('next');
      late.end.reject(new Error('too late'));
      await rejectionOf(first);
      expect(await one.idempotency.run('charge', 1, () => 'third')).toBe('next');
    });

    it('a result that comes after the end of the lease counts where no call has taken over', async () => {
      const [one, two] = [await open(store), await open(store)];
      const { job, begun, end } = slowJob();
      const first = one.idempotency.run('charge', 1, job, { expire: '1s' });
      const { lock } = await begun;
      await two.locking.forceRelease('idempotency:charge');
      await eventually(() => lock.signal.aborted);
      end.resolve();
      expect(await first).toBe('paid');
      expect(await two.idempotency.run('charge', 1, () => 'twice')).toBe('paid');
    });

    it("an abandoned run is refused with onAbandoned: 'reject', until it is forgotten", async () => {
      const [one, two] = [await open(store), await open(store)];
      const { job, begun, end } = slowJob();
      const first = one.idempotency.run('charge', 1, job);
      await begun;
      expect((await refusal(two.idempotency.forget('charge'))).reason).toBe('in-progress');
      await two.locking.forceRelease('idempotency:charge');
      const again = async () => two.idempotency.run('charge', 1, () => 'again', { onAbandoned: 'reject' });
      const error = await refusal(again());
      expect(error.reason).toBe('abandoned');
      expect(error.message).toMatch(/IdempotencyService.forget/);
      expect((await refusal(again())).reason).toBe('abandoned');
      expect(await two.idempotency.forget('charge')).toBe(true);
      expect(await two.idempotency.forget('charge')).toBe(false);
      end.resolve();
      expect(isLockLostError(await rejectionOf(first))).toBe(true);
      expect(await again()).toBe('again');
    });

    it('a result that is too large or no JSON is returned once, and further calls are refused', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      const { idempotency } = await open(store);
      const large = 'x'.repeat(2000);
      expect(await idempotency.run('large', 1, () => large, { maxSize: 1000 })).toBe(large);
      expect((await refusal(idempotency.run('large', 1, () => 'again'))).message).toMatch(/has 2002 bytes as JSON/);
      expect(await idempotency.run('bigint', 1, () => 7n)).toBe(7n);
      const error = await refusal(idempotency.run('bigint', 1, () => 8n));
      expect(error.reason).toBe('not-replayable');
      expect(warn.mock.calls.flat().join('\n')).toMatch(/"large" cannot be kept.*\n.*"bigint" cannot be kept/);
      const most = '"'.repeat(100_000);
      expect(await idempotency.run('most', 1, () => most, { maxSize: 260_000 })).toBe(most);
      expect(await idempotency.run('most', 1, () => 'again')).toBe(most);
    });

    it('a result expires, and then the job runs again', async () => {
      const { idempotency } = await open(store);
      const job = jest.fn(() => 'result');
      await idempotency.run('k', 1, job, { ttl: '100ms' });
      await eventually(async () => {
        await idempotency.run('k', 1, job, { ttl: '100ms' });
        return job.mock.calls.length === 2;
      });
    });

    it('a job that takes longer than the ttl has its result stored all the same', async () => {
      const { idempotency, records } = await open(store);
      const result = await idempotency.run(
        'k',
        1,
        async () => {
          await eventually(async () => (await records.read('idempotency/k')) === null);
          return 'slow';
        },
        { ttl: '2s' },
      );
      expect(result).toBe('slow');
      expect(await records.read('idempotency/k')).toMatchObject({ value: { state: 'done', value: 'slow' } });
    });

    it.each(['k'.repeat(5000), 'a/b:c <d> "e" \n é 💶', '__proto__'])(
      'odd keys have runs of their own',
      async (key) => {
        const { idempotency } = await open(store);
        for (const last of ['x', 'y']) expect(await idempotency.run(key + last, 1, () => last)).toBe(last);
        for (const last of ['x', 'y']) expect(await idempotency.run(key + last, 1, () => 'z')).toBe(last);
      },
    );

    it('a record of other software is not taken for a result', async () => {
      const { idempotency, records } = await open(store);
      for (const value of [null, 'done', { state: 'done' }, []]) {
        await records.write('idempotency/k', value, { ttl: '1h' });
        const error = await rejectionOf(idempotency.run('k', 1, () => 'run'));
        expect(isLockConfigurationError(error) && error.message).toMatch(/^The record of the idempotency key "k" has/);
      }
    });

    it('the lock cannot be taken from outside, and is free after each call', async () => {
      const { idempotency, locking } = await open(store);
      await idempotency.run('k', 1, () => 1);
      await eventually(async () => (await locking.inspect('idempotency:k')) === null);
      const error = await rejectionOf(locking.acquire('idempotency:k'));
      expect(isLockKeyError(error) && error.message).toMatch(/are those of idempotent runs/);
    });
  });

  describe('what cannot work is refused before anything is run', () => {
    const cyclic: Record<string, unknown> = {};
    cyclic.self = cyclic;
    const deep = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000)) as unknown;

    onEveryStore((store) => {
      it.each([
        ['key', ['', 1, {}], isLockKeyError],
        ['key', ['\ud800', 1, {}], isLockKeyError],
        ['key', [7 as never, 1, {}], isLockKeyError],
        ['fingerprint', ['k', cyclic, {}], isLockConfigurationError],
        ['fingerprint', ['k', deep, {}], isLockConfigurationError],
        ['fingerprint', ['k', 7n, {}], isLockConfigurationError],
        ['ttl', ['k', 1, { ttl: 0 }], isLockConfigurationError],
        ['wait', ['k', 1, { wait: 'long' as never }], isLockConfigurationError],
        ['onAbandoned', ['k', 1, { onAbandoned: 'retry' as never }], isLockConfigurationError],
        ['maxSize', ['k', 1, { maxSize: 300_000 }], isLockConfigurationError],
        ['option', ['k', 1, { timeout: 5 }], isLockConfigurationError],
        ['provider', ['k', 1, { provider: 'none' }], isLockConfigurationError],
      ] as const)('an unusable %s', async (_, [key, fingerprint, options], isExpected) => {
        const { idempotency } = await open(store);
        const job = jest.fn(() => 1);
        expect(
          isExpected(await rejectionOf(idempotency.run(key, fingerprint, job, options as IdempotencyOptions))),
        ).toBe(true);
        expect(job).not.toHaveBeenCalled();
      });

      it('a job that returns an Observable is refused, and the key stays usable', async () => {
        const { idempotency } = await open(store);
        const error = await rejectionOf(idempotency.run('k', 1, () => of(1)));
        expect(error.message).toMatch(/returned an Observable, of which nothing was run/);
        expect(await idempotency.run('k', 1, () => 2)).toBe(2);
      });
    });
  });
});

describe('the default provider', () => {
  const applications = useApplications();

  it('a call from inside the job does not wait for it, whether both name the provider or one does', async () => {
    const { app } = await applications.withLocks({ providers: [{ id: 'main', resolve: InMemoryLockingProvider }] });
    const idempotency = app.get(IdempotencyService);
    for (const [outer, inner] of [
      ['main', undefined],
      [undefined, 'main'],
    ]) {
      const nested = async (): Promise<unknown> =>
        refusal(idempotency.run('k', 1, () => 'nested', { wait: '1m', provider: inner }));
      const job = async (): Promise<unknown> => ({ reason: ((await nested()) as IdempotencyError).reason });
      expect(await idempotency.run('k', 1, job, { provider: outer })).toEqual({ reason: 'in-progress' });
      await idempotency.forget('k');
    }
  });
});

it('bytes in a payload count as they are', () => {
  const of = (bytes: number[]): object => ({ file: Buffer.from(bytes), data: new Uint8Array(bytes) });
  expect(fingerprintOf(of([1, 2]))).toBe(fingerprintOf(of([1, 2])));
  expect(fingerprintOf(of([1, 2]))).not.toBe(fingerprintOf(of([1, 3])));
  expect(fingerprintOf([new Uint8Array([1])])).toBe(fingerprintOf([Buffer.from([1])]));
  const looksAlike = [1, hash(Buffer.from([1]))];
  expect(fingerprintOf({ file: looksAlike })).not.toBe(fingerprintOf({ file: Buffer.from([1]) }));
  expect(fingerprintOf({ a: Buffer.from([1]), b: Buffer.from([2]) })).not.toBe(
    fingerprintOf({ a: Buffer.from([2]), b: Buffer.from([1]) }),
  );
});
