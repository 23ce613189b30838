import { describe, expect, it } from '@jest/globals';
import { Injectable, Module } from '@nestjs/common';
import {
  getLeaderElectionToken,
  InjectLeaderElection,
  InMemoryLockingProvider,
  LeaderElection,
  LeaderOnly,
  LockConfigurationError,
  LockingModule,
  MemoryLockStore,
  OnFollower,
  OnLeader,
  type LeaderElectionOptions,
} from '../../../lib/index.js';
import { LazyModuleLoader } from '@nestjs/core';
import { setTimeout as delay } from 'node:timers/promises';
import { thrown } from '../../support/nest-apps.js';
import { listedKeys } from '../../support/listed-keys.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { useInstances } from './support.js';

const start = useInstances();

const refusalOf = (leader: unknown): string => {
  const error = thrown(() => LockingModule.forFeature({ leaders: [leader as LeaderElectionOptions] }));
  expect(error).toBeInstanceOf(LockConfigurationError);
  return (error as Error).message;
};

describe('LockingModule.forFeature', () => {
  it('an election has defaults for all options except the name', async () => {
    const { election } = await start({
      imports: [LockingModule.forRoot(), LockingModule.forFeature({ leaders: [{ name: 'e' }] })],
    });
    expect(election()).toMatchObject({ name: 'e', heartbeatInterval: 5000, leaderTimeout: 15_000 });
    expect(election().instanceId).toMatch(new RegExp(`-${process.pid}-[0-9a-f]{6}$`));
  });

  it.each([
    [undefined, 'must be an object with a name'],
    [{}, 'name of a leader election must be a text'],
    [{ name: '' }, 'name of a leader election must be a text'],
    [{ name: 'n'.repeat(257) }, 'of 1 to 256 characters'],
    [{ name: 'e', instanceId: '' }, 'Leader election "e": instanceId of a leader election must be a text'],
    [{ name: 'e', instanceId: '\ud800' }, 'halves of surrogate pairs'],
    [{ name: 'e', provider: 7 }, 'provider must be the id of a provider'],
    [
      { name: 'e', interval: 7 },
      '"interval" is not an option of a leader election. Known are: name, heartbeatInterval,',
    ],
    [{ name: 'e', heartbeatInterval: '5 s' }, 'heartbeatInterval: "5 s" is not a length of time'],
    [{ name: 'e', leaderTimeout: 15_000 }, 'leaderTimeout: a bare number is seconds'],
    [{ name: 'e', heartbeatInterval: 0 }, 'heartbeatInterval: 0 is too short'],
    [{ name: 'e', leaderTimeout: '597h' }, 'leaderTimeout: 2149200000 ms is too long'],
    [{ name: 'e', heartbeatInterval: '600h', leaderTimeout: '2000h' }, 'heartbeatInterval: 2160000000 ms is too long'],
    [
      { name: 'e', heartbeatInterval: '8s' },
      'leaderTimeout (15000 ms) must be at least twice heartbeatInterval (8000 ms)',
    ],
  ])('refuses %j', (leader, message) => {
    expect(refusalOf(leader)).toContain(message);
  });

  it.each([
    [undefined, 'the options must be an object'],
    [{ leader: [] }, '"leader" is not an option. Known are: leaders, isGlobal.'],
    [{}, 'leaders must be an array'],
    [{ leaders: [], isGlobal: 'no' }, 'isGlobal must be true or false'],
  ])('forFeature refuses %j as a whole', (options, message) => {
    const error = thrown(() => LockingModule.forFeature(options as never));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect((error as Error).message).toContain(message);
  });

  it('a shutdown waits for handlers, also with durations longer than a timer of Node allows', async () => {
    const [started, finish] = [deferred(), deferred()];
    @Injectable()
    class Work {
      @OnLeader('e')
      async lead(): Promise<void> {
        started.resolve();
        await finish.promise;
      }
    }
    const longest = { name: 'e', heartbeatInterval: '298h', leaderTimeout: '596h' } as const;
    const provider = { resolve: InMemoryLockingProvider, options: { drainTimeout: '100000h' } } as const;
    const { app } = await start({
      imports: [LockingModule.forRoot({ providers: [provider] }), LockingModule.forFeature({ leaders: [longest] })],
      providers: [Work],
    });
    await started.promise;
    let isClosed = false;
    const closing = app.close().then(() => (isClosed = true));
    // A timer that overflows fires after a millisecond.
    await delay(50);
    expect(isClosed).toBe(false);
    finish.resolve();
    await closing;
  });

  it('an election that is registered twice is shared if its options are equal, and refused if not', async () => {
    const one = LockingModule.forFeature({ leaders: [{ name: 'e', provider: 'lp_in-memory' }] });
    const same = LockingModule.forFeature({ leaders: [{ name: 'e', leaderTimeout: 15, provider: 'in-memory' }] });
    const other = LockingModule.forFeature({ leaders: [{ name: 'e', leaderTimeout: 20, provider: 'in-memory' }] });
    const { election } = await start({ imports: [LockingModule.forRoot(), one, same] });
    await eventually(() => election().isLeader());

    const error = await rejectionOf(start({ imports: [LockingModule.forRoot(), one, other] }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toContain('"e" is registered twice, with different options');
  });

  it('forFeature is refused in a lazily loaded module, unless the election exists already', async () => {
    const leaders = [{ name: 'e' }];
    @Module({ imports: [LockingModule.forFeature({ leaders: [{ name: 'late' }] })] })
    class Late {}
    @Module({ imports: [LockingModule.forFeature({ leaders })] })
    class Known {}
    const { app, election } = await start({
      imports: [LockingModule.forRoot(), LockingModule.forFeature({ leaders })],
    });
    const loader = app.get(LazyModuleLoader);
    const error = await rejectionOf(loader.load(() => Late));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toContain('Leader election "late" comes with a lazily loaded module');
    await loader.load(() => Known);
    await eventually(() => election().isLeader());
  });

  it('forFeature finds the locks of a forRoot that is not global', async () => {
    const { election } = await start({
      imports: [LockingModule.forRoot({ isGlobal: false }), LockingModule.forFeature({ leaders: [{ name: 'e' }] })],
    });
    await eventually(() => election().isLeader());
  });

  it('with isGlobal: false, only modules that import forFeature have its elections', async () => {
    const feature = LockingModule.forFeature({ leaders: [{ name: 'e' }], isGlobal: false });
    @Injectable()
    class Reader {
      constructor(@InjectLeaderElection('e') readonly election: LeaderElection) {}
    }
    @Module({ imports: [feature], providers: [Reader] })
    class Near {}
    const { app } = await start({ imports: [LockingModule.forRoot(), Near] });
    expect(app.get(Reader).election).toBeInstanceOf(LeaderElection);
    await expect(start({ imports: [LockingModule.forRoot(), Near], providers: [Reader] })).rejects.toThrow(
      'LeaderElection(e), of LockingModule.forFeature({ leaders })',
    );
  });

  it('an application does not start with an election on an unknown provider', async () => {
    const store = new MemoryLockStore();
    const locks = LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { store } }] });
    const leaders = [{ name: 'other' }, { name: 'e', provider: 'nowhere' }];
    const error = await rejectionOf(start({ imports: [locks, LockingModule.forFeature({ leaders })] }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toBe('There is no lock provider "nowhere". Configured are: "in-memory".');
    // The instance takes part in no election.
    const { locking } = await start({ imports: [locks] });
    expect(await listedKeys(locking)).toEqual([]);
  });

  it('an application with an election does not start without locks', async () => {
    const error = await rejectionOf(start({ imports: [LockingModule.forFeature({ leaders: [{ name: 'e' }] })] }));
    expect(error.message).toContain('import LockingModule.forRoot() into the root module');
  });
});

