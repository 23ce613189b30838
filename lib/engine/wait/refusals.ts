import { LockBackendError, LockTimeoutError } from '../../errors/index.js';
import { callFailed, deadlocked, noAnswerInTime, queueFull, timedOut } from '../engine.messages.js';
import type { EngineParts } from '../engine-parts.js';
import type { Waiter } from './waiter.js';

/** After this long without an answer, in milliseconds, a wait that times out is put down to the store. */
const SILENCE = 1000;

/** Why a wait that has lasted long enough ends without the lock. */
export function refusalOf(waiter: Waiter, parts: EngineParts): Error {
  const { keys, failure, options } = waiter;
  const { timeout } = options;
  if (failure !== undefined) {
    return new LockBackendError(keys, callFailed('lock', keys, failure), { cause: failure });
  }
  if (isStoreSilent(waiter, parts)) return new LockBackendError(keys, noAnswerInTime(keys, timeout));
  return new LockTimeoutError(keys, timeout, timedOut(keys, timeout, timeout > 0 ? heldAround(waiter) : []));
}

/** Why a wait does not go on: a holder of its keys waits for `circle`, which jobs around this call hold. */
export function deadlockOf({ keys, options }: Waiter, circle: readonly string[]): Error {
  return new LockTimeoutError(keys, options.timeout, deadlocked(keys, circle), 'deadlock');
}

/** The keys that jobs around the call hold while it waits. */
function heldAround({ around = [] }: Waiter): readonly string[] {
  return [...new Set(around.filter(({ held }) => held).flatMap((grant) => grant.keys))].sort();
}

/** Why a wait does not begin: too many wait for `key`. */
export function queueFullFor({ keys, options }: Waiter, key: string): Error {
  const { timeout, maxWaiters } = options;
  return new LockTimeoutError(keys, timeout, queueFull(keys, key, maxWaiters), 'queue-full');
}

/** Whether a wait that is over failed for want of an answer, and not because somebody holds a key. */
function isStoreSilent({ keys, answered, options: { timeout } }: Waiter, { calls, leases }: EngineParts): boolean {
  if (keys.some((key) => leases.get(key) !== undefined)) return false;
  const tolerance = answered || timeout === 0 ? SILENCE : Math.min(SILENCE, timeout / 2);
  return calls.silence >= tolerance;
}
