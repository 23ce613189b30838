import { LockConfigurationError } from '../../errors/index.js';
import { unstartedJob } from '../engine.messages.js';

/** rxjs, too, falls back to this name where the symbol is not defined. */
const OBSERVABLE = (Symbol as { observable?: symbol }).observable ?? '@@observable';

/**
 * Tells work that has not run yet, and would run without its lock, from results. It goes by shape, as an application may
 * have loaded two copies of rxjs, and compilers make plain objects of generators. A value that merely can be iterated over is
 * a result: arrays, Maps, their iterators, and streams, which are returned on purpose.
 *
 * Asked with `in`, as a result may be a Proxy that has an answer for every property.
 *
 * @returns what it is, in words
 */
export function unstartedWork(value: unknown): 'an Observable' | 'a generator' | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  if ('subscribe' in value && ('lift' in value || OBSERVABLE in value)) return 'an Observable';
  const isGenerator = 'next' in value && 'return' in value && 'throw' in value;
  return isGenerator && (Symbol.asyncIterator in value || Symbol.iterator in value) ? 'a generator' : undefined;
}

/** @throws LockConfigurationError for a job that has returned work instead of doing it */
export function assertDone(result: unknown, keys: readonly string[]): void {
  const work = unstartedWork(result);
  if (work) throw new LockConfigurationError(unstartedJob(keys, work));
}
