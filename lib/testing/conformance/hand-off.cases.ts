import assert from 'node:assert/strict';
import { queueCase, queueOf } from './party.js';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, assertAbout, cancel, look, release, take } from './requests.js';

const fromHere = { processId: 'here' };

/** The process that gets a key when it becomes free. */
export const handOffCases: ConformanceCase[] = [
  queueCase('grants no key to a newcomer before the queue when a lease has expired', async (lines) => {
    const { here, there, provider, other, pass } = lines;
    for (const key of ['a', 'b', 'c']) {
      await take(other, key, 'one', { ttl: 300 });
      await here.queue(key);
    }
    await pass(400);
    const refused = await acquire(other, 'a', 'newcomer');
    assert.equal(refused.granted, false);
    await there.queue('b');
    assert.deepEqual(
      (await provider.inspect(['a', 'b'])).map((stored) => [stored?.ownerId, stored?.queue]),
      [
        ['here', []],
        ['here', ['there']],
      ],
    );
    for (const key of ['a', 'b']) {
      await here.hear('granted', key);
      assertAbout((await look(provider, key))?.ttl, 30_000, 5000);
    }
    // The first process in the queue gets the key by the answer.
    const answer = await here.ask('c');
    assert.ok(answer.granted && answer.reentered[0] === false && !answer.contended);
    await there.queue('c');
    assert.deepEqual(await queueOf(provider, 'c'), ['there']);
  }),
  queueCase('grants no key to a request without a queue entry before the entry of its own process', async (lines) => {
    const { here, provider, other, pass } = lines;
    await take(other, 'a', 'one', { ttl: 300 });
    const attemptId = await here.queue('a', { ownerId: 'queued' });
    await pass(400);
    const answer = await here.ask('a', { queue: false });
    assert.equal(answer.granted, false);
    assert.equal((await look(provider, 'a'))?.ownerId, 'queued');
    assert.equal((await here.hear('granted', 'a')).attemptId, attemptId);
  }),
  queueCase('grants no key to a newcomer before the queue if it asks for many keys', async (lines) => {
    const { here, provider, other, pass } = lines;
    await take(provider, 'b', 'one', { ttl: 300 });
    await here.queue('b');
    await pass(400);
    const answers = await Promise.all(['a', 'b', 'c'].map(async (key) => acquire(other, key, 'newcomer')));
    assert.deepEqual(
      answers.map(({ granted }) => granted),
      [true, false, true],
    );
    await here.hear('granted', 'b');
  }),
  queueCase(
    'grants to the first process in the queue that asks, and tells it that another one waits',
    async ({ here, there, other, pass }) => {
      await take(other, 'a', 'one', { ttl: 300 });
      await here.queue('a');
      await there.queue('a');
      await pass(400);
      const answer = await here.ask('a');
      assert.ok(answer.granted && answer.contended);
      assert.deepEqual(await queueOf(other, 'a'), ['there']);
    },
  ),
  queueCase('grants to the first process in the queue also if it asks without queue', async (lines) => {
    const { here, other, pass } = lines;
    await take(other, 'a', 'one', { ttl: 300 });
    const attemptId = await here.queue('a');
    await pass(400);
    const answer = await here.ask('a', { attemptId, queue: false });
    assert.ok(answer.granted && !answer.contended);
    assert.deepEqual(await queueOf(other, 'a'), []);
  }),
  queueCase('answers with the last token so far when it queues a process', async ({ here, nobody, provider }) => {
    const [before = 0] = await take(provider, 'a', 'one', { tokens: 5 });
    const answer = await here.ask('a');
    assert.ok(!answer.granted && answer.queued && answer.lastToken !== undefined);
    assert.ok(answer.lastToken >= before + 4);
    await release(provider, ['a'], 'one');
    const { token = 0 } = await here.hear('granted', 'a');
    assert.ok(token > answer.lastToken);
    const refused = await nobody.ask('a', { queue: false });
    assert.ok(!refused.granted && refused.lastToken === undefined);
  }),
  queueCase('grants a key again to its owner before the queue', async ({ here, provider, other }) => {
    await take(provider, 'a', 'one');
    await here.queue('a');
    for (const onlyIfOwned of [true, false]) {
      const answer = await acquire(other, 'a', 'one', { onlyIfOwned });
      assert.ok(answer.granted && answer.reentered[0] && answer.contended);
    }
    await take(other, ['a', 'b'], 'one');
    assert.deepEqual(await queueOf(provider, 'a'), ['here']);
  }),
  queueCase(
    'grants none of several keys if a process waits for one of them',
    async ({ here, provider, other, pass }) => {
      await take(provider, 'b', 'one', { ttl: 300 });
      const attemptId = await here.queue('b');
      await pass(400);
      const refused = await acquire(other, ['a', 'b', 'c'], 'two');
      assert.ok(!refused.granted && refused.key === 'b');
      assert.deepEqual(
        (await other.inspect(['a', 'b', 'c'])).map((stored) => stored?.ownerId),
        [undefined, 'here', undefined],
      );
      assert.equal((await here.hear('granted', 'b')).attemptId, attemptId);
    },
  ),
  queueCase(
    'hands each of several keys to the first process in its queue',
    async ({ here, there, provider, other }) => {
      await take(provider, ['a', 'b', 'c'], 'one', { attemptId: 'all' });
      await here.queue('a');
      await there.queue('c');
      await release(provider, ['a', 'b', 'c'], 'one', { attemptId: 'all' });
      assert.deepEqual(
        (await other.inspect(['a', 'b', 'c'])).map((stored) => stored?.ownerId),
        ['here', undefined, 'there'],
      );
    },
  ),
  queueCase('hands over a key that its owner releases by name, whatever the attempt', async ({ here, provider }) => {
    await take(provider, 'a', 'one', { attemptId: 'first' });
    await take(provider, 'a', 'one', { attemptId: 'second' });
    await here.queue('a');
    assert.deepEqual(await release(provider, ['a'], 'two'), ['gone']);
    assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'first' }), ['kept']);
    assert.deepEqual(await queueOf(provider, 'a'), ['here']);
    assert.deepEqual(await release(provider, ['a'], 'one'), ['freed']);
    assert.equal((await look(provider, 'a'))?.ownerId, 'here');
  }),
  queueCase('hands over no key that is kept after its release', async ({ here, provider, other, pass }) => {
    await take(provider, 'a', 'one');
    await here.queue('a');
    assert.deepEqual(await release(provider, ['a'], 'one', { keepFor: 300 }), ['freed']);
    assert.equal((await look(other, 'a'))?.ownerId, 'one');
    assert.deepEqual(await queueOf(other, 'a'), ['here']);
    await pass(400);
    assert.equal((await acquire(other, 'a', 'two')).granted, false);
    assert.equal((await look(other, 'a'))?.ownerId, 'here');
  }),
  queueCase(
    'hands over a key that its owner has acquired again while it was kept, and releases',
    async ({ here, provider, other }) => {
      await take(provider, 'a', 'one', { attemptId: 'one.1' });
      await here.queue('a');
      await release(provider, ['a'], 'one', { attemptId: 'one.1', keepFor: 20_000 });
      await take(provider, 'a', 'one', { attemptId: 'one.2' });
      assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'one.2' }), ['freed']);
      assert.equal((await look(other, 'a'))?.ownerId, 'here');
    },
  ),
  queueCase('ends the queue entry of a cancelled attempt', async ({ here, there, nobody, provider }) => {
    await nobody.hold('a');
    const attemptId = await here.queue('a');
    await there.queue('a');
    await cancel(provider, ['a'], 'here', 'another', fromHere);
    assert.deepEqual(await queueOf(provider, 'a'), ['here', 'there']);
    assert.deepEqual(await cancel(provider, ['a'], 'here', attemptId, fromHere), ['gone']);
    assert.deepEqual(await queueOf(provider, 'a'), ['there']);
    await release(provider, ['a'], 'nobody');
    assert.equal((await look(provider, 'a'))?.ownerId, 'there');
  }),
  queueCase(
    'hands a key on at once if the attempt that got it is cancelled',
    async ({ here, there, nobody, provider }) => {
      await nobody.hold('a');
      const attemptId = await here.queue('a');
      await there.queue('a');
      await release(provider, ['a'], 'nobody');
      const undone = await cancel(provider, ['a'], 'here', attemptId, fromHere);
      assert.deepEqual(undone, ['freed']);
      assert.equal((await look(provider, 'a'))?.ownerId, 'there');
      await there.hear('granted', 'a');
    },
  ),
  queueCase(
    'hands over a free key when the first queue entry is cancelled',
    async ({ here, there, provider, pass }) => {
      await take(provider, 'a', 'one', { ttl: 300 });
      const attemptId = await here.queue('a');
      await there.queue('a');
      await pass(400);
      await cancel(provider, ['a'], 'here', attemptId, fromHere);
      assert.equal((await look(provider, 'a'))?.ownerId, 'there');
    },
  ),
];
