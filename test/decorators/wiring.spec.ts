import { afterEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, Scope, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Test } from '@nestjs/testing';
import {
  InMemoryLockingProvider,
  isLockConfigurationError,
  LockingModule,
  LockingService,
  MemoryLockStore,
  WithLock,
} from '../../lib/index.js';
import { isHeld, rejection, Stage, useApps, waiting } from '../support/nest-apps.js';

@Injectable()
class Jobs {
  readonly stage = new Stage();

  @WithLock('job')
  async run(name: string): Promise<string> {
    await this.stage.enter(name);
    return name;
  }

  @WithLock('named', { provider: 'lp_second' })
  async onSecond(name: string): Promise<string> {
    await this.stage.enter(name);
    return name;
  }

  @WithLock('nowhere', { provider: 'nowhere' })
  async onMissing(): Promise<string> {
    return Promise.resolve('ran');
  }
}

@Injectable({ scope: Scope.REQUEST })
class RequestJobs extends Jobs {}

/** Another dependency of a class with a locked method. */
@Injectable()
class Clerk {}

abstract class ScopedJobs {
  static runs = 0;

  @Inject(Clerk) readonly clerk?: Clerk;

  @WithLock('job')
  async run(): Promise<void> {
    ScopedJobs.runs += 1;
    return Promise.resolve();
  }
}

@Injectable({ scope: Scope.REQUEST })
class JobsOfRequest extends ScopedJobs {}

@Injectable({ scope: Scope.TRANSIENT })
class JobsOfUser extends ScopedJobs {}

@Controller()
class JobsController {
  @Get()
  @WithLock('http')
  async run(): Promise<string> {
    return Promise.resolve('ran');
  }
}

describe('@WithLock without LockingModule', () => {
  const contexts: INestApplicationContext[] = [];

  afterEach(async () => {
    await Promise.all(contexts.splice(0).map(async (context) => context.close()));
  });

  it.each([
    ['a provider', { providers: [Jobs] }],
    ['a request-scoped provider', { providers: [RequestJobs] }],
    ['a controller', { controllers: [JobsController] }],
  ])('the application does not start, and says what to import: %s', async (_what, metadata) => {
    @Module(metadata)
    class AppModule {}
    const error = await rejection(NestFactory.create(AppModule, { logger: false, abortOnError: false }));
    expect(String(error)).toContain('import LockingModule.forRoot() into the root module');
    expect(String(error)).toContain('@WithLock');
    await expect(Test.createTestingModule(metadata).compile()).rejects.toThrow('LockingModule.forRoot()');
  });

  // Nest 11.1.20 to 12.1.3 resolves the dependencies of these only when one is requested, and forgets them the next
  // time.
  it.each([
    ['a request-scoped provider', JobsOfRequest],
    ['a transient provider', JobsOfUser],
  ])('no call runs, and each says what to import, if not the start does: %s', async (_what, type) => {
    @Module({ providers: [type, Clerk] })
    class AppModule {}
    const start = async () => {
      const context = await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
      contexts.push(context);
      return context;
    };
    const runs = ScopedJobs.runs;
    const started = await start().catch((error: unknown) => error);
    if (started instanceof Error) {
      expect(String(started)).toContain('import LockingModule.forRoot() into the root module');
      return;
    }
    const context = started as INestApplicationContext;
    for (let call = 1; call <= 3; call += 1) {
      const error = await rejection(context.resolve<ScopedJobs>(type).then(async (jobs) => jobs.run()));
      expect(String(error)).toContain('import LockingModule.forRoot() into the root module');
    }
    expect(ScopedJobs.runs).toBe(runs);
  });

  it('an application without locked methods works without the LockingModule', async () => {
    @Module({})
    class AppModule {}
    contexts.push(await NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false }));
    expect(contexts).toHaveLength(1);
  });

  it('with isGlobal: false, a module that does not import it does not start', async () => {
    @Module({ providers: [Jobs] })
    class FeatureModule {}
    @Module({ imports: [LockingModule.forRoot({ isGlobal: false }), FeatureModule] })
    class AppModule {}
    const error = await rejection(NestFactory.create(AppModule, { logger: false, abortOnError: false }));
    expect(String(error)).toContain('LockingModule.forRoot()');
    expect(String(error)).toContain('FeatureModule');
  });
});

