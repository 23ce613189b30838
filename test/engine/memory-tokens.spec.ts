import { describe, expect, it } from '@jest/globals';
import { ManualClock } from '../../lib/testing/index.js';
import { MemoryLockStore } from '../../lib/index.js';

describe('the fencing tokens of a store in memory', () => {
  it('the tokens of a new store in memory begin above those of a store that is gone', async () => {
    const clock = new ManualClock();
    const gone = new MemoryLockStore(clock);
    const before = [gone.nextToken(500), gone.nextToken()];
    await clock.advance('1ms');
    expect(new MemoryLockStore(clock).nextToken()).toBeGreaterThan(before[1]!);
  });

  it('the tokens of a store in memory rise while the clock stands still or is set back', () => {
    const clock = new ManualClock();
    const store = new MemoryLockStore(clock);
    const tokens = [store.nextToken(5), store.nextToken()];
    (clock as unknown as { time: number }).time -= 3_600_000;
    tokens.push(store.nextToken());
    expect(tokens).toEqual([tokens[0], tokens[0]! + 5, tokens[0]! + 6]);
  });
});
