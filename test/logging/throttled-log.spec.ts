import { beforeEach, describe, expect, it } from '@jest/globals';
import { ThrottledLog } from '../../lib/logging/throttled-log.js';
import { ManualClock } from '../../lib/testing/index.js';

describe('a throttled log', () => {
  let clock: ManualClock;
  let lines: string[];
  let log: ThrottledLog;
  beforeEach(() => {
    clock = new ManualClock();
    lines = [];
    log = new ThrottledLog((line) => lines.push(line), 2, clock);
  });

  it('a throttled log writes the first lines of an interval, and counts the others at its end', async () => {
    for (const line of ['a', 'b', 'c', 'd', 'e']) log.add(line);
    expect(lines).toEqual(['a', 'b']);
    await clock.advance('10s');
    expect(lines).toEqual(['a', 'b', '3 more like that in the last 10 s.']);
  });

  it('a throttled log writes nothing at the end of an interval in which it has written all', async () => {
    for (const line of ['a', 'b']) log.add(line);
    await clock.advance('10s');
    expect(lines).toEqual(['a', 'b']);
  });

  it('a throttled log begins again after an interval', async () => {
    for (const line of ['a', 'b', 'c']) log.add(line);
    await clock.advance('10s');
    lines.length = 0;
    log.add('d');
    expect(lines).toEqual(['d']);
  });

  it('a throttled log leaves no timer', async () => {
    log.add('a');
    await clock.advance('10s');
    expect(clock.pendingTimers).toBe(0);
  });
});