describe('@WithLock with LockingModule', () => {
  const startApp = useApps();

  it('a global LockingModule is found from any module', async () => {
    @Module({ providers: [Jobs] })
    class DeepModule {}
    @Module({ imports: [DeepModule] })
    class FeatureModule {}

    const app = await startApp({ imports: [FeatureModule, LockingModule.forRoot()] });
    const jobs = app.get(Jobs, { strict: false });
    const call = jobs.run('a');
    await jobs.stage.entered('a');
    expect(await isHeld(app, 'job')).toBe(true);
    jobs.stage.leave('a');
    expect(await call).toBe('a');
  });

  it('with isGlobal: false, the LockingModule is found where it is imported', async () => {
    const locking = LockingModule.forRoot({ isGlobal: false });
    @Module({ imports: [locking], providers: [Jobs], exports: [Jobs] })
    class FeatureModule {}
    @Module({ imports: [locking], providers: [{ provide: 'other', useClass: Jobs }] })
    class OtherModule {}

    const app = await startApp({ imports: [FeatureModule, OtherModule] });
    const [jobs, other] = [app.get(Jobs, { strict: false }), app.get<Jobs>('other', { strict: false })];
    const call = jobs.run('a');
    await jobs.stage.entered('a');
    const second = other.run('b');
    // one dynamic module, imported twice, is one module with one service
    await waiting(app, 'job');
    jobs.stage.leave('a');
    await other.stage.entered('b');
    other.stage.leave('b');
    expect(await Promise.all([call, second])).toEqual(['a', 'b']);
  });

  it('the LockingModule of forRootAsync is found', async () => {
    const app = await startApp({
      imports: [LockingModule.forRootAsync({ useFactory: async () => Promise.resolve({}) })],
      providers: [Jobs],
    });
    const jobs = app.get(Jobs);
    const call = jobs.run('a');
    await jobs.stage.entered('a');
    expect(await isHeld(app, 'job')).toBe(true);
    jobs.stage.leave('a');
    await call;
  });

  it('@WithLock locks on the provider that its options name', async () => {
    const app = await startApp({
      imports: [
        LockingModule.forRoot({
          providers: [
            { resolve: InMemoryLockingProvider, is_default: true },
            { resolve: InMemoryLockingProvider, id: 'second' },
          ],
        }),
      ],
      providers: [Jobs],
    });
    const jobs = app.get(Jobs);
    const call = jobs.onSecond('a');
    await jobs.stage.entered('a');
    expect(await isHeld(app, 'named')).toBe(false);
    expect(await app.get(LockingService).provider('second').inspect('named')).not.toBeNull();
    jobs.stage.leave('a');
    expect(await call).toBe('a');
  });

  it('@WithLock with an unknown provider is refused, and the method does not run', async () => {
    const app = await startApp({ imports: [LockingModule.forRoot()], providers: [Jobs] });
    const error = await rejection(app.get(Jobs).onMissing());
    expect(isLockConfigurationError(error)).toBe(true);
    expect(String(error)).toContain('"nowhere"');
  });

  it('a test can replace the LockingService of @WithLock', async () => {
    const calls: unknown[] = [];
    const fake = {
      execute: async (keys: unknown, job: (lock: object) => unknown) => {
        calls.push(keys);
        return Promise.resolve(job({}));
      },
    };
    const module = await Test.createTestingModule({ imports: [LockingModule.forRoot()], controllers: [JobsController] })
      .overrideProvider(LockingService)
      .useValue(fake)
      .compile();
    expect(await module.get(JobsController).run()).toBe('ran');
    expect(calls).toEqual([['http']]);
    await module.close();
  });

  describe('two applications in one process', () => {
    it('two applications in one process see only their own locks, each on its own provider', async () => {
      const first = await startApp({ imports: [LockingModule.forRoot()], providers: [Jobs] });
      const second = await startApp({
        imports: [LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, id: 'second' }] })],
        providers: [Jobs],
      });
      const [one, two] = [first.get(Jobs), second.get(Jobs)];

      const calls = [one.run('a'), two.run('b')];
      await one.stage.entered('a');
      await two.stage.entered('b');
      expect(await isHeld(first, 'job')).toBe(true);
      expect(await isHeld(second, 'job')).toBe(true);

      // only the second application has this provider
      const named = two.onSecond('c');
      await two.stage.entered('c');
      expect(await isHeld(second, 'named')).toBe(true);
      expect(isLockConfigurationError(await rejection(one.onSecond('d')))).toBe(true);

      two.stage.leave('b');
      two.stage.leave('c');
      one.stage.leave('a');
      expect(await Promise.all([...calls, named])).toEqual(['a', 'b', 'c']);
    });

    it('an application goes on when another one in its process is closed', async () => {
      const first = await startApp({ imports: [LockingModule.forRoot()], providers: [Jobs] });
      const second = await startApp({ imports: [LockingModule.forRoot()], providers: [Jobs] });
      const [one, two] = [first.get(Jobs), second.get(Jobs)];
      const call = two.run('before');
      await two.stage.entered('before');
      await first.close();
      two.stage.leave('before');
      expect(await call).toBe('before');
      const after = two.run('after');
      await two.stage.entered('after');
      two.stage.leave('after');
      await after;
      expect(await rejection(one.run('late'))).toMatchObject({ code: 'LOCK_BACKEND' });
    });

    it('two applications in one process exclude each other on a common store', async () => {
      const store = new MemoryLockStore();
      const locking = () =>
        LockingModule.forRoot({ providers: [{ resolve: InMemoryLockingProvider, options: { store } }] });
      const first = await startApp({ imports: [locking()], providers: [Jobs] });
      const second = await startApp({ imports: [locking()], providers: [Jobs] });
      const [one, two] = [first.get(Jobs), second.get(Jobs)];

      const calls = [one.run('a')];
      await one.stage.entered('a');
      calls.push(two.run('b'));
      await waiting(second, 'job');
      expect(two.stage.inside).toEqual([]);
      one.stage.leave('a');
      await two.stage.entered('b');
      two.stage.leave('b');
      expect(await Promise.all(calls)).toEqual(['a', 'b']);
    });
  });
});
