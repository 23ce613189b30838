import assert from 'node:assert/strict';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, assertAbout, look, release, take } from './requests.js';

export const acquireCases: ConformanceCase[] = [
  {
    name: 'grants a free key, and refuses it to every other owner',
    async run({ provider, other }) {
      await take(provider, 'a', 'one');
      const refused = await acquire(other, 'a', 'two');
      assert.equal(refused.granted, false);
      assert.equal(refused.key, 'a');
      assertAbout(refused.remaining, 30_000);
      assert.equal((await look(provider, 'a'))?.ownerId, 'one');
    },
  },
  {
    name: 'keeps a lease to the millisecond',
    async run({ provider }) {
      await take(provider, 'a', 'one', { ttl: 1500 });
      assertAbout((await look(provider, 'a'))?.ttl, 1500, 300);
    },
  },
  {
    name: 'frees a key when its lease has expired, and not before',
    async run({ provider, other, pass }) {
      await take(provider, 'a', 'one', { ttl: 1000 });
      await pass(100);
      assert.equal((await acquire(other, 'a', 'two')).granted, false);
      await pass(1000);
      assert.equal(await look(provider, 'a'), null);
      await take(other, 'a', 'two');
    },
  },
  {
    name: 'never frees a lease that never expires',
    async run({ provider, other, pass }) {
      await take(provider, 'a', 'one', { ttl: null });
      assert.deepEqual(await look(provider, 'a'), { ownerId: 'one', ttl: null });
      await pass(200);
      const refused = await acquire(other, 'a', 'two');
      assert.deepEqual(refused, { granted: false, key: 'a', remaining: null });
    },
  },
  {
    name: 'takes several keys, or none of them',
    async run({ provider, other }) {
      await take(provider, 'b', 'one');
      const refused = await acquire(other, ['a', 'b', 'c'], 'two');
      assert.equal(refused.granted, false);
      assert.equal(refused.key, 'b');
      assert.deepEqual(await provider.inspect(['a', 'c']), [null, null]);
      await release(provider, ['b'], 'one');
      assert.equal((await take(other, ['a', 'b', 'c'], 'two')).length, 3);
    },
  },
  {
    name: 'grants a key to at most one of many owners that ask at once',
    async run({ provider, other }) {
      const owners = Array.from({ length: 20 }, (_, index) => `owner-${String(index)}`);
      const answers = await Promise.all(
        owners.map(async (owner, index) => acquire(index % 2 ? provider : other, ['a', 'b'], owner)),
      );
      assert.equal(answers.filter(({ granted }) => granted).length, 1);
    },
  },
  {
    name: 'lets the same owner in again, with the longer of both leases',
    async run({ provider, other }) {
      await take(provider, 'a', 'one', { ttl: 30_000 });
      await take(other, 'a', 'one', { ttl: 5000 });
      assertAbout((await look(provider, 'a'))?.ttl, 30_000);
      await take(other, 'a', 'one', { ttl: 60_000 });
      assertAbout((await look(provider, 'a'))?.ttl, 60_000);
      await take(other, 'a', 'one', { ttl: null });
      await take(provider, 'a', 'one', { ttl: 5000 });
      assert.equal((await look(provider, 'a'))?.ttl, null);
    },
  },
  {
    name: 'tells whether the owner had held a key before the attempt, also when that is asked again',
    async run({ provider, other }) {
      const ask = async (attemptId: string): Promise<readonly boolean[]> => {
        const answer = await acquire(other, ['a', 'b'], 'one', { attemptId });
        return answer.granted ? answer.reentered : [];
      };
      await take(provider, 'a', 'one');
      assert.deepEqual(await ask('x'), [true, false]);
      assert.deepEqual(await ask('x'), [true, false]);
      assert.deepEqual(await ask('y'), [true, true]);
    },
  },
  {
    name: 'holds nothing for an attempt that is granted, sent again, and then refused',
    async run({ provider, other }) {
      await take(provider, ['a', 'b', 'c'], 'one', { attemptId: 'sent twice' });
      await take(provider, 'c', 'one');
      await other.revoke(['b']);
      await take(other, 'b', 'two');
      const refused = await acquire(provider, ['a', 'b', 'c'], 'one', { attemptId: 'sent twice' });
      assert.equal(refused.granted, false);
      assert.equal(await look(provider, 'a'), null);
      assert.equal((await look(provider, 'b'))?.ownerId, 'two');
      assert.equal((await look(provider, 'c'))?.ownerId, 'one');
    },
  },
  {
    name: 'never grants a part of a key beside an exclusive lock',
    async run({ provider, other }) {
      await take(provider, 'a', 'one');
      const part = { mode: 'read', weight: 1, capacity: Infinity } as const;
      assert.equal((await acquire(other, 'a', 'two', { part })).granted, false);
    },
  },
  {
    name: 'with onlyIfOwned grants nothing but what the owner has already',
    async run({ provider }) {
      const refused = await acquire(provider, 'a', 'one', { onlyIfOwned: true });
      assert.equal(refused.granted, false);
      assert.equal(await look(provider, 'a'), null);
      await take(provider, 'a', 'one');
      await take(provider, 'a', 'one', { onlyIfOwned: true });
      assert.equal((await acquire(provider, 'a', 'two', { onlyIfOwned: true })).granted, false);
    },
  },
  {
    name: 'tells keys and owners of any characters apart',
    async run({ provider }) {
      const keys = ['a', 'A', 'a ', 'a:b', 'a*', 'a?', '[a]', '{a}', '%61', 'ä', '𝄞', 'a\u0000b', 'a\nb', 'nl1:1:2:x'];
      for (const key of keys) await take(provider, key, `owner:of:${key}`);
      for (const key of keys) assert.equal((await look(provider, key))?.ownerId, `owner:of:${key}`);
      assert.equal((await acquire(provider, 'a', 'owner:of:')).granted, false);
    },
  },
];
