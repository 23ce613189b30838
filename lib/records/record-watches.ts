import type { RecordListener } from '../provider-api/index.js';

/** The watches of one provider, by the name of the record. */
export class RecordWatches implements RecordListener {
  private readonly listeners = new Map<string, Set<() => void>>();

  /** Settled once the store tells of changes, or has refused to. */
  opened?: Promise<void>;

  /** @param onFailed - called with what a listener threw */
  constructor(private readonly onFailed: (name: string, error: unknown) => void) {}

  /** Users give a function that returns nothing, which an async one passes for. */
  add(name: string, listener: () => unknown): () => void {
    // Each call has an entry of its own, also for the same function.
    const entry = (): void => {
      this.call(name, listener);
    };
    let all = this.listeners.get(name);
    if (!all) this.listeners.set(name, (all = new Set()));
    all.add(entry);
    return () => {
      all.delete(entry);
      if (all.size === 0 && this.listeners.get(name) === all) this.listeners.delete(name);
    };
  }

  changed(name: string): void {
    for (const listener of [...(this.listeners.get(name) ?? [])]) listener();
  }

  restored(): void {
    for (const name of [...this.listeners.keys()]) this.changed(name);
  }

  /** A listener that fails concerns neither the other listeners nor the connection that brings the messages. */
  private call(name: string, listener: () => unknown): void {
    const failed = (error: unknown): void => {
      this.onFailed(name, error);
    };
    try {
      // One that is async fails later.
      const result = listener();
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }
}
