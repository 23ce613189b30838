import type { DynamicModule } from '@nestjs/common';
import type { LockingProviderOptions } from '../interfaces/index.js';
import type { LockingProviderDefinition } from '../module/module-options.interface.js';
import { LOCKING_CLOCK } from '../module/locking.constants.js';
import { LockingModule } from '../module/locking.module.js';
import { LockingRegistry } from '../module/locking.registry.js';
import { InMemoryLockingProvider } from '../providers/memory/in-memory-locking.provider.js';
import { MemoryLockStore } from '../providers/memory/memory-lock-store.js';
import { DrainInRealTime } from './drain-in-real-time.js';
import { LockingTestControl } from './locking-test-control.js';
import { ManualClock } from './manual-clock.js';

/** Options of `LockingTestingModule.forRoot`. */
export interface LockingTestingModuleOptions {
  /** The ids that the application names, each a store of its own; the first is the default. `in-memory` without them. */
  providers?: readonly string[] | undefined;

  /** The options of all of them: `expire`, `waitLockingTimeout` and so on. */
  options?: LockingProviderOptions | undefined;
}

/**
 * Takes the place of `LockingModule` in tests: real locks, in memory, on a clock that the test moves by hand.
 *
 * @example
 * const app = await Test.createTestingModule({
 *   imports: [LockingTestingModule.forRoot()],
 *   providers: [OrdersService],
 * }).compile();
 * const { clock } = app.get(LockingTestControl);
 */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- used as Nest's modules are
export class LockingTestingModule {
  /**
   * The module to import instead of `LockingModule.forRoot()` or `forRootAsync()`; global, like that.
   *
   * At `app.close()`, `drainTimeout` runs on the manual clock. If the test does not move that for a second of real time
   * while jobs still run, the clock moves by itself until the shutdown is over, and a warning names the keys.
   *
   * @throws LockConfigurationError for options that cannot work
   *
   * @example
   * imports: [LockingTestingModule.forRoot({ providers: ['locking-redis'], options: { expire: '10s' } })]
   */
  static forRoot({ providers = ['in-memory'], options = {} }: LockingTestingModuleOptions = {}): DynamicModule {
    const clock = new ManualClock();
    const stores = new Map(providers.map((id) => [id, new MemoryLockStore(clock.elsewhere)]));
    const definitions = providers.map((id, index): LockingProviderDefinition => ({
      resolve: InMemoryLockingProvider,
      id,
      is_default: index === 0,
      options: { ...options, store: stores.get(id) },
    }));
    const locking = LockingModule.forRoot({ providers: definitions });
    return {
      ...locking,
      providers: [
        ...(locking.providers ?? []),
        { provide: LOCKING_CLOCK, useValue: clock },
        {
          provide: LockingTestControl,
          inject: [LockingRegistry],
          useFactory: (registry: LockingRegistry) => new LockingTestControl(clock, registry, stores),
        },
        {
          provide: DrainInRealTime,
          inject: [LockingRegistry],
          useFactory: (registry: LockingRegistry) => new DrainInRealTime(clock, registry, providers),
        },
      ],
      exports: [LockingTestControl],
    };
  }
}
