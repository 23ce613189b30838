import type { Redis } from 'ioredis';
import type { LoadPeer } from './install-peers.js';

/** Another library that locks a key by writing a string where there is none. */
export interface ForeignLibrary {
  readonly name: string;
  /** What it writes before a key; with it as our `namespace`, the keys meet. */
  readonly namespace: string;
  open(load: LoadPeer, client: Redis, namespace: string): ForeignLocks;
}

/** What such a library can do with a key, which is given without the namespace. Leases are in milliseconds. */
export interface ForeignLocks {
  /** Asks once; `null` when the key is held. The lease is not renewed. */
  tryHold(key: string, lease: number): Promise<ForeignHold | null>;
  /** Waits for the key, runs the job, and releases; meanwhile the library renews the lease by its own means. */
  run<T>(key: string, lease: number, job: () => Promise<T>): Promise<T>;
}

export interface ForeignHold {
  /** What stands at the key. */
  readonly value: string;
  /** Rejects or not when the lease is over already: the libraries differ. */
  release(): Promise<unknown>;
}
