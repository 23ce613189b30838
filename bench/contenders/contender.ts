/** A lock package, as the bench uses it: at its own defaults, by the calls that its documentation recommends. */
export interface Contender {
  /** Runs `job` while it holds `key`. Rejects when the package gives up waiting; the bench then tries again. */
  run(key: string, job: () => Promise<void>): Promise<unknown>;

  /** Acquires a key that is free. The caller releases it later. */
  acquire(key: string): Promise<Held>;

  close(): Promise<unknown>;
}

export interface Held {
  release(): Promise<unknown>;

  /** Makes the lock last longer. Absent if the package has no such call. */
  extend?(): Promise<unknown>;
}
