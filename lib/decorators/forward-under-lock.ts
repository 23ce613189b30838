import type { Observable, Subscriber, Subscription } from 'rxjs';
import type { Lock } from '../interfaces/index.js';

/**
 * Subscribes `subscriber` to the values of `source` for as long as the lock is wanted. Resolves when the source
 * completes or nobody listens any more, rejects when it fails or the lock is lost. The end of the source is left to
 * the caller to pass on, once the lock is free.
 */
export async function forwardUnderLock<T>(
  source: () => Observable<T>,
  lock: Lock,
  subscriber: Subscriber<T>,
): Promise<void> {
  let subscription: Subscription | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      lock.signal.addEventListener('abort', () => {
        reject(lock.signal.reason as Error);
      });
      subscriber.add(resolve);
      if (subscriber.closed) return;
      subscription = source().subscribe({
        next: (value) => {
          subscriber.next(value);
        },
        error: reject,
        complete: resolve,
      });
    });
  } finally {
    subscription?.unsubscribe();
  }
}
