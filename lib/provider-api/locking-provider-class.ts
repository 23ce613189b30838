import type { LeaseStore } from './lease-store.js';

/** What a provider is given beside its options. */
export interface LockingProviderContext {
  /** The id of the provider in this application. */
  readonly id: string;

  /** Tells the operator of something that needs attention: a dangerous setting, a lost connection. */
  warn(message: string): void;
}

/**
 * The class of a provider, as named in the module's `providers`.
 *
 * @example
 * class EtcdLockingProvider implements LeaseStore {
 *   static readonly identifier = 'locking-etcd';
 *   static readonly optionNames = ['endpoints'];
 *   constructor(options: { endpoints: string[] }, context: LockingProviderContext) { … }
 * }
 */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- a constructor that takes some options takes no `unknown`
export interface LockingProviderClass<Options = any> {
  new (options: Options, context: LockingProviderContext): LeaseStore;

  /** The id of the provider where the module's options give none. */
  readonly identifier: string;

  /** The options it knows beside those that every provider has; others are refused. Unchecked without it. */
  readonly optionNames?: readonly string[];
}
