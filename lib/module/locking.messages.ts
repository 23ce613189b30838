import { onOneLine, quote } from '../errors/quote.js';
import { remedyOf } from '../errors/remedy.js';

const list = (ids: readonly string[]): string => ids.map((id) => quote(id)).join(', ');

/** An error in whole sentences, with what to do about it, if it says so. */
function tell(cause: unknown): string {
  const remedy = remedyOf(cause);
  const message = onOneLine(cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, '');
  return `${message}.${remedy === undefined ? '' : ` ${remedy}`}`;
}

export const instanceCalled = (instanceId: string): string =>
  `Locks of this instance are held as ${quote(instanceId, 128)}`;

export const connected = (store: string, id: string): string =>
  `Connection to ${store} in ${quote(id)} provider established`;

export const notConnected = (store: string, id: string, cause: unknown): string =>
  `Connection to ${store} in ${quote(id)} provider failed: ${tell(cause)} Locked calls fail with LockBackendError until it is there`;

export const failedFast = (store: string, id: string, cause: unknown): string =>
  `Connection to ${store} in ${quote(id)} provider failed: ${tell(cause)} The application does not start because of failFast.`;

export const noAnswer = (timeout: number): string => `no answer within ${String(timeout)} ms`;

export const moduleOptionsMissing = (): string =>
  'LockingModule: the options must be an object, such as { providers: [...] }. A factory must return it.';

export const badDebugLog = (): string => 'LockingModule: debugLog must be true or false.';

export const unknownModuleOption = (name: string): string =>
  `LockingModule: ${quote(name)} is not an option. Known are: providers, instanceId, debugLog (and isGlobal beside them).`;

export const severalModules = (count: number, importers: readonly string[]): string =>
  `LockingModule is configured ${String(count)} times in this application, so that a lock taken by one module would not exclude another${importers.length === 0 ? '' : `: LockingModule.forRoot() or forRootAsync() is imported by ${importers.join(', ')}`}. Import it once, in the root module, with every store in its providers: it is global, and all other modules find the LockingService by themselves.`;

export const providersNotArray = (): string =>
  'LockingModule: providers must be an array, such as [{ resolve: RedisLockingProvider, options: { redisUrl } }].';

export const entryNotObject = (position: number): string =>
  `LockingModule: providers[${String(position)}] must be an object, such as { resolve: RedisLockingProvider, options: { redisUrl } }.`;

export const idNotString = (position: number): string =>
  `LockingModule: the id of providers[${String(position)}] must be a string, such as "locking-redis".`;

export const unknownEntryField = (name: string): string =>
  `LockingModule: ${quote(name)} is not a field of a provider. Known are: resolve, id, is_default, options.`;

export const resolveNotClass = (position: number): string =>
  `LockingModule: resolve of providers[${String(position)}] is not a provider class. Give one such as RedisLockingProvider.`;

export const missingId = (position: number): string =>
  `LockingModule: providers[${String(position)}] has no id, and its class has no static identifier. Give one of them.`;

export const repeatedId = (id: string): string =>
  `LockingModule: two providers have the id ${quote(id)}. Give each an id of its own.`;

export const noDefault = (ids: readonly string[]): string =>
  `LockingModule: none of the providers ${list(ids)} is the default. Set is_default: true on one of them.`;

export const severalDefaults = (ids: readonly string[]): string =>
  `LockingModule: the providers ${list(ids)} are all marked as the default. Set is_default: true on one of them only.`;

export const unknownProviderOption = (id: string, name: string, known: readonly string[]): string =>
  `Provider ${quote(id)}: ${quote(name)} is not an option. Known are: ${known.join(', ')}.`;

export const optionsNotObject = (id: string): string => `Provider ${quote(id)}: options must be an object.`;

export const notBoolean = (id: string, name: string): string => `Provider ${quote(id)}: ${name} must be true or false.`;

export const inProvider = (id: string, message: string): string => `Provider ${quote(id)}: ${message}`;

export const unknownProvider = (id: string, ids: readonly string[]): string =>
  `There is no lock provider ${quote(id)}. Configured are: ${list(ids)}.`;

export const jobNotFunction = (call: string): string => `${call}: the job must be a function.`;

export const seenForOneKey = (): string => 'forceRelease: seen is the holder of one key: release one key at a time.';

export const seenNoHolder = (): string =>
  'forceRelease: seen must be a holder as inspect or list has shown it: { ownerId, fencingToken }.';

export const ownerRequired = (): string => 'extend: ownerId is required: only the owner may extend a lock.';

export const closeFailed = (id: string, cause: unknown): string =>
  `The locks of provider ${quote(id)} could not all be released at shutdown: ${tell(cause)} They end with their leases; free what never expires with forceRelease`;

export const connectionNotClosed = (id: string, cause: unknown): string =>
  `The connections of provider ${quote(id)} could not be closed at shutdown: ${tell(cause)} They are left to close by themselves`;

export const notClosed = (timeout: number): string => `not closed within ${String(timeout)} ms`;
