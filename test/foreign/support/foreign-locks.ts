import type { Redis } from 'ioredis';
import type { LoadPeer } from './install-peers.js';

/** Another library that locks a key by writing a string if the key does not exist. */
export interface ForeignLibrary {
  readonly name: string;
  /** The prefix of its keys. With it as our `namespace`, both lock the same keys. */
  readonly namespace: string;
  open(load: LoadPeer, client: Redis, namespace: string): ForeignLocks;
}

/** The calls of such a library. Keys are without the namespace, leases in milliseconds. */
export interface ForeignLocks {
  /** Tries once; `null` if the key is held. The lease is not renewed. */
  tryHold(key: string, lease: number): Promise<ForeignHold | null>;
  /** Waits for the key, runs the job, and releases; meanwhile the library renews the lease by its own means. */
  run<T>(key: string, lease: number, job: () => Promise<T>): Promise<T>;
}

export interface ForeignHold {
  /** The value of the key. */
  readonly value: string;
  /** May reject if the lease has expired: the libraries differ. */
  release(): Promise<unknown>;
}
