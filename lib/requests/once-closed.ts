/** Something that is closed one day, such as a socket. */
export interface Closable {
  readonly destroyed?: boolean;
  once(event: string, listener: () => void): unknown;
  removeListener(event: string, listener: () => void): unknown;
}

const watched = new WeakMap<Closable, Set<() => void>>();

/**
 * Calls `callback` when `source` closes. A connection has one listener for all of its requests, as a client may send
 * any number of them at a time.
 *
 * @returns a function that stops waiting
 */
export function onceClosed(source: Closable, callback: () => void): () => void {
  let callbacks = watched.get(source);
  if (!callbacks) {
    const all = (callbacks = new Set());
    watched.set(source, all);
    source.once('close', () => {
      for (const call of all) call();
    });
  }
  callbacks.add(callback);
  return () => {
    watched.get(source)?.delete(callback);
  };
}
