import { describe, expect, it } from '@jest/globals';
import { forwardRef, Inject, Injectable, Module, Scope } from '@nestjs/common';
import { ContextIdFactory, LazyModuleLoader, ModuleRef } from '@nestjs/core';
import { isLockConfigurationError, LockingService, WithLock } from '../../lib/index.js';
import { isHeld, rejection, Stage, useLockingApps, waiting } from '../support/nest-apps.js';

const stages = new Map<string, Stage>();
const stageOf = (id: string): Stage => {
  const stage = stages.get(id) ?? new Stage();
  stages.set(id, stage);
  return stage;
};

abstract class Job {
  @WithLock('job:<0>')
  async run(id: string, name: string): Promise<string> {
    await stageOf(id).enter(name);
    return name;
  }
}

@Injectable()
class SingletonJob extends Job {}

@Injectable({ scope: Scope.REQUEST })
class RequestJob extends Job {}

@Injectable({ scope: Scope.TRANSIENT })
class TransientJob extends Job {}

@Injectable({ scope: Scope.REQUEST, durable: true })
class DurableJob extends Job {}

@Injectable()
class Users {
  constructor(
    readonly mine: TransientJob,
    @Inject(TransientJob) readonly other: TransientJob,
  ) {}
}

describe('@WithLock: scopes and how an instance is made', () => {
  const startApp = useLockingApps();

  /** Expects that two instances exclude each other. */
  const expectExclusion = async (
    app: Awaited<ReturnType<typeof startApp>>,
    id: string,
    first: Job,
    second: Job,
  ): Promise<void> => {
    const stage = stageOf(id);
    const calls = [first.run(id, 'first'), second.run(id, 'second')];
    await stage.entered('first');
    await waiting(app, `job:${id}`);
    expect(stage.inside).toEqual(['first']);
    stage.leave('first');
    await stage.entered('second');
    stage.leave('second');
    expect(await Promise.all(calls)).toEqual(['first', 'second']);
  };

  it.each([
    ['a singleton', SingletonJob, 'singleton'],
    ['a transient', TransientJob, 'transient'],
    ['a request-scoped provider', RequestJob, 'request'],
    ['a durable provider', DurableJob, 'durable'],
  ])('each instance of %s is locked', async (_what, job, id) => {
    const app = await startApp({ providers: [job] });
    const first = await app.resolve<Job>(job, ContextIdFactory.create()).catch(() => app.get<Job>(job));
    const second = await app.resolve<Job>(job, ContextIdFactory.create()).catch(() => app.get<Job>(job));
    expect(first === second).toBe(id === 'singleton');
    await expectExclusion(app, id, first, second);
  });

  it('transient instances that another provider gets are locked', async () => {
    const app = await startApp({ providers: [TransientJob, Users] });
    const { mine, other } = app.get(Users);
    await expectExclusion(app, 'given', mine, other);
  });

  it('an instance made by ModuleRef.create, and one of a lazily loaded module, are locked', async () => {
    @Injectable()
    class LateJob extends Job {}

    @Module({ providers: [LateJob] })
    class LateModule {}

    const app = await startApp({});
    const created = await app.get(ModuleRef).create(SingletonJob);
    const lateModule = await app.get(LazyModuleLoader).load(() => LateModule);
    await expectExclusion(app, 'late', created, lateModule.get(LateJob));
  });

  it('services that refer to each other are locked, in both directions', async () => {
    @Injectable()
    class Left {
      constructor(
        @Inject(forwardRef(() => Right)) readonly right: { run(): Promise<string> },
        private readonly locking: LockingService,
      ) {}

      @WithLock('left')
      async run(): Promise<string> {
        return Promise.resolve(`left under ${this.locking.current()?.keys.join() ?? 'none'}`);
      }

      @WithLock('both')
      async both(): Promise<string> {
        return this.right.run();
      }
    }

    @Injectable()
    class Right {
      constructor(
        @Inject(forwardRef(() => Left)) readonly left: { run(): Promise<string> },
        private readonly locking: LockingService,
      ) {}

      @WithLock('right')
      async run(): Promise<string> {
        const keys = this.locking.current()?.keys.join() ?? 'none';
        return `right under ${keys}, ${await this.left.run()}`;
      }
    }
    const app = await startApp({ providers: [Left, Right] });
    expect(await app.get(Left).both()).toBe('right under right, left under left');
    expect(await app.get(Right).run()).toBe('right under right, left under left');
  });

  it('methods are locked from onModuleInit on', async () => {
    @Injectable()
    class Warmup {
      held = false;
      constructor(private readonly locking: LockingService) {}

      async onModuleInit(): Promise<void> {
        await this.run();
      }

      @WithLock('warm-up')
      async run(): Promise<void> {
        this.held = (await this.locking.inspect('warm-up')) !== null;
      }
    }
    const app = await startApp({ providers: [Warmup] });
    expect(app.get(Warmup).held).toBe(true);
    expect(await isHeld(app, 'warm-up')).toBe(false);
  });

  describe('an instance that Nest has not injected into', () => {
    class Plain {
      calls = 0;

      @WithLock('plain')
      async run(): Promise<void> {
        this.calls += 1;
        return Promise.resolve();
      }
    }

    it('an instance made with new does not run a locked method', async () => {
      const plain = new Plain();
      const error = await rejection(plain.run());
      expect(isLockConfigurationError(error)).toBe(true);
      expect(String(error)).toMatch(/an instance of Plain.*from Nest.*import LockingModule/);
      expect(plain.calls).toBe(0);
    });

    it('an instance that a factory made does not run a locked method', async () => {
      const app = await startApp({ providers: [{ provide: Plain, useFactory: () => new Plain() }] });
      expect(isLockConfigurationError(await rejection(app.get(Plain).run()))).toBe(true);
      expect(app.get(Plain).calls).toBe(0);
    });

    it('an instance does not run a locked method in its constructor', async () => {
      @Injectable()
      class Eager extends Plain {
        readonly early = rejection(this.run());
      }
      const app = await startApp({ providers: [Eager] });
      const eager = app.get(Eager);
      expect(isLockConfigurationError(await eager.early)).toBe(true);
      expect(eager.calls).toBe(0);
      await eager.run();
      expect(eager.calls).toBe(1);
    });

    it.each([
      ['undefined', undefined],
      ['another object', {}],
      ['an object without a prototype', Object.create(null)],
    ])('a locked method without its instance does not run: "this" is %s', async (_what, self) => {
      const run = Reflect.get<Plain, 'run'>(Plain.prototype, 'run');
      expect(isLockConfigurationError(await rejection(run.call(self)))).toBe(true);
    });
  });
});
