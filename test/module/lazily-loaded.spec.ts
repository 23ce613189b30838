import { afterEach, describe, expect, it } from '@jest/globals';
import {
  Controller,
  Get,
  Injectable,
  Module,
  type DynamicModule,
  type INestApplication,
  type Type,
} from '@nestjs/common';
import { LazyModuleLoader, NestFactory } from '@nestjs/core';
import { Cron, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import type { Job } from 'bullmq';
import type { AddressInfo } from 'node:net';
import { LockJob } from '../../lib/coordination/bullmq/index.js';
import { LockedCron, LockedInterval } from '../../lib/coordination/schedule/index.js';
import {
  getLeaderElectionToken,
  LeaderOnly,
  LockingModule,
  LockingService,
  LockRequest,
  Singleton,
  WithLock,
  type LeaderElection,
} from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { LogCapture } from '../support/log-capture.js';
import { eventually, rejectionOf } from '../support/poll.js';

const applications = useApplications();

@Injectable()
class Work {
  constructor(private readonly locking: LockingService) {}

  @WithLock('with-lock')
  async withLock(): Promise<string | undefined> {
    return Promise.resolve(this.lockedKey());
  }

  @Singleton('singleton')
  async singleton(): Promise<string | undefined> {
    return Promise.resolve(this.lockedKey());
  }

  @LeaderOnly('e')
  async leaderOnly(): Promise<string | undefined> {
    return Promise.resolve('called');
  }

  @LockJob('job')
  async process(job: Job): Promise<void> {
    return Promise.reject(new Error(`called without a lock, for ${String(job.id)}`));
  }

  private lockedKey(): string | undefined {
    return this.locking.current()?.keys.join();
  }
}

@Injectable()
class Jobs {
  @Cron('* * * * * *', { name: 'plain' })
  plain(): void {
    throw new Error('called');
  }

  @LockedCron('* * * * * *', { name: 'locked' })
  async cron(): Promise<void> {
    return Promise.reject(new Error('called'));
  }

  @LockedInterval('interval', 1000)
  async interval(): Promise<void> {
    return Promise.reject(new Error('called'));
  }
}

@Controller()
class Requests {
  @Get('locked')
  @LockRequest('request')
  locked(): string {
    return 'called';
  }
}

function lazy(more: Omit<DynamicModule, 'module'>): () => DynamicModule {
  @Module({})
  class LazyModule {}

  return () => ({ module: LazyModule, ...more });
}

async function get<T>(app: { get: INestApplication['get'] }, type: Type<T>): Promise<T> {
  return (await app.get(LazyModuleLoader).load(lazy({ providers: [type] }))).get(type);
}

describe('a class of a lazily loaded module', () => {
  it('methods of a lazily loaded class with @WithLock, @Singleton and @LeaderOnly run like others', async () => {
    const leaders = [{ name: 'e' }];
    const app = await applications.start({ imports: [LockingModule.forRoot(), LockingModule.forFeature({ leaders })] });
    await eventually(() => app.get<LeaderElection>(getLeaderElectionToken('e')).isLeader());
    const work = await get(app, Work);
    expect([await work.withLock(), await work.singleton(), await work.leaderOnly()]).toEqual([
      'with-lock',
      'singleton',
      'called',
    ]);
    // As in any class: only a worker passes it a job and a token.
    expect((await rejectionOf(work.process({} as Job))).message).toContain('@LockJob');
  });

  it('a lazily loaded class is refused if the LockingModule is neither global nor imported', async () => {
    const app = await applications.start({ imports: [LockingModule.forRoot({ isGlobal: false })] });
    expect((await rejectionOf(get(app, Work))).message).toContain('LockingService');
  });

  it('a lazily loaded class has no schedules of @LockedCron and @LockedInterval, as it has none of @Cron', async () => {
    const app = await applications.start({ imports: [LockingModule.forRoot(), ScheduleModule.forRoot()] });
    await get(app, Jobs);
    const registry = app.get(SchedulerRegistry);
    expect([...registry.getCronJobs().keys(), ...registry.getIntervals()]).toEqual([]);
  });
});

describe('a controller of a lazily loaded module', () => {
  let app: INestApplication | undefined;
  afterEach(async () => app?.close());

  it('a lazily loaded controller has no route that could run without the lock of its @LockRequest', async () => {
    app = await NestFactory.create({ module: Root, imports: [LockingModule.forRoot()] }, { logger: new LogCapture() });
    await app.listen(0, '127.0.0.1');
    await app.get(LazyModuleLoader).load(lazy({ controllers: [Requests] }));
    const { port } = (app.getHttpServer() as { address(): AddressInfo }).address();
    expect((await fetch(`http://127.0.0.1:${port}/locked`)).status).toBe(404);
  });
});

@Module({})
class Root {}
