import { describe, expect, it } from '@jest/globals';
import { duration, isLockConfigurationError } from '../../lib/index.js';

describe('duration()', () => {
  it.each(['250ms', '5s', '1.5m', '2h', '0s'])('gives %j back', (text) => {
    expect(duration(text)).toBe(text);
  });

  it.each([
    ['5', "'5s'"],
    ['', "'250ms'"],
    ['5 minutes', "'250ms'"],
    ['-5s', "'250ms'"],
  ])('refuses %j, with a spelling that can be read', (text, spelling) => {
    let error: unknown;
    try {
      duration(text);
    } catch (thrown) {
      error = thrown;
    }
    expect(isLockConfigurationError(error)).toBe(true);
    expect((error as Error).message).toContain(spelling);
  });
});
