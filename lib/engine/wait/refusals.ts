import { LockBackendError, LockTimeoutError } from '../../errors/index.js';
import { callFailed, deadlocked, noAnswerInTime, queueFull, timedOut, type KeyInTheWay } from '../engine.messages.js';
import type { LeaseTable } from '../hold/lease-table.js';
import type { StoreCalls } from '../store/store-calls.js';
import type { Waiter } from './queue.js';

/** After this long without an answer, in milliseconds, a wait that times out is put down to the store. */
const SILENCE = 1000;

/** Why a wait that has lasted long enough ends without the lock: the store has failed, or another holder has it. */
export function timeoutOf(waiter: Waiter, calls: StoreCalls, leases: LeaseTable): Error {
  const { keys, failure, answered, around = [] } = waiter;
  const { timeout } = waiter.options;
  if (failure !== undefined) {
    return new LockBackendError(keys, callFailed('lock', keys, failure), { cause: failure });
  }
  const tolerance = answered || timeout === 0 ? SILENCE : Math.min(SILENCE, timeout / 2);
  if (calls.silence >= tolerance && keys.every((key) => leases.get(key) === undefined)) {
    return new LockBackendError(keys, noAnswerInTime(keys, timeout));
  }
  const heldAround = timeout > 0 ? around.filter(({ held }) => held).flatMap((grant) => grant.keys) : [];
  const message = timedOut(keys, timeout, keyInTheWayOf(waiter, leases), [...new Set(heldAround)].sort());
  return new LockTimeoutError(keys, timeout, message);
}

/** The holder of one of the keys that `waiter` lacks, as far as it is known. */
function keyInTheWayOf({ keys, entries, options, around = [], inTheWay }: Waiter, leases: LeaseTable): KeyInTheWay {
  for (const key of keys) {
    const grants = leases.get(key)?.grants ?? [];
    const [grant] = grants;
    // What it has already of several keys.
    if (!grant || grant.options === options) continue;
    if (grants.some((one) => around.includes(one))) return { key, holder: 'a job around' };
    return { key, holder: 'this process', ownerId: grant.options.ownerId };
  }
  const key = inTheWay ?? entries.map(({ queue }) => queue.head?.waiter.inTheWay).find((one) => one !== undefined);
  if (key !== undefined && keys.includes(key)) return { key, holder: 'another process' };
  return { key: keys[0] ?? '', holder: 'unknown' };
}

/** Why a wait does not go on: a holder of its keys waits for `circle`, which jobs around this call hold. */
export function deadlockOf({ keys, options }: Waiter, circle: readonly string[]): Error {
  return new LockTimeoutError(keys, options.timeout, deadlocked(keys, circle), 'deadlock');
}

/** Why a wait does not begin: too many wait for `key`. */
export function queueFullFor({ keys, options }: Waiter, key: string): Error {
  const { timeout, maxWaiters } = options;
  return new LockTimeoutError(keys, timeout, queueFull(keys, key, maxWaiters), 'queue-full');
}
