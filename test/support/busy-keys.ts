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

  /** How many grants there have been of the key with the fewest, since `since`. */
  fewest(since: number): number {
    return Math.min(...[...this.grants.values()].map((times) => times.filter((time) => time > since).length));
  }

  /** For how many milliseconds a key was granted to nobody, at the longest, after `since`. */
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
        // While no server can be reached, and of what was lost with the former one.
        .catch(() => delay(50));
    }
  }
}
