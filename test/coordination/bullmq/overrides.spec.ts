import { describe, expect, it } from '@jest/globals';
import { BullModule, Processor, WorkerHost } from '@nestjs/bullmq';
import type { Type } from '@nestjs/common';
import type { Job, Queue } from 'bullmq';
import { LockJob, lockedProcessor } from '../../../lib/coordination/bullmq/index.js';
import { LockingModule, LockingService, RedisLockingProvider } from '../../../lib/index.js';
import { useApplications } from '../../support/applications.js';
import { inState, useQueues } from './support/queues.js';

describe('@LockJob on an override that calls super', () => {
  const queues = useQueues();
  const applications = useApplications();

  async function start(queue: Queue<string>, processor: Type): Promise<LockingService> {
    const locks = { resolve: RedisLockingProvider, options: { redisUrl: queues.url } };
    const app = await applications.start({
      imports: [
        BullModule.forRoot({ connection: queues.connection }),
        BullModule.registerQueue({ name: queue.name }),
        LockingModule.forRoot({ providers: [locks] }),
      ],
      providers: [processor],
    });
    return app.get(LockingService);
  }

  class Base extends WorkerHost {
    readonly seen: unknown[] = [];

    constructor(readonly locking: LockingService) {
      super();
    }

    @LockJob('payment:<0.data>')
    async process(job: Job<string>, token?: string, signal?: AbortSignal): Promise<string> {
      const keys = this.locking.current()?.keys.join();
      return Promise.resolve(`base of ${String(keys)}, ${String(token === job.token)}, ${String(signal?.aborted)}`);
    }
  }
  Reflect.defineMetadata('design:paramtypes', [LockingService], Base);

  it('an override that calls super joins the lock of the job, with the token or without', async () => {
    const queue = queues.queue<string>();

    @Processor(queue.name, { drainDelay: 1 })
    class Override extends Base {
      @LockJob('payment:<0.data>', { retryDelay: '50ms' })
      override async process(job: Job<string>, token?: string, signal?: AbortSignal): Promise<string> {
        return `own, ${await super.process(job)}, ${await super.process(job, token, signal)}`;
      }
    }

    const locking = await start(queue, Override);
    const [done] = await inState(queue, 'completed', await queue.add('pay', '1', { attempts: 1 }));
    const base = 'base of payment:1, true, false';
    expect(done).toMatchObject({ returnvalue: `own, ${base}, ${base}`, attemptsStarted: 1 });
    expect(await locking.inspect('payment:1')).toBeNull();
  });

  it('an override puts the job back while a further key of super is held', async () => {
    const queue = queues.queue<string>();
    let begun = 0;

    @Processor(queue.name, { drainDelay: 1 })
    class Override extends Base {
      @LockJob('own:<0.data>', { retryDelay: '50ms' })
      override async process(job: Job<string>): Promise<string> {
        begun += 1;
        return super.process(job);
      }
    }

    const locking = await start(queue, Override);
    const holder = await locking.acquire('payment:1');
    const job = await queue.add('pay', '1', { attempts: 1 });
    await inState(queue, 'delayed', job);
    expect(begun).toBe(1);
    await holder.release();
    const [done] = await inState(queue, 'completed', job);
    expect(done).toMatchObject({ returnvalue: 'base of payment:1, true, false', attemptsMade: 1 });
  });

  it('a second run of the same job does not join the lock of the first', async () => {
    const queue = queues.queue<string>();
    const { locking } = await applications.onRedis({ redisUrl: queues.url });
    const again: unknown[] = [];
    const inner = lockedProcessor(locking, 'k', async () => Promise.resolve('inner'), { retryDelay: '1h' });
    const outer = lockedProcessor(locking, 'k', async (job: Job<string>, token) => {
      const copy = await queue.getJob(job.id!);
      again.push(await inner(copy!, token).catch((error: unknown) => (error as Error).name));
      return inner(job, token);
    });
    queues.work(queue, outer);
    const job = await queue.add('pay', '1');
    await inState(queue, 'delayed', job);
    expect(again).toEqual(['DelayedError']);
  });
});
