import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { parseDuration } from '../../lib/engine/options/duration.js';
import { isLockConfigurationError } from '../../lib/index.js';

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['1500ms', 1500],
    ['5s', 5000],
    ['1.5s', 1500],
    ['.5s', 500],
    ['2m', 120_000],
    ['1h', 3_600_000],
    ['48h', 172_800_000],
    [0, 0],
    [5, 5000],
    [0.25, 250],
    [1.0004, 1000],
    [300, 300_000],
  ] as const)('%j is %d ms', (value, milliseconds) => {
    expect(parseDuration(value, 'expire')).toBe(milliseconds);
  });

  it.each([
    [301, "Write '301ms' if milliseconds are meant, or '301s'"],
    [30_000, "Write '30000ms'"],
    [-1, '-1 is not a length of time'],
    [NaN, 'NaN is not a length of time'],
    [Infinity, 'Infinity is not a length of time'],
    ['5', `for seconds, '5s'`],
    ['', '"" is not a length of time'],
    ['5 s', 'is not a length of time'],
    ['-5s', 'is not a length of time'],
    ['5d', 'is not a length of time'],
    ['five', 'is not a length of time'],
    ['1e3s', 'is not a length of time'],
    ['99999999999999999h', 'is not a length of time'],
    [null, 'null is not a length of time'],
    [{}, 'object is not a length of time'],
  ])('%j is refused, with the name of the option and a remedy', (value, message) => {
    const parse = (): number => parseDuration(value as never, 'expire');
    expect(parse).toThrow(message);
    expect(parse).toThrow(/^expire: /);
  });

  it('a retry interval without a unit is in milliseconds', () => {
    const rules = { bareUnit: 'ms', minimum: 1 } as const;
    expect(parseDuration(20, 'defaultRetryInterval', rules)).toBe(20);
    expect(parseDuration(10_000, 'maximumRetryInterval', rules)).toBe(10_000);
    expect(parseDuration('1s', 'maximumRetryInterval', rules)).toBe(1000);
    expect(() => parseDuration(0, 'defaultRetryInterval', rules)).toThrow('must be at least 1 ms');
  });

  it('a duration that is no whole number of milliseconds is an error that says so', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          const milliseconds = parseDuration(value as never, 'expire');
          return Number.isSafeInteger(milliseconds) && milliseconds >= 0;
        } catch (error) {
          return isLockConfigurationError(error);
        }
      }),
    );
  });
});
