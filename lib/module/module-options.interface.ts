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

  /**
   * The name of this instance of the application, for people: it is logged at the start and part of each id under which
   * the instance holds and waits, so that `inspect` and `list` say who. 1 to 128 visible characters. Two instances with the
   * same name exclude each other all the same. An election has an `instanceId` of its own.
   *
   * @defaultValue host name and process id
   */
  instanceId?: string | undefined;

  /**
   * Whether each acquire, refusal, release and loss is a line of the log, at Nest's level `debug`, as are leaders, ticks,
   * jobs put back and wake-ups. The lines name keys. Where the level is off at the start of the application, nothing listens.
   *
   * @defaultValue false
   */
  debugLog?: boolean | undefined;
}

/** Makes the options of the module, for `useClass` and `useExisting` of `LockingModule.forRootAsync`. */
export interface LockingModuleOptionsFactory {
  /** Called once, at start-up. A rejection keeps the application from starting. */
  createLockingOptions(): LockingModuleOptions | Promise<LockingModuleOptions>;
}
