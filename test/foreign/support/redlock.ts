import type { Redis } from 'ioredis';
import type { ForeignHold, ForeignLibrary } from './foreign-locks.js';
import type { LoadPeer } from './install-peers.js';

/** The calls of redlock 5 that are used here; its package hides its own declarations. */
interface Redlock {
  acquire(resources: string[], duration: number, settings?: Settings): Promise<RedlockLock>;
  release(lock: RedlockLock, settings?: Settings): Promise<unknown>;
  using<T>(resources: string[], duration: number, settings: Settings, routine: () => Promise<T>): Promise<T>;
}

interface RedlockModule {
  readonly default: new (clients: Redis[]) => Redlock;
  readonly ExecutionError: new () => Error & { attempts: readonly Promise<Stats>[] };
  readonly ResourceLockedError: new () => Error;
}

interface RedlockLock {
  readonly value: string;
}

interface Settings {
  readonly retryCount: number;
  readonly retryDelay?: number;
  readonly retryJitter?: number;
}

interface Stats {
  readonly votesAgainst: ReadonlyMap<Redis, Error>;
}

const ONCE: Settings = { retryCount: 0 };

/** Retries without end, and so often that tests are short. */
const UNTIL_FREE: Settings = { retryCount: -1, retryDelay: 30, retryJitter: 15 };

/** Locks all resources or none; `null` if one of them is held. */
export type TryHold = (resources: string[], lease: number) => Promise<ForeignHold | null>;

export function openRedlock(load: LoadPeer, client: Redis): { locks: Redlock; tryHold: TryHold } {
  const { default: Redlock, ExecutionError, ResourceLockedError } = load('redlock') as RedlockModule;
  const locks = new Redlock([client]);

  const isBusy = async (error: unknown): Promise<boolean> => {
    if (!(error instanceof ExecutionError)) return false;
    const [stats] = await Promise.all(error.attempts);
    return stats?.votesAgainst.get(client) instanceof ResourceLockedError;
  };

  const tryHold: TryHold = async (resources, lease) => {
    try {
      const lock = await locks.acquire(resources, lease, ONCE);
      return { value: lock.value, release: () => locks.release(lock, ONCE) };
    } catch (error) {
      if (await isBusy(error)) return null;
      throw error;
    }
  };
  return { locks, tryHold };
}

export const redlock: ForeignLibrary = {
  name: 'redlock',
  // The resource is the key, without a prefix.
  namespace: '',
  open: (load, client, namespace) => {
    const { locks, tryHold } = openRedlock(load, client);
    return {
      tryHold: (key, lease) => tryHold([namespace + key], lease),
      run: (key, lease, job) => locks.using([namespace + key], lease, UNTIL_FREE, job),
    };
  },
};
