import assert from 'node:assert/strict';
import { lineCase, lineOf } from './party.js';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, assertAbout, look, release, take } from './requests.js';

/** Whose turn it is when a key comes free. */
export const turnCases: ConformanceCase[] = [
  lineCase('lets no newcomer past those who wait when a lease has run out', async (lines) => {
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
      (await provider.inspect(['a', 'b'])).map((stored) => [stored?.ownerId, stored?.line]),
      [
        ['here', []],
        ['here', ['there']],
      ],
    );
    for (const key of ['a', 'b']) {
      await here.hear('granted', key);
      assertAbout((await look(provider, key))?.ttl, 30_000, 5000);
    }
    // Whoever is first itself gets it by the answer.
    const answer = await here.ask('c');
    assert.ok(answer.granted && answer.reentered[0] === false && !answer.wanted);
    await there.queue('c');
    assert.deepEqual(await lineOf(provider, 'c'), ['there']);
  }),
  lineCase('lets no newcomer past those who wait where it asks for many keys at once', async (lines) => {
    const { here, provider, other, pass } = lines;
    await take(provider, 'b', 'one', { ttl: 300 });
    await here.queue('b');
    await pass(400);
    const request = { ownerId: 'newcomer', ttl: 30_000, onlyIfOwned: false };
    const answers = await Promise.all(
      other.acquire(['a', 'b', 'c'].map((key) => ({ ...request, keys: [key], attemptId: `newcomer.${key}` }))),
    );
    assert.deepEqual(
      answers.map(({ granted }) => granted),
      [true, false, true],
    );
    await here.hear('granted', 'b');
  }),
  lineCase('grants to the first in line who asks, and says who is behind', async ({ here, there, other, pass }) => {
    await take(other, 'a', 'one', { ttl: 300 });
    await here.queue('a');
    await there.queue('a');
    await pass(400);
    const answer = await here.ask('a');
    assert.ok(answer.granted && answer.wanted);
    assert.deepEqual(await lineOf(other, 'a'), ['there']);
  }),
  lineCase('answers whoever is first itself, also where it asks without its address', async (lines) => {
    const { here, other, pass } = lines;
    await take(other, 'a', 'one', { ttl: 300 });
    const attemptId = await here.queue('a');
    await pass(400);
    const answer = await here.ask('a', { attemptId, address: undefined });
    assert.ok(answer.granted && !answer.wanted);
    assert.deepEqual(await lineOf(other, 'a'), []);
  }),
  lineCase('says with a place in line which grants were before it', async ({ here, nobody, provider }) => {
    const [before = 0] = await take(provider, 'a', 'one', { tokens: 5 });
    const answer = await here.ask('a');
    assert.ok(!answer.granted && answer.queued && answer.lastToken !== undefined);
    assert.ok(answer.lastToken >= before + 4);
    await release(provider, ['a'], 'one');
    const { token = 0 } = await here.hear('granted', 'a');
    assert.ok(token > answer.lastToken);
    const refused = await nobody.ask('a', { address: undefined });
    assert.ok(!refused.granted && refused.lastToken === undefined);
  }),
  lineCase('lets a named owner past those who wait for what it holds', async ({ here, provider, other }) => {
    await take(provider, 'a', 'one');
    await here.queue('a');
    for (const onlyIfOwned of [true, false]) {
      const answer = await acquire(other, 'a', 'one', { onlyIfOwned });
      assert.ok(answer.granted && answer.reentered[0] && answer.wanted);
    }
    await take(other, ['a', 'b'], 'one');
    assert.deepEqual(await lineOf(provider, 'a'), ['here']);
  }),
  lineCase('takes several keys past nobody, and none of them then', async ({ here, provider, other, pass }) => {
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
  }),
  lineCase('hands several keys on, each to its own first in line', async ({ here, there, provider, other }) => {
    await take(provider, ['a', 'b', 'c'], 'one', { attemptId: 'all' });
    await here.queue('a');
    await there.queue('c');
    await release(provider, ['a', 'b', 'c'], 'one', { attemptId: 'all' });
    assert.deepEqual(
      (await other.inspect(['a', 'b', 'c'])).map((stored) => stored?.ownerId),
      ['here', undefined, 'there'],
    );
  }),
  lineCase('hands on what an owner gives up by name, whichever attempt it stood on', async ({ here, provider }) => {
    await take(provider, 'a', 'one', { attemptId: 'first' });
    await take(provider, 'a', 'one', { attemptId: 'second' });
    await here.queue('a');
    assert.deepEqual(await release(provider, ['a'], 'two'), ['gone']);
    assert.deepEqual(await release(provider, ['a'], 'one', { attemptId: 'first' }), ['kept']);
    assert.deepEqual(await lineOf(provider, 'a'), ['here']);
    assert.deepEqual(await release(provider, ['a'], 'one'), ['freed']);
    assert.equal((await look(provider, 'a'))?.ownerId, 'here');
  }),
  lineCase('hands nothing on that is kept for a while', async ({ here, provider, other, pass }) => {
    await take(provider, 'a', 'one');
    await here.queue('a');
    assert.deepEqual(await release(provider, ['a'], 'one', { keepFor: 300 }), ['freed']);
    assert.equal((await look(other, 'a'))?.ownerId, 'one');
    assert.deepEqual(await lineOf(other, 'a'), ['here']);
    await pass(400);
    assert.equal((await acquire(other, 'a', 'two')).granted, false);
    assert.equal((await look(other, 'a'))?.ownerId, 'here');
  }),
  lineCase('lets a place go with the attempt that is undone', async ({ here, there, nobody, provider }) => {
    await nobody.hold('a');
    const attemptId = await here.queue('a');
    await there.queue('a');
    const undo = { attemptId, undo: true, address: 'here' };
    await release(provider, ['a'], 'here', { ...undo, attemptId: 'another' });
    assert.deepEqual(await lineOf(provider, 'a'), ['here', 'there']);
    assert.deepEqual(await release(provider, ['a'], 'here', undo), ['gone']);
    assert.deepEqual(await lineOf(provider, 'a'), ['there']);
    await release(provider, ['a'], 'nobody');
    assert.equal((await look(provider, 'a'))?.ownerId, 'there');
  }),
  lineCase('hands on at once what is undone after it was handed over', async ({ here, there, nobody, provider }) => {
    await nobody.hold('a');
    const attemptId = await here.queue('a');
    await there.queue('a');
    await release(provider, ['a'], 'nobody');
    const undone = await release(provider, ['a'], 'here', { attemptId, undo: true, address: 'here' });
    assert.deepEqual(undone, ['freed']);
    assert.equal((await look(provider, 'a'))?.ownerId, 'there');
    await there.hear('granted', 'a');
  }),
  lineCase('hands a free key on when a place before others is undone', async ({ here, there, provider, pass }) => {
    await take(provider, 'a', 'one', { ttl: 300 });
    const attemptId = await here.queue('a');
    await there.queue('a');
    await pass(400);
    await release(provider, ['a'], 'here', { attemptId, undo: true, address: 'here' });
    assert.equal((await look(provider, 'a'))?.ownerId, 'there');
  }),
];