describe('LockingModule.forFeatureAsync', () => {
  const CONFIG = Symbol('config');
  @Module({ providers: [{ provide: CONFIG, useValue: 'pod-7' }], exports: [CONFIG] })
  class ConfigModule {}

  const feature = (made: readonly LeaderElectionOptions[] = [{ name: 'a' }, { name: 'b' }]) =>
    LockingModule.forFeatureAsync({
      names: ['a', 'b'],
      imports: [ConfigModule],
      inject: [CONFIG],
      useFactory: async (instanceId: string) =>
        Promise.resolve({ leaders: made.map((each) => ({ instanceId, ...each })) }),
    });

  it('forFeatureAsync takes options from a factory', async () => {
    const { election } = await start({ imports: [LockingModule.forRoot(), feature()] });
    await eventually(() => election('a').isLeader() && election('b').isLeader());
    expect(await election('b').leaderId()).toBe('pod-7');
  });

  it.each([
    [[{ name: 'a' }], 'names announces "a", "b", but the factory returned "a"'],
    [[{ name: 'a' }, { name: 'b', leaderTimeout: 1 }], 'leaderTimeout (1000 ms) must be at least twice'],
  ] as const)('an application does not start with %j from the factory', async (made, message) => {
    const error = await rejectionOf(start({ imports: [LockingModule.forRoot(), feature(made)] }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toContain(message);
  });

  it.each([
    [{ useFactory: () => ({ leaders: [] }) }, 'names must be an array'],
    [{ names: ['a'] }, 'useFactory must be a function'],
    [{ names: [''], useFactory: () => ({ leaders: [] }) }, 'name of a leader election must be a text'],
  ])('refuses %j', (options, message) => {
    expect((thrown(() => LockingModule.forFeatureAsync(options as never)) as Error).message).toContain(message);
  });
});

describe('a name that is not registered', () => {
  @Injectable()
  class Leads {
    @OnLeader('relay')
    lead(): void {
      // never called
    }
  }
  @Injectable()
  class Follows {
    @OnFollower('relay')
    follow(): void {
      // never called
    }
  }
  @Injectable()
  class Only {
    @LeaderOnly('relay')
    async work(): Promise<void> {
      return Promise.resolve();
    }
  }

  it.each([
    ['@OnLeader("relay") on Leads.lead', Leads],
    ['@OnFollower("relay") on Follows.follow', Follows],
    ['@LeaderOnly("relay") on Only.work', Only],
  ])('an application does not start with a decorator for an unknown election: %s', async (label, provider) => {
    const leaders = [{ name: 'nightly' }, { name: 'mail' }];
    const known = await rejectionOf(
      start({ imports: [LockingModule.forRoot(), LockingModule.forFeature({ leaders })], providers: [provider] }),
    );
    expect(known).toBeInstanceOf(LockConfigurationError);
    expect(known.message).toBe(
      `${label}: there is no leader election "relay". Registered are: "mail", "nightly". Add it with LockingModule.forFeature({ leaders: [{ name: "relay" }] }).`,
    );
    const none = await rejectionOf(start({ imports: [LockingModule.forRoot()], providers: [provider] }));
    expect(none.message).toContain('Registered are: none.');
  });

  it('the error of an injected election that is not registered names it', async () => {
    @Injectable()
    class Injected {
      constructor(@InjectLeaderElection('relay') readonly election: LeaderElection) {}
    }
    await expect(start({ imports: [LockingModule.forRoot()], providers: [Injected] })).rejects.toThrow(
      getLeaderElectionToken('relay'),
    );
  });

  it('a @LeaderOnly method is refused on an instance that Nest has not made', async () => {
    await expect(new Only().work()).rejects.toThrow(LockConfigurationError);
  });
});

describe('the decorators', () => {
  const method = { value: async () => Promise.resolve() };

  it.each([
    ['a name that is none', () => OnLeader('')],
    ['a fallback that is none', () => LeaderOnly('e', { onFollower: 7 as never })],
    ['an unknown option', () => LeaderOnly('e', { fallback: () => 1 } as never)],
    ['a static method', () => LeaderOnly('e')(Function, 'run', method)],
    ['a property', () => OnFollower('e')({}, 'run', {})],
  ])('the decorators refuse %s', (_, decorate) => {
    expect(thrown(decorate)).toBeInstanceOf(LockConfigurationError);
  });
});
