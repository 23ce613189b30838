import assert from 'node:assert/strict';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, assertAbout, extend, look, release, take } from './requests.js';

const DAY = 86_400_000;

/** Pairs that differ in their last character alone, after so many others. */
function alikeUpTo(length: number): readonly [string, string] {
  const common = 'x'.repeat(length);
  return [`${common}1`, `${common}2`];
}

/** The same to the eye, composed and decomposed. */
const COMPOSED = 'caf\u00e9';
const DECOMPOSED = 'cafe\u0301';

/** What a store must not shorten, round or take for the same. */
export const identityCases: ConformanceCase[] = [
  {
    name: 'tells long keys apart by their last character',
    async run({ provider, other }) {
      for (const length of [100, 250, 255, 1000, 4000, 60_000]) {
        const [first, second] = alikeUpTo(length);
        await take(provider, first, 'one');
        await take(other, second, 'two');
        assert.equal((await look(other, first))?.ownerId, 'one', `a key of ${String(length + 1)} characters`);
        assert.deepEqual(await release(other, [first], 'one'), ['freed']);
        assert.equal((await look(provider, second))?.ownerId, 'two', `a key of ${String(length + 1)} characters`);
      }
    },
  },
  {
    name: 'tells long owners apart by their last character',
    async run({ provider, other }) {
      for (const length of [31, 63, 64, 127, 255, 1000]) {
        const [first, second] = alikeUpTo(length);
        const key = `of ${String(length)}`;
        await take(provider, key, first);
        assert.equal((await acquire(other, key, second)).granted, false);
        assert.deepEqual(await extend(other, [key], second, 60_000), [false]);
        assert.deepEqual(await release(other, [key], second), ['gone']);
        assert.equal((await look(provider, key))?.ownerId, first);
      }
    },
  },
  {
    name: 'takes composed and decomposed characters for different ones, in keys and owners',
    async run({ provider, other }) {
      await take(provider, COMPOSED, COMPOSED);
      assert.equal((await acquire(other, COMPOSED, DECOMPOSED)).granted, false);
      await take(other, DECOMPOSED, DECOMPOSED);
      assert.equal((await look(provider, COMPOSED))?.ownerId, COMPOSED);
      assert.equal((await look(provider, DECOMPOSED))?.ownerId, DECOMPOSED);
    },
  },
  {
    name: 'keeps long leases at their full length',
    async run({ provider, other }) {
      for (const days of [1, 30, 400]) {
        const key = `for ${String(days)} days`;
        await take(provider, key, 'one', { ttl: days * DAY });
        assertAbout((await look(other, key))?.ttl, days * DAY, 5000);
        assert.deepEqual(await extend(other, [key], 'one', 2 * days * DAY), [true]);
        assertAbout((await look(provider, key))?.ttl, 2 * days * DAY, 5000);
      }
    },
  },
];
