import assert from 'node:assert/strict';
import { queueCase, queueOf } from './party.js';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, cancel, look, release, take } from './requests.js';

const pending = { pending: true };

/** Attempts that are cancelled before, or while, the store learns of them. */
export const attemptCases: ConformanceCase[] = [
  {
    name: 'refuses an attempt that was cancelled before it arrived, whenever it arrives',
    async run({ provider, other }) {
      assert.deepEqual(await cancel(provider, ['a'], 'one', 'proc.1', pending), ['gone']);
      for (const from of [other, provider]) {
        const late = await acquire(from, 'a', 'one', { attemptId: 'proc.1' });
        assert.equal(late.granted, false);
      }
      assert.equal(await look(provider, 'a'), null);
      await take(other, 'a', 'one', { attemptId: 'proc.2' });
    },
  },
  {
    name: 'refuses an attempt at several keys that was cancelled before it arrived',
    async run({ provider, other }) {
      assert.deepEqual(await cancel(provider, ['a', 'b'], 'one', 'proc.1', pending), ['gone', 'gone']);
      assert.equal((await acquire(other, ['a', 'b'], 'one', { attemptId: 'proc.1' })).granted, false);
      assert.deepEqual(await provider.inspect(['a', 'b']), [null, null]);
      await take(other, ['a', 'b'], 'one', { attemptId: 'proc.2' });
    },
  },
  {
    name: 'refuses a cancelled attempt also if the owner holds the key already',
    async run({ provider, other }) {
      await take(provider, 'a', 'one', { attemptId: 'first' });
      assert.deepEqual(await cancel(other, ['a'], 'one', 'proc.1', pending), ['kept']);
      assert.equal((await acquire(other, 'a', 'one', { attemptId: 'proc.1' })).granted, false);
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'first' }), ['freed']);
    },
  },
  {
    name: 'refuses an attempt that was granted and cancelled if it arrives once more',
    async run({ provider, other }) {
      for (const keys of [['a'], ['b', 'c']]) {
        const attemptId = `proc.${String(keys.length)}`;
        await take(provider, keys, 'one', { attemptId });
        assert.deepEqual(
          await cancel(provider, keys, 'one', attemptId, pending),
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
  {
    name: 'cancels an attempt and keeps what the owner held before it',
    async run({ provider }) {
      await take(provider, 'a', 'one', { attemptId: 'first' });
      await acquire(provider, ['a', 'b'], 'one', { attemptId: 'cancelled' });
      assert.deepEqual(await cancel(provider, ['a', 'b'], 'one', 'cancelled'), ['kept', 'freed']);
      assert.equal((await look(provider, 'a'))?.ownerId, 'one');
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'first' }), ['freed']);
    },
  },
  {
    name: 'cancels attempts in any order',
    async run({ provider, other }) {
      for (const order of [
        ['x', 'y'],
        ['y', 'x'],
      ]) {
        for (const attemptId of ['first', 'x', 'y']) await take(provider, 'a', 'one', { attemptId });
        for (const attemptId of order) assert.deepEqual(await cancel(other, ['a'], 'one', attemptId), ['kept']);
        assert.deepEqual(await cancel(provider, ['a'], 'one', 'first'), ['freed']);
      }
    },
  },
  {
    name: 'cancels an attempt for its owner alone',
    async run({ provider, other }) {
      await take(provider, 'a', 'one', { attemptId: 'proc.1' });
      for (const more of [{}, pending]) {
        for (const attemptId of ['proc.2', 'proc.1']) {
          assert.deepEqual(await cancel(other, ['a'], 'two', attemptId, more), ['gone']);
          assert.equal((await look(provider, 'a'))?.ownerId, 'one');
        }
      }
    },
  },
];

/** The same for attempts with a queue entry. */
export const queuedAttemptCases: ConformanceCase[] = [
  queueCase('queues no attempt that was cancelled before it arrived', async ({ here, nobody, provider }) => {
    await nobody.hold('a');
    const attemptId = here.nextAttempt();
    for (const ask of [1, 2]) {
      await cancel(provider, ['a'], 'here', attemptId, { processId: 'here', pending: true });
      const late = await here.ask('a', { attemptId });
      assert.ok(!late.granted && !late.queued, `asked ${String(ask)} times`);
      assert.deepEqual(await queueOf(provider, 'a'), []);
    }
  }),
  queueCase('queues no attempt again whose entry was cancelled', async ({ here, nobody, provider }) => {
    await nobody.hold('a');
    const attemptId = await here.queue('a');
    await cancel(provider, ['a'], 'here', attemptId, { processId: 'here', pending: true });
    const late = await here.ask('a', { attemptId });
    assert.ok(!late.granted && !late.queued);
    assert.deepEqual(await queueOf(provider, 'a'), []);
  }),
];
