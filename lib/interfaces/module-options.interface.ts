import type { InMemoryLockingProviderOptions } from '../providers/memory/in-memory-locking.provider.js';
import type { RedisLockingProviderOptions } from '../providers/redis/redis-options.interface.js';
import type { RedisQuorumLockingProviderOptions } from '../providers/redis-quorum/redis-quorum-options.interface.js';
import type { LockingProviderClass } from '../provider-api/index.js';
import type { LockingProviderOptions } from './provider-options.interface.js';

/** One store of locks, as the module is told of it. */
export interface LockingProviderDefinition<
  Options =
    | InMemoryLockingProviderOptions
    | RedisLockingProviderOptions
    | RedisQuorumLockingProviderOptions
    | LockingProviderOptions,
> {
  /** The provider's class, such as `RedisLockingProvider`. */
  resolve: LockingProviderClass;

  /** The name to choose it by. The class's `identifier` (`locking-redis`, `in-memory`) without it. */
  id?: string | undefined;

  /** Whether calls that name no provider use it. Needed where there are several. */
  is_default?: boolean | undefined;

  /** What the provider's class is given, together with the options of every provider. */
  options?: Options | undefined;
}

/**
 * Options of `LockingModule.forRoot` and of the factory of `forRootAsync`.
 *
 * Without providers the locks are in memory. One provider is the default; of several, the one with `is_default: true`.
 */
export interface LockingModuleOptions {
  /** The stores of the application; locks are in memory without them. */
  providers?: LockingProviderDefinition[] | undefined;
}

/** Makes the options of the module, for `useClass` and `useExisting` of `LockingModule.forRootAsync`. */
export interface LockingModuleOptionsFactory {
  /** Called once, at start-up. A rejection keeps the application from starting. */
  createLockingOptions(): LockingModuleOptions | Promise<LockingModuleOptions>;
}
