import assert from 'node:assert/strict';
import { lineCase, lineOf } from './party.js';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, look, release, take } from './requests.js';

const undo = { attemptId: 'proc.1', undo: true, pending: true };

/** Attempts that are over before, or while, the store learns of them. */
export const attemptCases: ConformanceCase[] = [
  {
    name: 'refuses an attempt that was undone before it came, whenever it comes',
    async run({ provider, other }) {
      assert.deepEqual(await release(provider, ['a'], 'one', undo), ['gone']);
      for (const from of [other, provider]) {
        const late = await acquire(from, 'a', 'one', { attemptId: 'proc.1' });
        assert.equal(late.granted, false);
      }
      assert.equal(await look(provider, 'a'), null);
      await take(other, 'a', 'one', { attemptId: 'proc.2' });
    },
  },
  {
    name: 'refuses an attempt at several keys that was undone before it came',
    async run({ provider, other }) {
      assert.deepEqual(await release(provider, ['a', 'b'], 'one', undo), ['gone', 'gone']);
      assert.equal((await acquire(other, ['a', 'b'], 'one', { attemptId: 'proc.1' })).granted, false);
      assert.deepEqual(await provider.inspect(['a', 'b']), [null, null]);
      await take(other, ['a', 'b'], 'one', { attemptId: 'proc.2' });
    },
  },
  {
    name: 'refuses an undone attempt also where the owner holds the key already',
    async run({ provider, other }) {
      await take(provider, 'a', 'one', { attemptId: 'first' });
      assert.deepEqual(await release(other, ['a'], 'one', undo), ['kept']);
      assert.equal((await acquire(other, 'a', 'one', { attemptId: 'proc.1' })).granted, false);
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'first' }), ['freed']);
    },
  },
  {
    name: 'refuses an attempt that was granted and undone, should it come once more',
    async run({ provider, other }) {
      for (const keys of [['a'], ['b', 'c']]) {
        const attemptId = `proc.${String(keys.length)}`;
        await take(provider, keys, 'one', { attemptId });
        assert.deepEqual(
          await release(provider, keys, 'one', { ...undo, attemptId }),
          keys.map(() => 'freed'),
        );
        assert.equal((await acquire(other, keys, 'one', { attemptId })).granted, false);
        assert.deepEqual(
          await provider.inspect(keys),
          keys.map(() => null),
        );
      }
    },
  },
  lineCase('stands nobody in line whose attempt was undone', async ({ here, nobody, provider }) => {
    await nobody.hold('a');
    const attemptId = here.nextAttempt();
    const given = { attemptId, undo: true, address: 'here', pending: true };
    for (const ask of [1, 2]) {
      await release(provider, ['a'], 'here', given);
      const late = await here.ask('a', { attemptId });
      assert.ok(!late.granted && !late.queued, `asked ${String(ask)} times`);
      assert.deepEqual(await lineOf(provider, 'a'), []);
    }
  }),
  lineCase('stands nobody in line again whose place was undone', async ({ here, nobody, provider }) => {
    await nobody.hold('a');
    const attemptId = await here.queue('a');
    await release(provider, ['a'], 'here', { attemptId, undo: true, address: 'here', pending: true });
    const late = await here.ask('a', { attemptId });
    assert.ok(!late.granted && !late.queued);
    assert.deepEqual(await lineOf(provider, 'a'), []);
  }),
];
