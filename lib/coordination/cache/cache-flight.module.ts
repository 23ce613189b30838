import {
  ConfigurableModuleBuilder,
  Module,
  type ConfigurableModuleAsyncOptions,
  type DynamicModule,
} from '@nestjs/common';
import { LockingService } from '../../module/locking.service.js';
import { CacheFlight } from './cache-flight.js';
import type { CacheFlightOptions } from './cache-options.interface.js';
import type { CacheFlightStore } from './cache-store.interface.js';

/** The token of `@nestjs/cache-manager`, which is a string there as well. */
const CACHE_MANAGER = 'CACHE_MANAGER';

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<CacheFlightOptions>({
  moduleName: 'CacheFlight',
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createCacheFlightOptions')
  // A method with @CacheOnce may stand in any module, so every module must find the service.
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal }))
  .build();

/**
 * Gives an application its `CacheFlight`. Import it once, in the root module, beside `LockingModule`; it is global unless
 * `isGlobal: false`.
 *
 * @throws LockConfigurationError at start-up, for options that cannot work
 *
 * @example
 * \@Module({
 *   imports: [LockingModule.forRoot(), CacheFlightModule.forRoot({ store: new Keyv(), ttl: '1m' })],
 * })
 * export class AppModule {}
 */
@Module({
  providers: [
    {
      provide: CacheFlight,
      inject: [LockingService, MODULE_OPTIONS_TOKEN, { token: CACHE_MANAGER, optional: true }],
      useFactory: (locking: LockingService, options: CacheFlightOptions, manager: CacheFlightStore | undefined) =>
        new CacheFlight(locking, { ...options, store: options.store ?? manager }),
    },
  ],
  exports: [CacheFlight],
})
export class CacheFlightModule extends ConfigurableModuleClass {
  /**
   * The module to import, with the cache and the defaults of every call.
   *
   * @param options - `store` (default `CACHE_MANAGER`), `prefix`, `cacheTimeout`, and those of `getOrSet`; `isGlobal`
   * @throws LockConfigurationError at start-up, for options that cannot work
   *
   * @example
   * CacheFlightModule.forRoot({ store: new Keyv(new KeyvRedis('redis://localhost:6379')), ttl: '1m', staleFor: '10m' })
   */
  static override forRoot(options: CacheFlightOptions & { isGlobal?: boolean } = {}): DynamicModule {
    return super.forRoot(options);
  }

  /**
   * As {@link forRoot}, with `useFactory`, `useClass` or `useExisting`.
   *
   * @throws LockConfigurationError at start-up, for options that cannot work
   *
   * @example
   * CacheFlightModule.forRootAsync({
   *   inject: [CACHE_MANAGER],
   *   useFactory: (store: Cache) => ({ store, ttl: '1m' }),
   * })
   */
  static override forRootAsync(
    options: ConfigurableModuleAsyncOptions<CacheFlightOptions, 'createCacheFlightOptions'> & { isGlobal?: boolean },
  ): DynamicModule {
    return super.forRootAsync(options);
  }
}
