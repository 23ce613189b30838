import type { INestApplicationContext } from '@nestjs/common';
import { Keyv } from 'keyv';
import { CacheFlight, type CacheFlightOptions, type CacheFlightStore } from '../../../lib/coordination/cache/index.js';
import { LockingService } from '../../../lib/index.js';
import { deferred } from '../../support/deferred.js';

/** A cache in memory that several instances share, as they would one on a server, and the time of day they all see. */
export class SharedCache {
  readonly entries = new Map<string, unknown>();
  now = Date.parse('2026-01-01');

  /** The cache as one instance has it. */
  open(): Keyv {
    return new Keyv({ store: this.entries });
  }

  flight(
    application: INestApplicationContext | LockingService,
    { store = this.open(), ...options }: CacheFlightOptions = {},
  ): CacheFlight {
    const locking = application instanceof LockingService ? application : application.get(LockingService);
    return new CacheFlight(locking, { store, ttl: '1m', now: () => this.now, ...options });
  }
}

/** A load that tells how often it was called, and ends when the test says so. */
export class SlowLoad {
  calls = 0;
  private begun = deferred();
  private readonly ends: ((value: unknown) => void)[] = [];

  readonly load = async (): Promise<unknown> => {
    this.calls += 1;
    const end = deferred<unknown>();
    this.ends.push(end.resolve);
    this.begun.resolve();
    return end.promise;
  };

  /** Resolves once a call has begun that was not awaited yet. */
  async called(): Promise<void> {
    await this.begun.promise;
    this.begun = deferred();
  }

  /** Ends the oldest call that runs. */
  end(value: unknown): void {
    const end = this.ends.shift();
    if (!end) throw new Error('no call runs');
    end(value);
  }
}

/** A store whose calls a test replaces. */
export function storeWith(calls: Partial<CacheFlightStore>): CacheFlightStore {
  const entries = new Map<string, unknown>();
  return {
    get: async (key) => Promise.resolve(entries.get(key)),
    set: async (key, value) => Promise.resolve(entries.set(key, value).has(key)),
    delete: async (key) => Promise.resolve(entries.delete(key)),
    clear: async () => {
      entries.clear();
      return Promise.resolve();
    },
    ...calls,
  };
}
