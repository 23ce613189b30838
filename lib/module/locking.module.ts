import {
  Inject,
  Module,
  type BeforeApplicationShutdown,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
  type OnApplicationShutdown,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import {
  leaderElectionFeature,
  leaderElectionFeatureAsync,
} from '../coordination/leader-election/leader-election.feature.js';
import { LeaderElectionModule } from '../coordination/leader-election/leader-election.module.js';
import type {
  LockingFeatureAsyncOptions,
  LockingFeatureOptions,
} from '../coordination/leader-election/leader-election-options.interface.js';
import type { Clock } from '../engine/runtime/clock.js';
import { RecordService } from '../records/record.service.js';
import { CheckpointService } from '../coordination/checkpoints/checkpoint.service.js';
import { CircuitBreakerState } from '../coordination/circuit-breaker/circuit-breaker-state.js';
import { IdempotencyService } from '../coordination/idempotency/idempotency.service.js';
import { LockDebugLog } from '../operations/debug-log/lock-debug-log.js';
import { LockEvents } from '../operations/events/lock-events.js';
import { LockedClasses } from '../requests/locked-classes.js';
import type { LockingModuleOptions } from './module-options.interface.js';
import type { LockingProviderClass } from '../provider-api/index.js';
import { LOCKING_CLOCK, ONE_PER_APPLICATION } from './locking.constants.js';
import { type ASYNC_OPTIONS_TYPE, ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } from './locking.module-definition.js';
import { LockingRegistry } from './locking.registry.js';
import { LockingService } from './locking.service.js';
import { assertOnePerApplication } from './one-per-application.js';

/**
 * Gives an application its locks. Import it once, in the root module; it is global unless `isGlobal: false`. A second
 * `forRoot()` in the same application is refused at start-up; other applications in the process have their own.
 *
 * `forRoot()` needs no configuration and locks within the process; `forRoot({ providers })` and `forRootAsync` (with
 * `useFactory`, `useClass` or `useExisting`) name the stores.
 *
 * Stores are connected before anything that uses the `LockingService` is built. At shutdown new locks are refused,
 * running jobs drained and held locks released (`beforeApplicationShutdown`), then connections closed
 * (`onApplicationShutdown`).
 *
 * @throws LockConfigurationError at start-up, for options that cannot work
 *
 * @example
 * \@Module({
 *   imports: [
 *     LockingModule.forRootAsync({
 *       inject: [ConfigService],
 *       useFactory: (config: ConfigService) => ({
 *         providers: [
 *           { resolve: RedisLockingProvider, options: { redisUrl: config.getOrThrow('LOCKING_REDIS_URL') } },
 *         ],
 *       }),
 *     }),
 *   ],
 * })
 * export class AppModule {}
 */
@Module({
  imports: [LeaderElectionModule],
  providers: [
    { provide: ONE_PER_APPLICATION, inject: [ModulesContainer], useFactory: assertOnePerApplication },
    {
      provide: LockingRegistry,
      // The first one is not used, but nothing is connected before it is there.
      inject: [ONE_PER_APPLICATION, MODULE_OPTIONS_TOKEN, { token: LOCKING_CLOCK, optional: true }],
      useFactory: async (_: true, options: LockingModuleOptions, clock: Clock | undefined) => {
        const registry = new LockingRegistry(options, clock);
        await registry.connect();
        return registry;
      },
    },
    {
      provide: LockingService,
      inject: [LockingRegistry],
      useFactory: (registry: LockingRegistry) => new LockingService(registry),
    },
    {
      provide: RecordService,
      inject: [LockingRegistry],
      useFactory: (registry: LockingRegistry) => new RecordService(registry),
    },
    {
      provide: CheckpointService,
      inject: [LockingRegistry, LockingService, RecordService],
      useFactory: (registry: LockingRegistry, locking: LockingService, records: RecordService) => {
        const checkpoints = new CheckpointService(locking, records, registry);
        registry.provideCheckpoints((provider) => (lock, options) => checkpoints.of(lock, provider, options));
        return checkpoints;
      },
    },
    {
      provide: IdempotencyService,
      inject: [LockingService, RecordService],
      useFactory: (locking: LockingService, records: RecordService) => new IdempotencyService(locking, records),
    },
    {
      provide: LockEvents,
      inject: [LockingRegistry],
      useFactory: (registry: LockingRegistry) => new LockEvents(registry.application),
    },
    {
      provide: LockDebugLog,
      inject: [LockEvents, MODULE_OPTIONS_TOKEN],
      useFactory: (events: LockEvents, { debugLog }: LockingModuleOptions) =>
        new LockDebugLog(events, debugLog === true),
    },
    {
      provide: CircuitBreakerState,
      inject: [LockingRegistry, LockingService, RecordService, { token: LOCKING_CLOCK, optional: true }],
      useFactory: (registry: LockingRegistry, locking: LockingService, records: RecordService, clock?: Clock) =>
        new CircuitBreakerState(locking, records, (id) => registry.resolveId(id), clock),
    },
    LockedClasses,
  ],
  exports: [CheckpointService, CircuitBreakerState, IdempotencyService, LockEvents, LockingService, RecordService],
})
export class LockingModule extends ConfigurableModuleClass implements BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(@Inject(LockingRegistry) private readonly registry: LockingRegistry) {
    super();
  }

  /**
   * The module with options that are known now; with none, locks are in memory. Global unless `isGlobal` is false.
   *
   * @throws LockConfigurationError at start-up, for options that cannot work
   *
   * @example
   * LockingModule.forRoot({
   *   providers: [{ resolve: RedisLockingProvider, options: { redisUrl: 'redis://localhost:6379', expire: '30s' } }],
   * })
   */
  static override forRoot<Classes extends readonly LockingProviderClass[] | []>(
    options: LockingModuleOptions<Classes> & { isGlobal?: boolean } = {},
  ): DynamicModule {
    return super.forRoot(options as LockingModuleOptions);
  }

  /**
   * As `forRoot`, with options that `useFactory` returns, or the `createLockingOptions` of the class in `useClass` or
   * `useExisting`. `inject` names what the factory is given. Global unless `isGlobal` is false.
   *
   * @throws LockConfigurationError at start-up, for options that cannot work
   *
   * @example
   * LockingModule.forRootAsync({
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({
   *     providers: [
   *       { resolve: RedisLockingProvider, options: { redisUrl: config.getOrThrow('LOCKING_REDIS_URL') } },
   *     ],
   *   }),
   * })
   */
  static override forRootAsync<Classes extends readonly LockingProviderClass[] | []>(
    options: ConfigurableModuleAsyncOptions<LockingModuleOptions<Classes>, 'createLockingOptions'> & {
      isGlobal?: boolean;
    },
  ): DynamicModule {
    return super.forRootAsync(options as typeof ASYNC_OPTIONS_TYPE);
  }

  /**
   * The leader elections that the application takes part in: import it beside `forRoot()`, in any module.
   *
   * @throws LockConfigurationError for options that cannot work
   *
   * @example
   * LockingModule.forFeature({ leaders: [{ name: 'relay', heartbeatInterval: '5s', leaderTimeout: '15s' }] })
   */
  static forFeature(options: LockingFeatureOptions): DynamicModule {
    return leaderElectionFeature(options);
  }

  /**
   * As `forFeature`, with options that a factory makes. The names have to be known before.
   *
   * @throws LockConfigurationError for options that cannot work; at start-up for what the factory returned
   *
   * @example
   * LockingModule.forFeatureAsync({
   *   names: ['relay'],
   *   inject: [ConfigService],
   *   useFactory: (config: ConfigService) => ({ leaders: [{ name: 'relay', instanceId: config.get('POD_NAME') }] }),
   * })
   */
  static forFeatureAsync(options: LockingFeatureAsyncOptions): DynamicModule {
    return leaderElectionFeatureAsync(options);
  }

  /** Called by Nest: refuses new locks, drains running jobs, releases what is held. */
  async beforeApplicationShutdown(): Promise<void> {
    await this.registry.drain();
  }

  /** Called by Nest: closes the connections that this module has opened. */
  async onApplicationShutdown(): Promise<void> {
    await this.registry.close();
  }
}
