import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, Scope, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Cron, Interval, ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import {
  LockedCron,
  LockedInterval,
  type LockedCronOptions,
  type TickOptions,
} from '../../../lib/coordination/schedule/index.js';
import { LeaderOnly, LockingModule, WithLock } from '../../../lib/index.js';
import { thrown } from '../../support/nest-apps.js';
import { rejectionOf } from '../../support/poll.js';
import { onEveryStore } from './support/instances.js';

const decorate = (options: unknown) => () => {
  class Jobs {
    @LockedCron('* * * * * *', options as LockedCronOptions)
    async run(): Promise<void> {
      return;
    }
  }
  return Jobs;
};

@Injectable()
class Both {
  runs = 0;

  @LockedCron('0 0 1 1 *', { name: 'a', disabled: true, timeZone: 'Europe/Vienna' })
  async a(one: string, two: string): Promise<void> {
    this.runs += Number(one) + Number(two);
  }

  @LockedInterval('b', 3_600_000)
  async b(): Promise<void> {
    return;
  }
}

async function startOf(metadata: ModuleMetadata): Promise<unknown> {
  @Module(metadata)
  class AppModule {}
  return rejectionOf(NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false }));
}

describe('the decorators', () => {
  it.each<[string, unknown, RegExp]>([
    ['no options', undefined, /@LockedCron: a name is required/],
    ['no name', { expire: '1s' }, /@LockedCron: a name is required/],
    ['an empty name', { name: ' ' }, /name is required/],
    ['milliseconds for seconds', { name: 'a', expire: 30_000 }, /@LockedCron: expire: .*'30000ms'/],
    ['no time', { name: 'a', clockSkew: 'soon' }, /@LockedCron: clockSkew: "soon" is not a length of time/],
    ['a lease of nothing', { name: 'a', expire: 0 }, /too short/],
    ['no boolean', { name: 'a', takeOver: 'yes' }, /takeOver must be true or false/],
    ['no provider', { name: 'a', provider: '' }, /provider must be the id/],
    ['maxHold in vain', { name: 'a', allowOverlap: true, maxHold: '1m' }, /maxHold has no effect/],
  ])('@LockedCron refuses %s, when the class is made', (_what, options, message) => {
    expect(thrown(decorate(options))).toMatchObject({
      code: 'LOCK_CONFIGURATION',
      message: expect.stringMatching(message),
    });
  });

  it.each<[string, string, number, TickOptions, RegExp]>([
    ['no name', '', 1000, {}, /@LockedInterval: a name is required/],
    ['no time', 'a', 0, {}, /@LockedInterval: 0 is not a length of time/],
    ['what no timer can do', 'a', 2 ** 31, {}, /2147483648 is not a length of time/],
    ['an option', 'a', 1000, { expire: 'x' as '1s' }, /@LockedInterval: expire/],
  ])('@LockedInterval refuses %s', (_what, name, milliseconds, options, message) => {
    expect(thrown(() => LockedInterval(name, milliseconds, options))).toMatchObject({
      code: 'LOCK_CONFIGURATION',
      message: expect.stringMatching(message),
    });
  });

  it('two methods of one class may not have the same name of a job', () => {
    const twice = () => {
      class Jobs {
        @LockedCron('* * * * * *', { name: 'same' })
        async first(): Promise<void> {
          return;
        }

        @LockedCron('* * * * * *', { name: 'same' })
        async second(): Promise<void> {
          return;
        }
      }
      return Jobs;
    };
    expect(String(thrown(twice))).toContain('Jobs.first and Jobs.second both have the name "same"');
  });

  it('@LeaderOnly is refused below @LockedCron, where a follower that comes first would lose the tick', () => {
    const below = (scheduled: ReturnType<typeof LockedCron>) => () => {
      class Jobs {
        @scheduled
        @LeaderOnly('jobs')
        async run(): Promise<void> {
          return;
        }
      }
      return Jobs;
    };
    for (const scheduled of [LockedCron('* * * * * *', { name: 'below' }), LockedInterval('below', 1000)]) {
      expect(thrown(below(scheduled))).toMatchObject({
        code: 'LOCK_CONFIGURATION',
        message: expect.stringMatching(/on run: @LeaderOnly stands below it/),
      });
    }
    class Above {
      @LeaderOnly('jobs')
      @LockedCron('* * * * * *', { name: 'above' })
      async run(): Promise<void> {
        return;
      }
    }
    expect(Above.prototype.run.name).toBe('run');
  });

  it('an application with two classes of the same name does not start', async () => {
    @Injectable()
    class First {
      @LockedCron('0 0 1 1 *', { name: 'same', disabled: true })
      async run(): Promise<void> {
        return;
      }
    }
    @Injectable()
    class Second {
      @LockedCron('0 0 1 1 *', { name: 'same', disabled: true })
      async run(): Promise<void> {
        return;
      }
    }
    const imports = [ScheduleModule.forRoot(), LockingModule.forRoot()];
    const error = await startOf({ imports, providers: [First, Second] });
    expect(error).toMatchObject({
      code: 'LOCK_CONFIGURATION',
      message: expect.stringMatching(/@LockedCron: (First|Second)\.run and (First|Second)\.run both have the name/),
    });
  });

  it.each<[string, ModuleMetadata['imports'], string]>([
    ['LockingModule', [ScheduleModule.forRoot()], 'import LockingModule.forRoot() into the root module'],
    ['ScheduleModule', [LockingModule.forRoot()], 'import ScheduleModule.forRoot() into the root module'],
  ])('an application does not start without %s', async (_what, imports, remedy) => {
    expect(String(await startOf({ imports, providers: [Both] }))).toContain(remedy);
  });

  it('a call on an object that Nest has not made is an error', async () => {
    expect(await rejectionOf(new Both().a('1', '2'))).toMatchObject({
      code: 'LOCK_CONFIGURATION',
      message: expect.stringContaining('on an object that Nest has not made'),
    });
  });

  onEveryStore((start) => {
    it('@LockedCron and @LockedInterval register the same jobs as @Cron and @Interval', async () => {
      const { app } = await start([Both]);
      const registry = app.get(SchedulerRegistry);
      const { cronTime, isActive } = registry.getCronJob('a');
      expect([String(cronTime.source), cronTime.timeZone, isActive]).toEqual(['0 0 1 1 *', 'Europe/Vienna', false]);
      expect(registry.getIntervals()).toEqual(['b']);
      expect([Both.prototype.a.name, Both.prototype.a.length]).toEqual(['a', 2]);
    });

    it('a subclass may override a scheduled method', async () => {
      @Injectable()
      class Own extends Both {
        @LockedCron('0 0 1 1 *', { name: 'own', disabled: true })
        override async a(): Promise<void> {
          return;
        }
      }
      const { app } = await start([Own, { provide: 'base', useClass: BothButB }]);
      expect([...app.get(SchedulerRegistry).getCronJobs().keys()].sort()).toEqual(['a', 'own']);
    });

    it('an application starts with a request-scoped class, which @nestjs/schedule leaves out', async () => {
      @Injectable({ scope: Scope.REQUEST })
      class OfRequest {
        @LockedCron('* * * * * *', { name: 'of-request' })
        async run(): Promise<void> {
          return;
        }
      }
      const { app } = await start([OfRequest]);
      const jobs = await app.resolve(OfRequest);
      expect(await rejectionOf(jobs.run())).toMatchObject({ message: expect.stringContaining('no cron job') });
    });

    it('a call of a method whose job was deleted says so', async () => {
      const { app } = await start([Both]);
      app.get(SchedulerRegistry).deleteCronJob('a');
      expect(await rejectionOf(app.get(Both).a('1', '2'))).toMatchObject({
        code: 'LOCK_CONFIGURATION',
        message: expect.stringContaining('no cron job "a" in the SchedulerRegistry'),
      });
    });
  });
});

