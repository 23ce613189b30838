import assert from 'node:assert/strict';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, assertAbout, look, release, take } from './requests.js';

export const releaseCases: ConformanceCase[] = [
  {
    name: 'releases for the owner alone',
    async run({ provider, other }) {
      await take(provider, 'a', 'one');
      assert.deepEqual(await release(other, ['a'], 'two'), ['gone']);
      assert.equal((await look(provider, 'a'))?.ownerId, 'one');
      assert.deepEqual(await release(other, ['a'], 'one'), ['freed']);
      assert.equal(await look(provider, 'a'), null);
    },
  },
  {
    name: 'releases each key for itself',
    async run({ provider }) {
      await take(provider, ['a', 'c'], 'one');
      await take(provider, 'b', 'two');
      assert.deepEqual(await release(provider, ['a', 'b', 'c', 'd'], 'one'), ['freed', 'gone', 'freed', 'gone']);
      assert.equal((await look(provider, 'b'))?.ownerId, 'two');
    },
  },
  {
    name: 'does not free another grant of the same owner',
    async run({ provider }) {
      await take(provider, 'a', 'one', { attemptId: 'first' });
      await take(provider, 'a', 'one', { attemptId: 'second' });
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'first' }), ['kept']);
      assert.equal((await look(provider, 'a'))?.ownerId, 'one');
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'second' }), ['freed']);
    },
  },
  {
    name: 'frees with the newest grant what the owner had taken before, and only with it',
    async run({ provider }) {
      for (const attemptId of ['first', 'second', 'third']) await take(provider, 'a', 'one', { attemptId });
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'second' }), ['kept']);
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'second' }), ['kept']);
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'third' }), ['freed']);
    },
  },
  {
    name: 'keeps a key for a while after its release, if asked to',
    async run({ provider, other, pass }) {
      await take(provider, 'a', 'one', { ttl: null });
      assert.deepEqual(await release(provider, ['a'], 'one', { keepFor: 1000 }), ['freed']);
      assertAbout((await look(provider, 'a'))?.ttl, 1000, 500);
      assert.equal((await acquire(other, 'a', 'two')).granted, false);
      await pass(1100);
      await take(other, 'a', 'two');
    },
  },
  {
    name: 'keeps a key for a while for its owner alone',
    async run({ provider, other }) {
      await take(provider, 'a', 'one', { attemptId: 'first' });
      await take(provider, 'a', 'one', { attemptId: 'second' });
      assert.deepEqual(await release(other, ['a'], 'two', { keepFor: 10 }), ['gone']);
      assert.deepEqual(await release(other, ['a'], 'two', { keepFor: 10, attemptId: 'second' }), ['gone']);
      assert.deepEqual(await release(provider, ['a'], 'one', { keepFor: 10, attemptId: 'first' }), ['kept']);
      assertAbout((await look(provider, 'a'))?.ttl, 30_000);
    },
  },
  {
    name: 'releases an attempt for its owner alone',
    async run({ provider, other }) {
      await take(provider, 'a', 'one', { attemptId: 'proc.1' });
      for (const attemptId of ['proc.2', 'proc.1']) {
        assert.deepEqual(await release(other, ['a'], 'two', { attemptId }), ['gone']);
        assert.equal((await look(provider, 'a'))?.ownerId, 'one');
      }
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'never was' }), ['kept']);
      assert.equal((await look(provider, 'a'))?.ownerId, 'one');
    },
  },
  {
    name: 'revokes keys of any holder, and counts them',
    async run({ provider, other }) {
      await take(provider, ['a', 'b'], 'one');
      assert.equal(await other.revoke(['a', 'b', 'c']), 2);
      await take(other, ['a', 'b'], 'two');
    },
  },
];
