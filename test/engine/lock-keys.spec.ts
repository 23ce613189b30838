import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { normalizeKeys } from '../../lib/engine/options/lock-keys.js';

describe('the keys of a call', () => {
  it('the keys of a call are the same, in the same order, however they were given', () => {
    const key = fc.string({ minLength: 1, unit: 'grapheme' });
    fc.assert(
      fc.property(fc.array(key, { minLength: 1 }), (keys) => {
        const normalized = normalizeKeys(keys);
        expect(normalizeKeys([...keys].reverse())).toEqual(normalized);
        expect(normalizeKeys([...keys, ...keys])).toEqual(normalized);
        expect(new Set(normalized)).toEqual(new Set(keys));
        expect(normalized).toHaveLength(new Set(keys).size);
      }),
    );
  });

  it('the array of keys that the caller passed is not changed', () => {
    const keys = ['b', 'a', 'b'];
    normalizeKeys(keys);
    expect(keys).toEqual(['b', 'a', 'b']);
  });
});
