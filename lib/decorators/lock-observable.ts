import { AsyncResource } from 'node:async_hooks';
import { defer, Observable, type Subscriber } from 'rxjs';
import { followSignal } from '../engine/runtime/abort-listeners.js';
import { setImmediate } from '../engine/runtime/real-queues.js';
import { LockLostError } from '../errors/index.js';
import type { ExecuteOptions, Lock } from '../interfaces/index.js';
import { subscribedTooLate } from './decorators.messages.js';
import { forwardUnderLock } from './forward-under-lock.js';

type Execute = (job: (lock: Lock) => Promise<void>, options: Pick<ExecuteOptions, 'signal'>) => Promise<void>;

/**
 * An Observable that takes the lock when it is subscribed to, makes its source under it, and gives it up when that
 * completes, fails or is unsubscribed from; each subscription anew.
 *
 * @param onRefused - what to do instead when the lock was not had
 */
export function lockObservable<T>(
  execute: Execute,
  source: () => Observable<T>,
  outerSignal: AbortSignal | undefined,
  onRefused: (error: unknown) => Observable<T>,
): Observable<T> {
  return new Observable<T>((subscriber) => {
    const abort = new AbortController();
    const stopFollowing = outerSignal && followSignal(outerSignal, abort);
    let entered = false;
    const run = execute(
      async (lock) => {
        entered = true;
        await forwardUnderLock(source, lock, subscriber);
      },
      { signal: abort.signal },
    );
    run.then(
      () => {
        subscriber.complete();
      },
      (error: unknown) => {
        if (entered) subscriber.error(error);
        else subscriber.add(defer(() => onRefused(error)).subscribe(subscriber));
      },
    );
    return () => {
      stopFollowing?.();
      abort.abort();
    };
  });
}

/** A method that turned out to return an Observable. */
interface TurnedOut {
  /** The method, for messages. */
  readonly label: string;
  /** It returned the Observable itself, and the decorator did not know. */
  readonly isUndeclared: boolean;
}

/** How a method that turned out to return an Observable goes on: see {@link keepUntilSettled}. */
export interface KeptObservable<T> {
  readonly observable: Observable<T>;
  /** Settles when the lock is no longer needed, as the last subscription did. */
  readonly done: Promise<void>;
}

/**
 * For a method that turned out to return an Observable: it is called under the lock already, so that lock is kept
 * until its Observable has no subscriber any more. If none comes within the time that the lease has left, the lock is
 * released. A subscription after that fails.
 *
 * A caller of an undeclared one expects the Observable itself, and the Promise it got is of no use to it. Callers that
 * wait for either, as Nest does, subscribe in the same turn of the event loop: after that the lock is released.
 *
 * @param released - settles as the call under the lock does, once the lock is free
 */
export function keepUntilSettled<T>(
  source: Observable<T>,
  lock: Lock,
  released: () => Promise<unknown>,
  { label, isUndeclared }: TurnedOut,
): KeptObservable<T> {
  let finish: (outcome?: Promise<void>) => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  let subscribers = 0;
  let unclaimed: NodeJS.Timeout | undefined;
  if (isUndeclared) {
    setImmediate(() => {
      if (subscribers === 0) finish();
    });
  } else {
    unclaimed = setTimeout(finish, Math.min(lock.remaining, 30_000));
    unclaimed.unref();
  }
  // Bound to the call of the method, for what the source calls in turn is to join its lock.
  const forward = AsyncResource.bind(async (subscriber: Subscriber<T>): Promise<unknown> => {
    subscribers += 1;
    const forwarded = forwardUnderLock(() => source, lock, subscriber);
    await Promise.allSettled([forwarded]);
    subscribers -= 1;
    if (subscribers > 0) return forwarded;
    finish(forwarded);
    return released();
  });
  const observable = new Observable<T>((subscriber) => {
    clearTimeout(unclaimed);
    if (!lock.held) {
      finish();
      subscriber.error(new LockLostError(lock.keys, subscribedTooLate('@WithLock', label, isUndeclared)));
      return;
    }
    forward(subscriber).then(
      () => {
        subscriber.complete();
      },
      (error: unknown) => {
        subscriber.error(error);
      },
    );
  });
  return { observable, done };
}
