import { describe, expect, it } from '@jest/globals';
import { CronTime } from './support/cron.js';
import fc from 'fast-check';
import { nominalTick, windowStart } from '../../../lib/coordination/schedule/nominal-tick.js';

const at = (text: string): number => Date.parse(text);
const iso = (time: number): string => new Date(time).toISOString();
const inUtc = (expression: string): CronTime => new CronTime(expression, 'UTC');

/** The next `count` ticks of a job, as the scheduler finds them. */
function ticksFrom(cronTime: CronTime, start: number, count: number, zone: string): number[] {
  const ticks: number[] = [];
  for (let time = start; ticks.length < count;) {
    time = cronTime.getNextDateFrom(new Date(time), zone).toMillis();
    ticks.push(time);
  }
  return ticks;
}

const field = (most: number, least = 0) =>
  fc.oneof(
    fc.constant('*'),
    fc.integer({ min: 2, max: 20 }).map((step) => `*/${step}`),
    fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
  );
const expression = fc.tuple(field(59), field(59), field(23), fc.constant('*'), fc.constant('*'), field(6));
const zone = fc.constantFrom('UTC', 'Europe/Vienna', 'America/New_York', 'Asia/Kolkata', 'Australia/Lord_Howe');

describe('nominalTick', () => {
  it.each([
    ['* * * * * *', '2026-03-01T10:00:05.000Z', '2026-03-01T10:00:05.000Z'],
    ['* * * * * *', '2026-03-01T10:00:05.700Z', '2026-03-01T10:00:05.000Z'],
    // so shortly before the next tick that it counts as that one
    ['* * * * * *', '2026-03-01T10:00:05.950Z', '2026-03-01T10:00:06.000Z'],
    ['0 3 * * *', '2026-03-01T03:00:00.004Z', '2026-03-01T03:00:00.000Z'],
    ['0 3 * * *', '2026-03-01T02:59:59.600Z', '2026-03-01T03:00:00.000Z'],
    ['0 3 * * *', '2026-03-01T02:59:58.900Z', '2026-02-28T03:00:00.000Z'],
    ['0 3 * * *', '2026-03-01T03:00:29.000Z', '2026-03-01T03:00:00.000Z'],
    ['0 0 29 2 *', '2026-03-01T00:00:00.000Z', '2024-02-29T00:00:00.000Z'],
    // a burst of ticks, and then none for long
    ['* * 3 * * *', '2026-03-01T12:00:00.000Z', '2026-03-01T03:59:59.000Z'],
  ])('the nominal tick of %s at %s is %s', (source, now, tick) => {
    expect(iso(nominalTick(inUtc(source), at(now)))).toBe(tick);
  });

  it('the nominal tick is found in the time zone or offset of the job', () => {
    const now = at('2026-07-01T12:00:00.000Z');
    expect(iso(nominalTick(new CronTime('0 8 * * *', 'America/New_York'), now))).toBe('2026-07-01T12:00:00.000Z');
    expect(iso(nominalTick(new CronTime('0 6 * * *', null, -330), now))).toBe('2026-07-01T11:30:00.000Z');
    expect(iso(nominalTick(new CronTime('30 17 * * *', null, 330), now))).toBe('2026-07-01T12:00:00.000Z');
  });

  it('the nominal tick of a job for one date is that date', () => {
    const date = at('2026-07-01T12:00:00.000Z');
    expect(nominalTick(new CronTime(new Date(date)), date + 5000)).toBe(date);
  });

  it('the nominal tick of any expression is the tick that fired, however late the timer was', () => {
    fc.assert(
      fc.property(
        expression.map((fields) => fields.join(' ')),
        zone,
        fc.integer({ min: at('2025-01-01'), max: at('2027-01-01') }),
        fc.double({ min: 0, max: 0.89, noNaN: true }),
        (source, name, start, part) => {
          const cronTime = new CronTime(source, name);
          const [tick, next] = ticksFrom(cronTime, start, 2, name) as [number, number];
          const delay = Math.floor(Math.min((next - tick) * part, next - tick - 1001 * Number(next - tick > 10_000)));
          expect(iso(nominalTick(cronTime, tick + delay))).toBe(iso(tick));
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([
    ['Europe/Vienna', '2026-03-28T22:00:00Z'],
    ['Europe/Vienna', '2026-10-24T22:00:00Z'],
    ['America/New_York', '2026-03-08T03:00:00Z'],
    ['America/New_York', '2026-11-01T03:00:00Z'],
    ['Australia/Lord_Howe', '2026-04-04T12:00:00Z'],
  ])('the nominal tick is the one that fired when the clocks change, in %s around %s', (name, around) => {
    const sources = ['*/10 * * * *', '30 * * * *', '0 * * * *', '30 2 * * *', '0 3 * * *', '*/30 1-3 * * *'];
    for (const source of sources) {
      const cronTime = new CronTime(source, name);
      const ticks = ticksFrom(cronTime, at(around), source === sources[0] ? 40 : 8, name);
      for (const [index, tick] of ticks.slice(0, -1).entries()) {
        const next = ticks[index + 1]!;
        for (const delay of [0, 29_000].filter((each) => tick + each < next - 1001)) {
          expect([source, iso(tick), iso(nominalTick(cronTime, tick + delay))]).toEqual([source, iso(tick), iso(tick)]);
        }
      }
    }
  });
});

describe('windowStart', () => {
  it('the start of a window is the same for every moment in it', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 ** 9 }), fc.integer({ min: 0, max: 4e12 }), (every, now) => {
        const start = windowStart(every, now);
        expect(start % every).toBe(0);
        expect(now - start).toBeGreaterThanOrEqual(0);
        expect(now - start).toBeLessThan(every);
      }),
    );
  });
});
