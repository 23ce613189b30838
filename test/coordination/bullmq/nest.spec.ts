import { describe, expect, it } from '@jest/globals';
import { BullModule, Processor, WorkerHost } from '@nestjs/bullmq';
import { Injectable, Scope, SetMetadata, type Type } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { LockJob } from '../../../lib/coordination/bullmq/index.js';
import { isLockLostError, LockingModule, LockingService, RedisLockingProvider } from '../../../lib/index.js';
import { rejection } from '../../support/nest-apps.js';
import { useApplications } from '../../support/applications.js';
import { eventually } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { inState, useQueues } from './support/queues.js';

interface Payment {
  readonly id: string;
  readonly seq: number;
}

@Injectable()
class Ledger {
  readonly done: number[] = [];
  readonly seen: unknown[] = [];
  inside = deferred();
  leave = deferred();
}

describe('@LockJob on the processor of a Nest application', () => {
  const queues = useQueues();
  const applications = useApplications();

  async function start(queue: Queue<Payment>, processor: Type) {
    const app = await applications.start({
      imports: [
        BullModule.forRoot({ connection: queues.connection }),
        BullModule.registerQueue({ name: queue.name }),
        locks(),
      ],
      providers: [processor, Ledger],
    });
    return { app, ledger: app.get(Ledger), locking: app.get(LockingService) };
  }

  const locks = () =>
    LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl: queues.url } }] });

  it('@LockJob locks jobs, keeps the order of the ledger, and gives the method its lock and a signal', async () => {
    const queue = queues.queue<Payment>();

    @Processor(queue.name, { concurrency: 3, drainDelay: 1 })
    class Payments extends WorkerHost {
      constructor(
        private readonly ledger: Ledger,
        private readonly locking: LockingService,
      ) {
        super();
      }

      @LockJob('payment:<0.data.id>', {
        retryDelay: '20ms',
        ready: ({ data }: Job<Payment>, self: Payments) => self.ledger.done.length + 1 === data.seq,
      })
      async process(job: Job<Payment>, token?: string, signal?: AbortSignal): Promise<number> {
        const lock = this.locking.current();
        this.ledger.seen.push([lock?.keys, token === job.token, signal?.aborted]);
        this.ledger.done.push(job.data.seq);
        return Promise.resolve(lock?.fencingToken ?? 0);
      }
    }

    const { ledger } = await start(queue, Payments);
    const jobs = await queue.addBulk([3, 1, 2].map((seq) => ({ name: 'pay', data: { id: 'ada', seq } })));
    const [third, first, second] = (await inState(queue, 'completed', ...jobs)).map(({ returnvalue }) => {
      return returnvalue as number;
    });
    expect(ledger.done).toEqual([1, 2, 3]);
    expect(ledger.seen).toEqual(Array(3).fill([['payment:ada'], true, false]));
    expect(second).toBeGreaterThan(first!);
    expect(third).toBeGreaterThan(second!);
  });

  it('@LockJob aborts the signal when the lock is lost, and when the worker cancels, though the method has no parameters', async () => {
    const queue = queues.queue<Payment>();

    @Processor(queue.name, { drainDelay: 1 })
    class Payments extends WorkerHost {
      constructor(private readonly ledger: Ledger) {
        super();
      }

      @LockJob('payment:<0.data.id>', { expire: '1500ms' })
      override async process(...[, , signal]: [job: Job<Payment>, token?: string, signal?: AbortSignal]) {
        this.ledger.inside.resolve();
        await eventually(() => signal?.aborted === true);
        this.ledger.seen.push(signal?.reason);
        throw new Error('stopped');
      }
    }

    const { app, ledger, locking } = await start(queue, Payments);
    const lost = await queue.add('pay', { id: '1', seq: 1 });
    await ledger.inside.promise;
    await locking.forceRelease('payment:1');
    const [failed] = await inState(queue, 'failed', lost);
    expect(isLockLostError(ledger.seen[0])).toBe(true);
    expect(failed?.failedReason).toContain('payment:1');
    ledger.inside = deferred();
    const cancelled = await queue.add('pay', { id: '2', seq: 2 });
    await ledger.inside.promise;
    expect(app.get(Payments).worker.cancelJob(cancelled.id!, 'enough')).toBe(true);
    await inState(queue, 'failed', cancelled);
    expect(ledger.seen[1]).toBe('enough');
  });

  it('@LockJob works on request-scoped processors, with a key that reads the instance, below other decorators', async () => {
    const queue = queues.queue<Payment>();

    @Processor({ name: queue.name, scope: Scope.REQUEST }, { drainDelay: 1 })
    class Payments extends WorkerHost {
      readonly region = 'eu';

      constructor(
        private readonly ledger: Ledger,
        private readonly locking: LockingService,
      ) {
        super();
      }

      @SetMetadata('above', 1)
      @LockJob('<this.region>:<0.name>:<0.data.id>')
      @SetMetadata('below', 1)
      async process({ data }: Job<Payment>): Promise<void> {
        this.ledger.done.push(data.seq);
        this.ledger.seen.push(this.locking.current()?.keys);
        return Promise.resolve();
      }
    }

    const { ledger } = await start(queue, Payments);
    await inState(queue, 'completed', await queue.add('pay', { id: '1', seq: 1 }));
    expect(ledger.seen).toEqual([['eu:pay:1']]);
    const method = Object.getOwnPropertyDescriptor(Payments.prototype, 'process')?.value as () => void;
    expect(Reflect.getMetadataKeys(method)).toEqual(expect.arrayContaining(['above', 'below']));
    expect([method.name, method.length]).toEqual(['process', 3]);
  });

  it('an application with @LockJob does not start without locks', async () => {
    const queue = queues.queue<Payment>();

    @Processor(queue.name)
    class Payments extends WorkerHost {
      @LockJob('payment:<0.data.id>')
      async process({ data }: Job<Payment>): Promise<number> {
        return Promise.resolve(data.seq);
      }
    }

    const error = (await rejection(applications.start({ providers: [Payments] }))) as Error;
    expect(error.message).toContain('import LockingModule.forRoot() into the root module');
  });

  it('a running job finishes when the application closes, and the others stay in the queue', async () => {
    const queue = queues.queue<Payment>();

    @Processor(queue.name, { concurrency: 1, drainDelay: 1 })
    class Payments extends WorkerHost {
      constructor(private readonly ledger: Ledger) {
        super();
      }

      @LockJob('payment:<0.data.id>', { retryDelay: '50ms' })
      async process({ data }: Job<Payment>): Promise<void> {
        this.ledger.inside.resolve();
        await this.ledger.leave.promise;
        this.ledger.done.push(data.seq);
      }
    }

    const { app, ledger, locking } = await start(queue, Payments);
    const running = await queue.add('pay', { id: '1', seq: 1 }, { attempts: 1 });
    await ledger.inside.promise;
    const waiting = await queue.add('pay', { id: '2', seq: 2 }, { attempts: 1 });
    const closing = app.close();
    // From now on the application refuses locks.
    await eventually(async () => {
      const probe = await locking.tryAcquire('probe').catch(() => undefined);
      await probe?.release();
      return probe === undefined;
    });
    ledger.leave.resolve();
    await closing;
    await inState(queue, 'completed', running);
    expect(await waiting.getState()).not.toBe('failed');
    const next = await start(queue, Payments);
    next.ledger.leave.resolve();
    await inState(queue, 'completed', waiting);
    expect([ledger.done, next.ledger.done]).toEqual([[1], [2]]);
  });
});
