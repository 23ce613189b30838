import { describe, expect, it } from '@jest/globals';
import type { Job } from 'bullmq';
import { LockJob, lockedProcessor, type LockJobOptions } from '../../../lib/coordination/bullmq/index.js';
import { isLockConfigurationError, isLockKeyError } from '../../../lib/index.js';
import { thrown } from '../../support/nest-apps.js';
import { rejectionOf } from '../../support/poll.js';
import { onEveryStore } from '../../support/stores.js';
import { inState, useQueues } from './support/queues.js';

function decorate(key: unknown, options?: unknown): Error {
  return thrown(() => LockJob(key as string, options as LockJobOptions)) as Error;
}

describe('@LockJob refuses at decoration', () => {
  it.each<[string, unknown, RegExp]>([
    ['an option that there is not', { retries: 3 }, /@LockJob: "retries" is not an option\. Known are: provider, /],
    ['milliseconds for seconds', { retryDelay: 5000 }, /retryDelay: a bare number is seconds.*'5000ms'/],
    ['no delay at all', { retryDelay: 0 }, /retryDelay: 0 is too short/],
    ['a lease that is none', { expire: 'soon' }, /expire: "soon" is not a length of time/],
    ['a wait that is none', { timeout: -1 }, /timeout: -1 is not a length of time/],
    ['a ready that is no function', { ready: true }, /@LockJob: ready must be a function/],
    ['an unknown onStoreDown', { onStoreDown: 'skip' }, /onStoreDown must be 'delay' or 'fail'/],
  ])('%s', (_, options, message) => {
    const error = decorate('payment:<0.data.id>', options);
    expect(isLockConfigurationError(error)).toBe(true);
    expect(error.message).toMatch(message);
  });

  it('@LockJob refuses a malformed or missing key', () => {
    expect(isLockKeyError(decorate('payment:<0.data.id'))).toBe(true);
    expect(isLockKeyError(decorate('payment:<job.id>'))).toBe(true);
    expect(decorate(undefined).message).toContain("the key must be a template such as 'payment:<0.data.paymentId>'");
  });

  it('@LockJob refuses a decoration of anything but a method', () => {
    const decorator = LockJob('k') as (...args: unknown[]) => void;
    expect((thrown(() => decorator({}, 'process', { get: () => 1 })) as Error).message).toContain(
      '@LockJob on process: only',
    );
  });
});

describe('lockedProcessor', () => {
  const queues = useQueues();

  onEveryStore((store) => {
    it('lockedProcessor refuses options that cannot work', async () => {
      const locking = await store.open();
      const process = async (): Promise<void> => Promise.resolve();
      const message = (...args: unknown[]): string =>
        (thrown(() => (lockedProcessor as (...all: unknown[]) => unknown)(...args)) as Error).message;
      expect(message(undefined, 'k', process)).toContain('the first argument must be the LockingService');
      expect(message(locking, 'k', 'process')).toContain('the processor must be a function');
      expect(message(locking, 'k', process, { retry: 1 })).toContain('lockedProcessor: "retry" is not an option');
      expect(message(locking, 'k:<this.name>', process)).toContain('<0.data.paymentId>');
    });

    it('a locked processor that no worker calls says so, and locks nothing', async () => {
      const locking = await store.open();
      let runs = 0;
      const processor = lockedProcessor(locking, 'k', async () => Promise.resolve((runs += 1)));
      const queue = queues.queue();
      const job = await queue.add('pay', {});
      for (const call of [processor(job), processor(job, ''), processor({ data: {} } as Job, 'token')]) {
        const error = await rejectionOf(call);
        expect(isLockConfigurationError(error)).toBe(true);
        expect(error.message).toContain('without a job of BullMQ and the token of its worker');
      }
      expect(runs).toBe(0);
    });

    it('a job whose data lack the key fails, and does not run', async () => {
      const locking = await store.open();
      let runs = 0;
      const queue = queues.queue();
      const process = async (): Promise<number> => Promise.resolve((runs += 1));
      queues.work(queue, lockedProcessor(locking, 'payment:<0.data.id>', process));
      const [failed] = await inState(queue, 'failed', await queue.add('pay', { ids: 1 }));
      expect(failed?.failedReason).toContain('<0.data.id>');
      expect(runs).toBe(0);
    });

    it('a job fails if retryDelay returns no delay', async () => {
      const locking = await store.open();
      const queue = queues.queue();
      await (await store.open()).acquire('k', { expire: '10s' });
      const process = async (): Promise<void> => Promise.resolve();
      queues.work(queue, lockedProcessor(locking, 'k', process, { retryDelay: () => NaN }));
      const [failed] = await inState(queue, 'failed', await queue.add('pay', {}));
      expect(failed?.failedReason).toContain('retryDelay: NaN is not a length of time');
    });
  });
});
