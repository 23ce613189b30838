import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { globMatcher } from '../../lib/providers/glob.js';
import { useRawRedis } from '../support/raw-redis.js';

const redis = useRawRedis();

describe('a glob in memory', () => {
  it('a glob in memory means the same as in Redis', async () => {
    const alphabet = ['a', 'b', 'c', '*', '?', '[', ']', '^', '-', '\\', '[a-', '[^', 'a-c', '-]'];
    const text = fc.array(fc.constantFrom(...alphabet), { maxLength: 8 }).map((chars) => chars.join(''));
    const key = fc.array(fc.constantFrom('a', 'b', 'c', ']', '-', '\\'), { minLength: 1, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(text, key, async (glob, chars) => {
        const name = chars.join('');
        await redis.raw.flushall();
        await redis.raw.set(name, '');
        const found = await redis.raw.keys(glob);
        expect({ glob, name, found: globMatcher(glob)(name) }).toEqual({ glob, name, found: found.length === 1 });
      }),
      { numRuns: Number(process.env.GLOB_RUNS ?? 2000), examples: [['[a-]a', ['a']]] },
    );
  });

  it('a glob is matched in time also where a regular expression would hang', () => {
    const matcher = globMatcher(`${'*a'.repeat(50)}*b`);
    expect(matcher('a'.repeat(10_000))).toBe(false);
    expect(matcher(`${'a'.repeat(10_000)}b`)).toBe(true);
    expect(globMatcher('k'.repeat(65_536))('k'.repeat(65_536))).toBe(true);
  });
});
