import { setMaxListeners } from 'node:events';
import { droppedLock } from '../engine.messages.js';
import type { Grant } from '../hold/lease.js';
import { LinkedList, type ListElement } from '../runtime/linked-list.js';
import { makeInNeutralContext } from '../runtime/neutral-context.js';

/** A lock that is watched over. */
export interface WatchedLock extends ListElement<WatchedLock> {
  /** Until the garbage collector is to tell of it. */
  lock: object | undefined;
  readonly keys: readonly string[];
  readonly grants: readonly Grant[];
}

/** How long a lock is simply referred to, in milliseconds. Most are released by then, and cost the collector nothing. */
const YOUNG = 100;

/** As it is when the library is loaded: the garbage collector does not go by the fake timers of a test. */
const setRealTimeout = setTimeout;

/** A signal keeps its lock from the garbage collector: code that still uses the signal counts on the lock. */
const lockOf = new WeakMap<AbortSignal, object>();

/**
 * Notices locks that the garbage collector takes before their release: no code can release them any more, and they would
 * be renewed for as long as the process lives. Their renewal ends, so that their leases expire.
 */
export class DroppedLocks {
  private readonly registry: FinalizationRegistry<WatchedLock>;
  private readonly young = new LinkedList<WatchedLock>();
  private timer?: NodeJS.Timeout;

  constructor(private readonly warn: (message: string) => void) {
    this.registry = new FinalizationRegistry((watched) => {
      this.end(watched);
    });
  }

  watch(lock: object, keys: readonly string[], grants: readonly Grant[]): WatchedLock {
    const watched: WatchedLock = { lock, keys, grants, previous: undefined, next: undefined };
    this.young.add(watched);
    this.timer ??= makeInNeutralContext(setRealTimeout, this.leaveToCollector, YOUNG).unref();
    return watched;
  }

  /** The lock has been released. */
  unwatch(watched: WatchedLock): void {
    if (!watched.lock) this.registry.unregister(watched);
    else {
      this.young.remove(watched);
      watched.lock = undefined;
    }
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

  private readonly leaveToCollector = (): void => {
    this.timer = undefined;
    for (const watched of this.young) {
      this.young.remove(watched);
      if (watched.lock) this.registry.register(watched.lock, watched, watched);
      watched.lock = undefined;
    }
  };

  private end({ keys, grants }: WatchedLock): void {
    const isHeld = grants.every((grant) => grant.held || grant.doubted);
    for (const grant of grants) {
      // Until its lease has expired the code that dropped it may still count on it.
      if (grant.leave() === 0) grant.setRenewal(0);
    }
    if (isHeld) this.warn(droppedLock(keys));
  }
}
