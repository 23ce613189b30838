import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import {
  Inject,
  Injectable,
  Module,
  type DynamicModule,
  type OnModuleDestroy,
  type OnModuleInit,
} from '@nestjs/common';
import { ConfigModule, ConfigService } from '@nestjs/config';
import { setTimeout as delay } from 'node:timers/promises';
import {
  InMemoryLockingProvider,
  LockConfigurationError,
  LockingModule,
  LockingService,
  type LockingModuleOptions,
  type LockingModuleOptionsFactory,
} from '../../lib/index.js';
import { LockingRegistry } from '../../lib/module/locking.registry.js';
import { MODULE_OPTIONS_TOKEN } from '../../lib/module/locking.module-definition.js';
import { useApplications } from '../support/applications.js';
import { rejectionOf } from '../support/poll.js';

const applications = useApplications();

const named = (id: string): LockingModuleOptions => ({ providers: [{ resolve: InMemoryLockingProvider, id }] });

/** Expects that the application locks on the provider of `named(id)`. */
async function expectProvider(locking: LockingModule | DynamicModule, id: string): Promise<void> {
  const app = await applications.start({ imports: [locking as DynamicModule] });
  expect(await app.get(LockingService).inspect('k', { provider: id })).toBeNull();
}

@Injectable()
class Orders {
  constructor(@Inject(LockingService) readonly locking: LockingService) {}
}

/** A module that uses locks without importing the LockingModule. */
@Module({ providers: [Orders], exports: [Orders] })
class OrdersModule {}

@Injectable()
class OptionsFactory implements LockingModuleOptionsFactory {
  async createLockingOptions(): Promise<LockingModuleOptions> {
    return named('made-by-class');
  }
}

@Module({ providers: [OptionsFactory], exports: [OptionsFactory] })
class OptionsModule {}

describe('forRoot', () => {
  it('forRoot locks without any configuration', async () => {
    const app = await applications.start({ imports: [LockingModule.forRoot()] });
    expect(await app.get(LockingService).execute('k', (lock) => lock.keys)).toEqual(['k']);
  });

  it('forRoot takes providers', async () => {
    await expectProvider(LockingModule.forRoot(named('mine')), 'mine');
  });

  it('forRoot takes isGlobal beside the providers, without passing it on', async () => {
    await expectProvider(LockingModule.forRoot({ ...named('mine'), isGlobal: true }), 'mine');
  });
});

