import type { LockingProviderClass } from '../provider-api/index.js';

/** The options that the constructor of a provider's class takes. */
type OptionsOf<Class> = Class extends new (options: infer Options, ...rest: never) => unknown ? Options : never;

/** One store of locks, as the module is told of it. The type of `options` is that of the class in `resolve`. */
export interface LockingProviderDefinition<Class extends LockingProviderClass = LockingProviderClass> {
  /** The provider's class, such as `RedisLockingProvider`. */
  resolve: Class;

  /** The name to choose it by. The class's `identifier` (`locking-redis`, `in-memory`) without it. */
  id?: string | undefined;

  /** Whether calls that name no provider use it. Needed where there are several. */
  is_default?: boolean | undefined;

  /** What the provider's class is given, together with the options of every provider. */
  options?: OptionsOf<Class> | undefined;
}

/**
 * Options of `LockingModule.forRoot` and of the factory of `forRootAsync`.
 *
 * Without providers the locks are in memory. One provider is the default; of several, the one with `is_default: true`.
 */
export interface LockingModuleOptions<
  Classes extends readonly LockingProviderClass[] = readonly LockingProviderClass[],
> {
  /** The stores of the application; locks are in memory without them. */
  providers?: { readonly [Index in keyof Classes]: LockingProviderDefinition<Classes[Index]> } | undefined;
}

/** Makes the options of the module, for `useClass` and `useExisting` of `LockingModule.forRootAsync`. */
export interface LockingModuleOptionsFactory {
  /** Called once, at start-up. A rejection keeps the application from starting. */
  createLockingOptions(): LockingModuleOptions | Promise<LockingModuleOptions>;
}
