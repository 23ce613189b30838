import { loadTookTooLong } from './cache.messages.js';

/**
 * A load took longer than `loadTimeout`. Nothing was stored, and the next call loads again.
 *
 * @example
 * if (error instanceof CacheLoadTimeoutError) throw new ServiceUnavailableException();
 */
export class CacheLoadTimeoutError extends Error {
  override readonly name = 'CacheLoadTimeoutError';

  constructor(
    /** The key whose value was loaded. */
    readonly key: string,
    /** How long the load was allowed to take, in milliseconds. */
    readonly loadTimeout: number,
  ) {
    super(loadTookTooLong(key, loadTimeout));
  }
}
