import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { currentTick, LockedInterval } from '../../../lib/coordination/schedule/index.js';
import { LockingService } from '../../../lib/index.js';
import { eventually } from '../../support/poll.js';
import { onEveryStore } from './support/instances.js';

describe('@LockedInterval', () => {
  onEveryStore((start) => {
    it('@LockedInterval runs at most once per window over all instances, and in nearly every window', async () => {
      const ticks: number[] = [];
      const calls = new Map<unknown, number>();
      const keys = new Set<string>();

      @Injectable()
      class Poll {
        constructor(private readonly locking: LockingService) {}

        @LockedInterval('poll', 100, { expire: '2s', clockSkew: '1s' })
        async poll(): Promise<void> {
          calls.set(this, (calls.get(this) ?? 0) + 1);
          ticks.push(currentTick()!.getTime());
          keys.add(this.locking.current()!.keys[0]!);
        }
      }
      for (let count = 0; count < 3; count += 1) await start([Poll]);
      await eventually(() => ticks.length >= 20);
      expect(new Set(ticks).size).toBe(ticks.length);
      expect(ticks.filter((tick) => tick % 100 !== 0)).toEqual([]);
      expect([...keys]).toEqual(['interval:poll']);
    });

    it('@LockedInterval keeps its mark until the window has ended on the clocks of all instances', async () => {
      @Injectable()
      class Rare {
        runs = 0;
        @LockedInterval('rare', 3_600_000, { expire: '2s', clockSkew: '1s' })
        async rare(): Promise<void> {
          this.runs += 1;
        }
      }
      const first = await start([Rare]);
      const second = await start([Rare]);
      await first.app.get(Rare).rare();
      await second.app.get(Rare).rare();
      expect([first.app.get(Rare).runs, second.app.get(Rare).runs]).toEqual([1, 0]);
      for await (const { ttl } of first.locking.list({ match: 'interval:rare@*' })) {
        expect(ttl).toBeGreaterThan(3_600_000);
      }
    });
  });
});
