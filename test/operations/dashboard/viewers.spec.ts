import { describe, expect, it } from '@jest/globals';
import { Durations } from '../../../lib/operations/dashboard/durations.js';
import type { StoreObserver } from '../../../lib/operations/dashboard/store-observer.js';
import { Viewers, type ViewMessage } from '../../../lib/operations/dashboard/viewers.js';
import { eventually } from '../../support/poll.js';

const SELECTION = { provider: 'p', search: '', key: undefined };

function observerThatCounts() {
  const calls = { look: 0, start: 0, stop: 0 };
  const observer = {
    look: async () => {
      calls.look += 1;
      return Promise.resolve();
    },
    start: () => {
      calls.start += 1;
    },
    stop: () => {
      calls.stop += 1;
    },
  };
  return { calls, observer: observer as unknown as StoreObserver };
}

describe('the open pages', () => {
  const open = (recheck: number) => {
    const { calls, observer } = observerThatCounts();
    const source = { observer: () => observer, compose: () => `{"look":${calls.look}}` };
    return { calls, viewers: new Viewers(source, { interval: 5, recheck, maxViewers: 5 }) };
  };

  it('a page that does not read gets nothing more, and its connection ends when it has to ask again', async () => {
    const { calls, viewers } = open(200);
    const told: ViewMessage[] = [];
    let dropped = 0;
    let ended = false;
    const line = {
      isBehind: false,
      drop: () => {
        dropped += 1;
      },
    };
    viewers.watch(SELECTION, line).subscribe({
      next: (message) => {
        told.push(message);
        line.isBehind = true;
      },
      complete: () => {
        ended = true;
      },
    });
    await eventually(() => calls.look > 3);
    expect(told).toHaveLength(1);
    await eventually(() => ended);
    expect([told.length, dropped]).toEqual([1, 1]);
    await eventually(() => calls.stop === 1);
  });

  it('a page that reads keeps its connection until it has read that it has to ask again', async () => {
    const { viewers } = open(50);
    let dropped = 0;
    const last = await new Promise<ViewMessage | undefined>((resolve) => {
      let message: ViewMessage | undefined;
      const line = {
        isBehind: false,
        drop: () => {
          dropped += 1;
        },
      };
      viewers.watch(SELECTION, line).subscribe({
        next: (one) => {
          message = one;
        },
        complete: () => {
          resolve(message);
        },
      });
    });
    expect([last, dropped, viewers.isFull]).toEqual([{ type: 'renew', data: '{}' }, 0, false]);
  });
});

describe('percentiles', () => {
  it('percentiles are right to a tenth, from microseconds to hours', () => {
    for (const unit of [0.02, 1, 700, 60_000]) {
      const parts = [new Durations(), new Durations()];
      for (let i = 1; i <= 1000; i += 1) parts[i % 2]?.note(i * unit);
      const { count, p50, p95, p99 } = Durations.percentilesOf(parts)!;
      expect(count).toBe(1000);
      for (const [found, right] of [
        [p50, 500],
        [p95, 950],
        [p99, 990],
      ] as const) {
        expect(Math.abs(found / (right * unit) - 1)).toBeLessThan(0.1);
      }
    }
  });

  it('percentiles of no or of odd lengths do not fail', () => {
    expect(Durations.percentilesOf([new Durations()])).toBeNull();
    const odd = new Durations();
    for (const length of [0, -5, Number.MAX_SAFE_INTEGER, Infinity]) odd.note(length);
    expect(Durations.percentilesOf([odd])?.count).toBe(4);
  });
});