@Injectable()
class BothButB extends Both {
  override async b(): Promise<void> {
    return;
  }
}

describe('@WithLock with minHold', () => {
  const skip = { timeout: 0, minHold: '700ms', onUnavailable: 'skip' } as const;
  const runs: string[] = [];

  @Injectable()
  class Plain {
    @Cron('0 0 1 1 *', { name: 'plain', disabled: true })
    @WithLock('plain', skip)
    async cron(): Promise<void> {
      runs.push('cron');
    }

    @Interval('plain', 3_600_000)
    @WithLock('plain-interval', skip)
    async interval(): Promise<void> {
      runs.push('interval');
    }
  }

  afterEach(() => {
    runs.length = 0;
  });

  onEveryStore((start) => {
    it.each(['cron', 'interval'] as const)(
      '@WithLock with minHold over @Cron and @Interval runs one tick in that time, and drops a %s tick',
      async (method) => {
        const instances = await Promise.all([1, 2].map(() => start([Plain as Type<Plain>])));
        const [first, second] = instances.map(({ app }) => app.get(Plain));
        await first!.cron();
        await first!.interval();
        await second![method]();
        // another tick, and yet it is dropped: @LockedCron exists for that
        await first![method]();
        expect(runs).toEqual(['cron', 'interval']);
      },
    );
  });
});
