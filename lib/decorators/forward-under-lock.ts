import { ReplaySubject, takeUntil, type Observable, type Subscriber } from 'rxjs';
import type { Lock } from '../interfaces/index.js';

/**
 * Subscribes `subscriber` to the values of `source` for as long as the lock is wanted. Resolves when the source
 * completes or its last subscriber leaves, rejects when it fails or the lock is lost. The end of the source is left to
 * the caller to pass on, once the lock is free.
 */
export async function forwardUnderLock<T>(
  source: () => Observable<T>,
  { signal }: Lock,
  subscriber: Subscriber<T>,
): Promise<void> {
  // A source that emits at once may have to stop before there is a subscription to end, or not to begin at all.
  const stop = new ReplaySubject<void>(1);
  let onLost: () => void = () => undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      onLost = () => {
        reject(signal.reason as Error);
        stop.next();
      };
      signal.addEventListener('abort', onLost);
      subscriber.add(() => {
        resolve();
        stop.next();
      });
      if (subscriber.closed) return;
      source()
        .pipe(takeUntil(stop))
        .subscribe({
          next: (value) => {
            subscriber.next(value);
          },
          error: reject,
          complete: resolve,
        });
    });
  } finally {
    // The signal may be that of a lock around this one, and live for long.
    signal.removeEventListener('abort', onLost);
  }
}
