import { setMaxListeners } from 'node:events';
import { droppedLock } from '../engine.messages.js';
import type { Grant } from '../hold/lease.js';

/** The remains of a lock that was dropped. */
interface Remains {
  readonly keys: readonly string[];
  readonly grants: readonly Grant[];
}

/** A signal keeps its lock from the garbage collector: code that still uses the signal counts on the lock. */
const lockOf = new WeakMap<AbortSignal, object>();

/**
 * Notices locks that the garbage collector takes before their release: no code can release them any more, and they would
 * be renewed for as long as the process lives. Their renewal ends, so that their leases expire.
 */
export class DroppedLocks {
  private readonly registry: FinalizationRegistry<Remains>;

  constructor(private readonly warn: (message: string) => void) {
    this.registry = new FinalizationRegistry((remains) => {
      this.end(remains);
    });
  }

  watch(lock: object, keys: readonly string[], grants: readonly Grant[]): void {
    this.registry.register(lock, { keys, grants }, lock);
  }

  /** `lock` has been released. */
  unwatch(lock: object): void {
    this.registry.unregister(lock);
  }

  /**
   * A signal that aborts with `signal` and keeps `lock` in memory while it is referred to or listened to. The engine
   * itself refers to `signal`, which therefore cannot tell whether a user does.
   */
  signalFor(lock: object, signal: AbortSignal): AbortSignal {
    const own = AbortSignal.any([signal]);
    setMaxListeners(Infinity, own);
    lockOf.set(own, lock);
    return own;
  }

  private end({ keys, grants }: Remains): void {
    const isHeld = grants.every((grant) => grant.held || grant.doubted);
    for (const grant of grants) {
      // Until its lease has expired the code that dropped it may still count on it.
      if (grant.leave() === 0) grant.setRenewal(0);
    }
    if (isHeld) this.warn(droppedLock(keys));
  }
}
