import assert from 'node:assert/strict';
import type { LeaseStore } from '../../provider-api/index.js';
import type { ConformanceCase } from './provider-under-test.js';
import { assertAbout, take } from './requests.js';

async function keysOf(provider: LeaseStore, match?: string): Promise<string[]> {
  const keys: string[] = [];
  for await (const { key } of provider.list(match)) keys.push(key);
  return keys.sort();
}

export const viewCases: ConformanceCase[] = [
  {
    name: 'inspects keys, free ones as null',
    async run({ provider, other }) {
      const [token] = await take(provider, 'a', 'one', { ttl: 5000 });
      const [held, free] = await other.inspect(['a', 'b']);
      assert.equal(free, null);
      assert.equal(held?.key, 'a');
      assert.equal(held.ownerId, 'one');
      assert.equal(held.fencingToken, token);
      assertAbout(held.ttl, 5000);
    },
  },
  {
    name: 'lists what is held, once each, and nothing else',
    async run({ provider, other, pass }) {
      await take(provider, ['order:1', 'order:2'], 'one');
      await take(other, 'stock:1', 'two');
      await take(other, 'gone', 'two', { ttl: 300 });
      await pass(400);
      assert.deepEqual(await keysOf(provider), ['order:1', 'order:2', 'stock:1']);
    },
  },
  {
    name: 'lists by glob',
    async run({ provider }) {
      await take(provider, ['order:1', 'order:2', 'order:10', 'o*', 'a[1]', 'a\\b'], 'one');
      assert.deepEqual(await keysOf(provider, 'order:*'), ['order:1', 'order:10', 'order:2']);
      assert.deepEqual(await keysOf(provider, 'order:?'), ['order:1', 'order:2']);
      assert.deepEqual(await keysOf(provider, 'order:[2-9]'), ['order:2']);
      assert.deepEqual(await keysOf(provider, 'order:[^2]'), ['order:1']);
      assert.deepEqual(await keysOf(provider, 'o\\*'), ['o*']);
      assert.deepEqual(await keysOf(provider, 'a\\[1]'), ['a[1]']);
      assert.deepEqual(await keysOf(provider, 'order'), []);
    },
  },
  {
    name: 'lists thousands of keys',
    async run({ provider }) {
      const keys = Array.from({ length: 3000 }, (_, index) => `many:${String(index).padStart(4, '0')}`);
      for (let start = 0; start < keys.length; start += 500)
        await take(provider, keys.slice(start, start + 500), 'one');
      assert.deepEqual(await keysOf(provider, 'many:*'), keys);
    },
  },
];
