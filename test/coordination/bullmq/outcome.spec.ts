import { describe, expect, it } from '@jest/globals';
import { DelayedError, UnrecoverableError, type Job } from 'bullmq';
import { lockedProcessor } from '../../../lib/coordination/bullmq/index.js';
import { isLockLostError, LockLostError, LockTimeoutError, type LockingService } from '../../../lib/index.js';
import { eventually } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { onEveryStore } from '../../support/stores.js';
import { fresh, inState, useQueues } from './support/queues.js';

const KEY = 'payment:<0.data>';

describe('a job whose lock is lost before it begins', () => {
  it('a job whose lock is lost before it begins is put back, and uses up no attempt', async () => {
    const lost = new LockLostError(['payment:1'], 'revoked', undefined, true);
    const locking = { execute: () => Promise.reject(lost) } as unknown as LockingService;
    const job = { data: 1, moveToDelayed: () => Promise.resolve() } as unknown as Job;
    const processor = lockedProcessor(locking, KEY, () => Promise.reject(new Error('it was run')));
    await expect(processor(job, 'token')).rejects.toThrow(DelayedError);
  });
});

describe('a job that runs under its lock', () => {
  const queues = useQueues();

  onEveryStore((store) => {
    it('a job has its lock, and a signal', async () => {
      const locking = await store.open();
      const queue = queues.queue<string>();
      let seen: unknown[] = [];
      const process = async (job: Job<string>, token: string, signal: AbortSignal): Promise<string> => {
        const lock = locking.current();
        seen = [lock?.keys, lock?.held, token === job.token, signal.aborted];
        return Promise.resolve('paid');
      };
      queues.work(queue, lockedProcessor(locking, KEY, process));
      const [done] = await inState(queue, 'completed', await queue.add('pay', '1'));
      expect(done?.returnvalue).toBe('paid');
      expect(seen).toEqual([['payment:1'], true, true, false]);
      expect(await locking.inspect('payment:1')).toBeNull();
    });

    it('a job that loses its lock fails, and the queue retries it with a greater token', async () => {
      const locking = await store.open();
      const queue = queues.queue<string>();
      const tokens: number[] = [];
      const reasons: unknown[] = [];
      const inside = deferred();
      const process = async (_job: Job<string>, _token: string, signal: AbortSignal): Promise<void> => {
        tokens.push(locking.current()!.fencingToken);
        if (tokens.length > 1) return;
        inside.resolve();
        await eventually(() => signal.aborted);
        reasons.push(signal.reason);
      };
      const worker = queues.work(queue, lockedProcessor(locking, KEY, process, { expire: '1500ms' }));
      const failures: Error[] = [];
      worker.on('failed', (_, error) => failures.push(error));
      const job = await queue.add('pay', '1', { attempts: 2 });
      await inside.promise;
      await locking.forceRelease('payment:1');
      const [done] = await inState(queue, 'completed', job);
      expect(done?.attemptsMade).toBe(2);
      expect(reasons.map(isLockLostError)).toEqual([true]);
      expect(failures.map(isLockLostError)).toEqual([true]);
      expect(tokens[1]).toBeGreaterThan(tokens[0]!);
    });

    it('a job stops when the worker cancels it', async () => {
      const locking = await store.open();
      const queue = queues.queue<string>();
      const inside = deferred();
      const process = async (_job: Job<string>, _token: string, signal: AbortSignal): Promise<void> => {
        inside.resolve();
        await eventually(() => signal.aborted);
        throw new UnrecoverableError(`stopped: ${String(signal.reason)}`);
      };
      const worker = queues.work(queue, lockedProcessor(locking, KEY, process));
      const job = await queue.add('pay', '1', { attempts: 5 });
      await inside.promise;
      worker.cancelJob(job.id!, 'changed his mind');
      const [failed] = await inState(queue, 'failed', job);
      expect(failed).toMatchObject({ failedReason: 'stopped: changed his mind', attemptsMade: 1 });
    });

    it.each([
      ['an error of its own', () => new Error('no money'), 2],
      ['an UnrecoverableError', () => new UnrecoverableError('no such account'), 1],
      ['a LockTimeoutError of another lock', () => new LockTimeoutError(['ledger'], 0, 'the ledger is taken'), 2],
    ])('a job fails with %s, unchanged', async (_, makeError, attempts) => {
      const locking = await store.open();
      const queue = queues.queue<string>();
      const error = makeError();
      const failures: Error[] = [];
      const worker = queues.work(
        queue,
        lockedProcessor(locking, KEY, async () => Promise.reject(error)),
      );
      worker.on('failed', (_job, failure) => failures.push(failure));
      const [failed] = await inState(queue, 'failed', await queue.add('pay', '1', { attempts: 2 }));
      expect(failed).toMatchObject({ attemptsMade: attempts, attemptsStarted: attempts, failedReason: error.message });
      expect(failures.every((failure) => failure === error)).toBe(true);
    });

    it('a job may put itself back, also when its lock is gone', async () => {
      const locking = await store.open();
      const queue = queues.queue<string>();
      const process = async (job: Job<string>, token: string): Promise<string> => {
        if (job.attemptsStarted > 2) return 'paid';
        if (job.attemptsStarted === 2) {
          await locking.forceRelease('payment:1');
          await eventually(() => locking.current()?.held === false);
        }
        await job.moveToDelayed(Date.now() + 10, token);
        throw new DelayedError();
      };
      const errors: Error[] = [];
      const worker = queues.work(queue, lockedProcessor(locking, KEY, process, { expire: '1500ms' }));
      worker.on('error', (error) => errors.push(error));
      const [done] = await inState(queue, 'completed', await queue.add('pay', '1'));
      expect(done).toMatchObject({ attemptsMade: 1, attemptsStarted: 3, returnvalue: 'paid' });
      // The worker has not tried to fail a job that was no longer its own.
      expect(errors).toEqual([]);
    });

    it('a job whose lock is lost during ready does not run, and is put back', async () => {
      const locking = await store.open();
      const queue = queues.queue<string>();
      let looks = 0;
      let runs = 0;
      const ready = async (): Promise<boolean> => {
        looks += 1;
        if (looks === 1) {
          await locking.forceRelease('payment:1');
          await eventually(() => locking.current()?.held === false);
        }
        return true;
      };
      const processor = lockedProcessor(locking, KEY, async () => Promise.resolve((runs += 1)), {
        ready,
        expire: '1500ms',
        retryDelay: '10ms',
      });
      queues.work(queue, processor);
      const [done] = await inState(queue, 'completed', await queue.add('pay', '1'));
      expect(done).toMatchObject({ attemptsMade: 1, attemptsStarted: 2 });
      expect([looks, runs]).toEqual([2, 1]);
    });

    it('a job whose ready throws fails with that error, and does not run', async () => {
      const locking = await store.open();
      const queue = queues.queue<string>();
      let runs = 0;
      const ready = async (): Promise<boolean> => Promise.reject(new Error('the ledger is down'));
      queues.work(
        queue,
        lockedProcessor(locking, KEY, async () => Promise.resolve((runs += 1)), { ready }),
      );
      const [failed] = await inState(queue, 'failed', await queue.add('pay', '1'));
      expect([failed?.failedReason, runs]).toEqual(['the ledger is down', 0]);
    });

    it('a job has a lock of its own, also if its worker was made inside a job that holds the key', async () => {
      const locking = await store.open();
      const queue = queues.queue<string>();
      let runs = 0;
      let job: Job<string> | undefined;
      await locking.execute('payment:1', async () => {
        // The worker is made inside the job, so its calls have the async context of the job.
        queues.work(
          queue,
          lockedProcessor(locking, KEY, async () => Promise.resolve((runs += 1)), { retryDelay: '20ms' }),
        );
        job = await queue.add('pay', '1');
        await eventually(async () => (await fresh(queue, job!)).attemptsStarted >= 2);
        expect(runs).toBe(0);
      });
      await inState(queue, 'completed', job!);
      expect(runs).toBe(1);
    });
  });
});
