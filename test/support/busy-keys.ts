import { setTimeout as delay } from 'node:timers/promises';
import type { LockingService } from '../../lib/index.js';

/** Callers that lock the same keys over and over, from every one of `services`. */
export class BusyKeys {
  private readonly grants = new Map<string, number[]>();
  private readonly loops: Promise<void>[] = [];
  private stopped = false;

  constructor(services: readonly LockingService[], keys: readonly string[]) {
    for (const key of keys) {
      this.grants.set(key, [performance.now()]);
      for (const service of services) this.loops.push(this.loop(service, key));
    }
  }

  /** The number of grants since `since` of the key with the fewest. */
  fewest(since: number): number {
    return Math.min(...[...this.grants.values()].map((times) => times.filter((time) => time > since).length));
  }

  /** The longest time after `since`, in milliseconds, in which a key was not granted. */
  longestPause(since: number): number {
    const now = performance.now();
    const pauses = [...this.grants.values()].map((times) => {
      const marks = [since, ...times.filter((time) => time > since), now];
      return Math.max(...marks.slice(1).map((mark, index) => mark - marks[index]!));
    });
    return Math.max(...pauses);
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await Promise.all(this.loops);
  }

  private async loop(service: LockingService, key: string): Promise<void> {
    while (!this.stopped) {
      await service
        .execute(
          key,
          async () => {
            this.grants.get(key)?.push(performance.now());
            await delay(5);
          },
          { timeout: '60s', expire: '30s' },
        )
        // Calls fail while no server can be reached, and when a failover loses their locks.
        .catch(() => delay(50));
    }
  }
}