describe('forRootAsync', () => {
  beforeEach(() => {
    process.env.TEST_LOCKING_ID = 'from-config';
  });

  afterEach(() => {
    delete process.env.TEST_LOCKING_ID;
  });

  it('forRootAsync takes useFactory with imports and inject', async () => {
    await expectProvider(
      LockingModule.forRootAsync({
        imports: [ConfigModule.forRoot({ ignoreEnvFile: true })],
        inject: [ConfigService],
        useFactory: (config: ConfigService) => named(config.getOrThrow('TEST_LOCKING_ID')),
      }),
      'from-config',
    );
  });

  it('forRootAsync waits for an asynchronous factory', async () => {
    const useFactory = async (): Promise<LockingModuleOptions> => {
      await delay(5);
      return named('late');
    };
    await expectProvider(LockingModule.forRootAsync({ useFactory }), 'late');
  });

  it('forRootAsync takes useClass', async () => {
    await expectProvider(LockingModule.forRootAsync({ useClass: OptionsFactory }), 'made-by-class');
  });

  it('forRootAsync takes useExisting', async () => {
    const locking = LockingModule.forRootAsync({ imports: [OptionsModule], useExisting: OptionsFactory });
    await expectProvider(locking, 'made-by-class');
  });

  it('an error of the factory fails the start', async () => {
    const cause = new Error('no such setting');
    const useFactory = (): never => {
      throw cause;
    };
    const starting = applications.start({ imports: [LockingModule.forRootAsync({ useFactory })] });
    expect(await rejectionOf(starting)).toBe(cause);
  });

  it.each([undefined, null, 'redis://h'])('does not lock in memory for a factory that returns %j', async (value) => {
    const useFactory = (): LockingModuleOptions => value as never;
    const error = await rejectionOf(applications.start({ imports: [LockingModule.forRootAsync({ useFactory })] }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toBe(
      'LockingModule: the options must be an object, such as { providers: [...] }. A factory must return it.',
    );
  });

  it('isGlobal from the factory is refused, as it would have no effect', async () => {
    const useFactory = () => ({ isGlobal: false }) as LockingModuleOptions;
    const error = await rejectionOf(applications.start({ imports: [LockingModule.forRootAsync({ useFactory })] }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toContain('"isGlobal" is not an option');
  });
});

describe.each([
  ['forRoot', (extras: { isGlobal?: boolean }) => LockingModule.forRoot({ ...extras })],
  [
    'forRootAsync',
    (extras: { isGlobal?: boolean }) => LockingModule.forRootAsync({ ...extras, useFactory: () => ({}) }),
  ],
])('the reach of %s', (_, locking) => {
  it.each([{}, { isGlobal: true }])('with %j, all modules have the LockingService', async (extras) => {
    const app = await applications.start({ imports: [locking(extras), OrdersModule] });
    expect(app.get(Orders, { strict: false }).locking).toBe(app.get(LockingService));
  });

  it('with isGlobal: false, only modules that import the LockingModule have the LockingService', async () => {
    const imports = [locking({ isGlobal: false }), OrdersModule];
    expect((await rejectionOf(applications.start({ imports }))).message).toMatch(/can't resolve .* Orders/);

    const module = locking({ isGlobal: false });
    @Module({ imports: [module], providers: [Orders] })
    class ImportingModule {}
    const app = await applications.start({ imports: [module, ImportingModule] });
    expect(app.get(Orders, { strict: false }).locking).toBe(app.get(LockingService, { strict: false }));
  });
});

describe('the module', () => {
  it.each([LockingRegistry, MODULE_OPTIONS_TOKEN])('the module does not export its inner parts: %p', async (token) => {
    const use = { provide: 'inner', inject: [token], useFactory: (part: unknown) => part };
    const starting = applications.start({ imports: [LockingModule.forRoot()], providers: [use] });
    expect((await rejectionOf(starting)).message).toMatch(/can't resolve dependencies of the inner/);
  });

  it('locks work from onModuleInit to onModuleDestroy', async () => {
    const held: string[] = [];
    @Injectable()
    class Early implements OnModuleInit, OnModuleDestroy {
      constructor(@Inject(LockingService) private readonly locking: LockingService) {}
      async onModuleInit(): Promise<void> {
        await this.locking.execute('init', (lock) => held.push(...lock.keys));
      }
      async onModuleDestroy(): Promise<void> {
        // Nest runs the hooks again when an application is closed again, as after each test.
        if (held.includes('destroy')) return;
        await this.locking.execute('destroy', (lock) => held.push(...lock.keys));
      }
    }
    @Module({ providers: [Early] })
    class EarlyModule {}
    const app = await applications.start({ imports: [EarlyModule, LockingModule.forRoot()] });
    await app.init();
    expect(held).toEqual(['init']);
    await app.close();
    expect(held).toEqual(['init', 'destroy']);
  });

  it('two applications in one process have separate locks', async () => {
    const [one, two] = await Promise.all([applications.withLocks(), applications.withLocks(named('other'))]);
    await one.locking.acquire('k', { expire: '1m' });
    expect(await two.locking.tryAcquire('k')).not.toBeNull();
    expect(() => one.locking.provider('other')).toThrow(LockConfigurationError);

    await one.app.close();
    expect(await two.locking.inspect('k')).not.toBeNull();
    expect(await two.locking.execute('next', () => 'still runs')).toBe('still runs');
  });
});
