/** A lock package, as the bench uses it: at its own defaults, by the calls that its documentation recommends. */
export interface Contender {
  /** Runs `job` while it holds `key`. Rejects when the package gives up waiting; the bench then tries again. */
  run(key: string, job: () => Promise<void>): Promise<unknown>;

  /** Takes a key that is free, to be given up later. */
  acquire(key: string): Promise<Held>;

  close(): Promise<unknown>;
}

export interface Held {
  release(): Promise<unknown>;

  /** Makes the lock last longer. Absent where the package has nothing of the kind. */
  extend?(): Promise<unknown>;
}
