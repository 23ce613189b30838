interface Watch {
  readonly callbacks: Set<() => void>;
  readonly onAbort: () => void;
}

/**
 * Listens to the signals of callers, once to each: thousands of callers may share one, and a signal looks through all
 * of its listeners whenever one comes or goes.
 */
export class AbortListeners {
  private readonly watches = new WeakMap<AbortSignal, Watch>();

  /** Calls `callback` once, when `signal` aborts. Returns what ends that. */
  listen(signal: AbortSignal, callback: () => void): () => void {
    let watch = this.watches.get(signal);
    if (!watch) {
      watch = watchOver();
      this.watches.set(signal, watch);
      signal.addEventListener('abort', watch.onAbort, { once: true });
    }
    const { callbacks, onAbort } = watch;
    callbacks.add(callback);
    return () => {
      if (!callbacks.delete(callback) || callbacks.size > 0) return;
      signal.removeEventListener('abort', onAbort);
      this.watches.delete(signal);
    };
  }
}

function watchOver(): Watch {
  const callbacks = new Set<() => void>();
  const onAbort = (): void => {
    for (const callback of [...callbacks]) callback();
  };
  return { callbacks, onAbort };
}

const followed = new AbortListeners();

/**
 * Has `controller` abort with `signal`, for the same reason. Returns a function that ends this and leaves nothing on
 * `signal`: `AbortSignal.any` cannot promise that, and a signal may live for long.
 */
export function followSignal(signal: AbortSignal, controller: { abort(reason: unknown): void }): () => void {
  if (!signal.aborted) {
    return followed.listen(signal, () => {
      controller.abort(signal.reason);
    });
  }
  controller.abort(signal.reason);
  return () => undefined;
}
