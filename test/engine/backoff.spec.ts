import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Backoff } from '../../lib/engine/acquire/backoff.js';

const settings = { initial: 20, maximum: 1000, factor: 2 };

describe('backoff', () => {
  it('the backoff grows to its maximum and stays there', () => {
    const backoff = new Backoff(settings, () => 1);
    expect(Array.from({ length: 8 }, () => backoff.next())).toEqual([20, 40, 80, 160, 320, 640, 1000, 1000]);
  });

  it('the backoff draws each wait from the whole range below its limit', () => {
    const draws = [0, 0.5, 0.25];
    const backoff = new Backoff(settings, () => draws.shift() ?? 0);
    expect([backoff.next(), backoff.next(), backoff.next()]).toEqual([1, 20, 20]);
  });

  it('each wait of the backoff is above zero and at most the maximum', () => {
    fc.assert(
      fc.property(
        fc.record({ initial: fc.integer({ min: 1, max: 500 }), factor: fc.double({ min: 1, max: 10, noNaN: true }) }),
        ({ initial, factor }) => {
          const backoff = new Backoff({ initial, maximum: 1000, factor });
          return Array.from({ length: 50 }, () => backoff.next()).every((wait) => wait >= 1 && wait <= 1000);
        },
      ),
    );
  });
});
