import assert from 'node:assert/strict';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, assertAbout, extend, look, release, take } from './requests.js';

export const extendCases: ConformanceCase[] = [
  {
    name: 'extends for the owner alone',
    async run({ provider, other }) {
      await take(provider, 'a', 'one', { ttl: 5000 });
      assert.deepEqual(await extend(other, ['a'], 'two', 60_000), [false]);
      assertAbout((await look(provider, 'a'))?.ttl, 5000);
      assert.deepEqual(await extend(other, ['a'], 'one', 60_000), [true]);
      assertAbout((await look(provider, 'a'))?.ttl, 60_000);
    },
  },
  {
    name: 'extends all keys or none',
    async run({ provider }) {
      await take(provider, ['a', 'c'], 'one', { ttl: 5000 });
      assert.deepEqual(await extend(provider, ['a', 'b', 'c'], 'one', 60_000), [true, false, true]);
      assertAbout((await look(provider, 'a'))?.ttl, 5000);
      assertAbout((await look(provider, 'c'))?.ttl, 5000);
    },
  },
  {
    name: 'never shortens a lease, nor makes one expire that never does',
    async run({ provider }) {
      await take(provider, 'a', 'one', { ttl: 60_000 });
      await take(provider, 'b', 'one', { ttl: null });
      assert.deepEqual(await extend(provider, ['a', 'b'], 'one', 1000), [true, true]);
      assertAbout((await look(provider, 'a'))?.ttl, 60_000);
      assert.equal((await look(provider, 'b'))?.ttl, null);
    },
  },
  {
    name: 'does not extend a key that is kept for a while after its release',
    async run({ provider, other }) {
      await take(provider, ['a', 'b'], 'one', { attemptId: 'proc.1', ttl: 60_000 });
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'proc.1', keepFor: 20_000 }), ['freed']);
      for (const attemptId of ['proc.1', undefined]) {
        const request = { keys: ['a'], ownerId: 'one', ttl: 60_000, attemptId };
        assert.deepEqual(await provider.extend(request), [false]);
      }
      assert.equal((await acquire(other, 'a', 'two', { processId: 'elsewhere', queue: true })).granted, false);
      assert.deepEqual(await extend(provider, ['a', 'b'], 'one', 60_000), [false, true]);
      assertAbout((await look(provider, 'a'))?.ttl, 20_000);

      await take(provider, 'a', 'one', { attemptId: 'proc.2', ttl: 5000 });
      assert.deepEqual(await extend(provider, ['a'], 'one', 60_000), [true]);
      assertAbout((await look(provider, 'a'))?.ttl, 60_000);
    },
  },
  {
    name: 'only looks when asked with no length of time',
    async run({ provider }) {
      await take(provider, 'a', 'one', { ttl: 5000 });
      assert.deepEqual(await extend(provider, ['a', 'b'], 'one', null), [true, false]);
      assertAbout((await look(provider, 'a'))?.ttl, 5000);
    },
  },
  {
    name: 'does not revive an expired lease',
    async run({ provider, pass }) {
      await take(provider, 'a', 'one', { ttl: 300 });
      await pass(400);
      assert.deepEqual(await extend(provider, ['a'], 'one', 60_000), [false]);
      assert.equal(await look(provider, 'a'), null);
    },
  },
];
