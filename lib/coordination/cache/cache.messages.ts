import { onOneLine, quote } from '../../errors/quote.js';

const told = (cause: unknown): string => onOneLine(cause instanceof Error ? cause.message : String(cause));

export const storeMissing = (): string =>
  'CacheFlight has no cache. Give one, CacheFlightModule.forRoot({ store: new Keyv() }), or import CacheModule.register({ isGlobal: true }) of @nestjs/cache-manager, whose CACHE_MANAGER is used then.';

export const storeNotUsable = (): string =>
  'store must be a Keyv, the Cache of cache-manager, or an object with get, set, clear, and delete or del.';

export const optionsNotObject = (): string =>
  'The options of CacheFlight must be an object, such as { ttl: "1m", staleFor: "10m" }.';

export const notAnOption = (name: string, known: readonly string[]): string =>
  `${quote(name)} is not an option of this call of CacheFlight. Known are: ${known.join(', ')}.`;

export const ttlMissing = (): string =>
  'A ttl is required: { ttl: "1m" }, in the call or for all calls in CacheFlightModule.forRoot.';

export const betaNotUsable = (beta: unknown): string =>
  `beta must be a number from 0 on (0: no early refresh; 1: the usual), not ${String(beta)}.`;

export const lockFailureNotUsable = (): string => `onLockFailure must be 'load' or 'throw'.`;

export const prefixNotString = (): string => 'prefix must be a string, such as "shop:".';

export const notFunction = (name: string): string => `${name} must be a function that returns a number.`;

export const providerNotId = (): string => `provider must be the id of a lock provider, such as 'locking-redis'.`;

export const keyNotUsable = (): string => 'The key of a cached value must be a string that is not empty.';

export const reservedCacheKey = (prefix: string): string =>
  `Keys of cached values that begin with ${quote(prefix)} belong to this package: clear deletes them, and keys does not list them. Choose another key.`;

export const severalKeys = (count: number): string =>
  `@CacheOnce: a call has one key, and this one came to ${String(count)}. Name one: 'report:<0>'.`;

export const loadNotFunction = (): string =>
  'getOrSet: the load must be a function: getOrSet(key, () => load(), { ttl: "1m" }).';

export const keysNotListed = (): string =>
  'keys: this cache cannot list its keys. A Keyv can whose store has an iterator: memory, @keyv/redis, @keyv/postgres.';

export const loadTookTooLong = (key: string, milliseconds: number): string =>
  `The value of ${quote(key)} was not loaded within ${String(milliseconds)} ms (loadTimeout). Its lock was released, and what the load comes to later is dropped. Let the load end when its signal aborts, or raise loadTimeout.`;

export const cacheSilent = (milliseconds: number, consequence: string): string =>
  `The cache did not answer within ${String(milliseconds)} ms (cacheTimeout)${consequence && `. ${consequence}`}`;

export const maybeSet = (key: string): string =>
  `Whether it has stored ${quote(key)} is not known; it is deleted should it be stored later. Set it again.`;

export const maybeDeleted = (key: string): string =>
  `Whether it has deleted ${quote(key)} is not known, and calls may be served the value. Delete it again.`;

export const maybeCleared = (): string => 'Whether it is empty is not known. Clear it again.';

export const notCleared = (prefix: string): string =>
  `clear: this cache cannot list its keys, so that those with the prefix ${quote(prefix)} cannot be found, and to empty it would delete what others have in it. Give CacheFlight a cache of its own, without a prefix, or a Keyv whose store has an iterator: memory, @keyv/redis, @keyv/postgres.`;

export const stillThere = (): string =>
  `The cache was not emptied, and did not say why. A Keyv tells it to its listeners: keyv.on('error', …). Clear it again.`;

export const unreadableValue = (key: string, cause: unknown): string =>
  `What the cache has under ${quote(key)} cannot be read. It counts as missing, and the next load overwrites it: ${told(cause)}`;

export const foreignValue = (key: string): string =>
  `What the cache has under ${quote(key)} is no value of this CacheFlight: other software has written it, or a CacheFlight with another prefix. It counts as missing, and the next load overwrites it. Give each user of the cache a prefix of its own.`;

export const cacheFailed = (key: string, cause: unknown): string =>
  `The cache cannot be used for ${quote(key)}; values are loaded without it, and it is asked again in a second: ${told(cause)}`;

export const notKept = (key: string): string =>
  `The cache did not keep the value of ${quote(key)}: it is down, full, or its ttl is shorter. For a second each process loads the value by itself.`;

export const notSet = (key: string): string =>
  `The cache did not store ${quote(key)}, and did not say why. A Keyv tells it to its listeners: keyv.on('error', …). Nothing was changed; try again.`;

export const notDeleted = (key: string): string =>
  `The cache still has ${quote(key)} after it was told to delete it, and did not say why. A Keyv tells it to its listeners: keyv.on('error', …). Try again.`;

export const valueRefused = (key: string, cause: unknown): string =>
  `The cache refused the value of ${quote(key)}, which is returned and not stored. A cache that keeps JSON cannot keep a BigInt, or an object that contains itself: ${told(cause)}`;

export const unstartedLoad = (key: string, work: string): string =>
  `The load of ${quote(key)} returned ${work}, which cannot be cached. Return a Promise: for an Observable, lastValueFrom(observable) of rxjs.`;

export const withoutLock = (key: string, cause: unknown): string =>
  `${quote(key)} is loaded or changed without a lock (onLockFailure: 'load'): ${told(cause)}`;

export const notStored = (key: string, cause: unknown): string =>
  `What was loaded for ${quote(key)} changes nothing in the cache, as its lock or the cache did not answer: ${told(cause)}`;

export const refreshFailed = (key: string, cause: unknown): string =>
  `The value of ${quote(key)} could not be loaded anew; the earlier one is served while it may be: ${told(cause)}`;

export const notInjected = (): string =>
  'A method with @CacheOnce was called on an object that Nest has not made. Get the instance from Nest (as a provider or controller), call the method on it, so that "this" is right, and import CacheFlightModule.forRoot() into the root module.';
