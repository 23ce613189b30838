/** The prefix that other systems put before a provider's id; both spellings mean the same here. */
export const PROVIDER_ID_PREFIX = 'lp_';

/** How long the start of an application waits for a store, in milliseconds. */
export const CONNECT_TIMEOUT = 5000;

/**
 * Where decorated classes and the interceptor find the `LockingService` of their own application. Nest names the
 * property in its error when it cannot be injected, so the description says what to do.
 */
export const LOCKING_SERVICE = Symbol(
  'LockingService, which @WithLock and @LockRequest need: import LockingModule.forRoot() into the root module',
);

/** Another clock than that of the machine, in tests. */
export const LOCKING_CLOCK = Symbol('LOCKING_CLOCK');

/** Marks a `LockingModule` among the modules of an application. Registered, so that every copy of the package has the same. */
export const ONE_PER_APPLICATION = Symbol.for('nestjs-locking:one-per-application');
