import assert from 'node:assert/strict';
import { batchCase, type ConformanceCase } from './provider-under-test.js';
import { acquire, look, release, requestFor, take } from './requests.js';

/** Requests that travel together are carried out one after another, each for itself. */
export const batchCases: ConformanceCase[] = [
  batchCase(
    'carries out the acquires of a batch in their order, each on what those before it left',
    async ({ provider, other }) => {
      // A server that is asked for the first time may have to be told first how to carry requests out.
      await take(provider, ['first', 'second'], 'one');
      await take(provider, 'third', 'one');
      const answers = await Promise.all(
        provider.acquireBatch([
          requestFor(['a', 'b'], 'one'),
          requestFor('b', 'two'),
          requestFor('c', 'two'),
          requestFor(['c', 'd'], 'three'),
          requestFor('d', 'four'),
          requestFor(['a', 'b'], 'one'),
        ]),
      );
      assert.deepEqual(
        answers.map(({ granted }) => granted),
        [true, false, true, false, true, true],
      );
      const owners = (await other.inspect(['a', 'b', 'c', 'd'])).map((stored) => stored?.ownerId);
      assert.deepEqual(owners, ['one', 'one', 'two', 'four']);
    },
  ),
  batchCase('has no pipelinedBatch, or one that can be reached', async ({ provider: { pipelinedBatch = 1 } }) => {
    assert.ok(
      Number.isSafeInteger(pipelinedBatch) && pipelinedBatch > 0,
      `pipelinedBatch is ${String(pipelinedBatch)}`,
    );
    return Promise.resolve();
  }),
  batchCase('gives each acquire of a batch on the same key a token of its own', async ({ provider }) => {
    const requests = ['first', 'second', 'third'].map((attemptId) => requestFor('a', 'one', { attemptId }));
    const answers = await Promise.all(provider.acquireBatch(requests));
    const tokens = answers.map((answer) => (answer.granted ? (answer.fencingTokens[0] ?? 0) : 0));
    assert.ok((tokens[0] ?? 0) < (tokens[1] ?? 0) && (tokens[1] ?? 0) < (tokens[2] ?? 0), tokens.join(', '));
    assert.deepEqual(
      answers.map((answer) => answer.granted && answer.reentered[0]),
      [false, true, true],
    );
  }),
  batchCase(
    'carries out the releases of a batch in their order, each on what those before it left',
    async ({ provider, other }) => {
      await take(provider, 'a', 'one', { attemptId: 'first' });
      await take(provider, 'a', 'one', { attemptId: 'second' });
      await take(provider, 'b', 'two');
      const outcomes = await Promise.all(
        provider.releaseBatch([
          { keys: ['a'], ownerId: 'one', attemptId: 'first' },
          { keys: ['a'], ownerId: 'one', attemptId: 'second' },
          { keys: ['a'], ownerId: 'one' },
          { keys: ['b'], ownerId: 'one' },
          { keys: ['b'], ownerId: 'two' },
        ]),
      );
      assert.deepEqual(outcomes, [['kept'], ['freed'], ['gone'], ['gone'], ['freed']]);
      await take(other, ['a', 'b'], 'three');
    },
  ),
  batchCase('extends for each request of a batch by itself', async ({ provider }) => {
    await take(provider, ['a', 'b'], 'one', { ttl: 5000 });
    await take(provider, 'c', 'two', { ttl: 5000 });
    const answers = await Promise.all(
      provider.extendBatch([
        { keys: ['a'], ownerId: 'one', ttl: 60_000 },
        { keys: ['b', 'c'], ownerId: 'one', ttl: 60_000 },
        { keys: ['c'], ownerId: 'two', ttl: 60_000 },
      ]),
    );
    assert.deepEqual(answers, [[true], [true, false], [true]]);
    const lasts = (await provider.inspect(['a', 'b', 'c'])).map((stored) => (stored?.ttl ?? 0) > 5000);
    assert.deepEqual(lasts, [true, false, true]);
  }),
  batchCase('serves the other requests of a batch where one cannot be served', async ({ provider, other }) => {
    // Some store may refuse one of these; that is its own affair, and no other request's.
    const odd = [' ', '\u0000', '{}', 'x'.repeat(60_000), '\ud83d\ude00'.repeat(500), 'a b\tc\r\nd', '__proto__'];
    const keys = odd.flatMap((key, index) => [key, `plain ${String(index)}`]);
    const settled = await Promise.allSettled(provider.acquireBatch(keys.map((key) => requestFor(key, 'one'))));
    for (const [index, key] of keys.entries()) {
      if (!key.startsWith('plain')) continue;
      const outcome = settled[index];
      assert.ok(outcome?.status === 'fulfilled' && outcome.value.granted, `${key} should have been granted`);
      assert.equal((await look(other, key))?.ownerId, 'one');
    }
    const released = await Promise.allSettled(
      provider.releaseBatch(keys.map((key) => ({ keys: [key], ownerId: 'one' }))),
    );
    for (const [index, key] of keys.entries()) {
      if (key.startsWith('plain')) assert.equal(released[index]?.status, 'fulfilled', `the release of ${key}`);
    }
  }),
  batchCase('answers a batch of thousands', async ({ provider, other }) => {
    const keys = Array.from({ length: 2000 }, (_, index) => `many ${String(index)}`);
    const granted = await Promise.all(provider.acquireBatch(keys.map((key) => requestFor(key, 'one'))));
    assert.equal(granted.filter((answer) => answer.granted).length, keys.length);
    assert.equal((await acquire(other, 'many 1999', 'two')).granted, false);
    const freed = await Promise.all(provider.releaseBatch(keys.map((key) => ({ keys: [key], ownerId: 'one' }))));
    assert.ok(freed.every(([outcome]) => outcome === 'freed'));
    assert.deepEqual(await release(other, ['many 0'], 'one'), ['gone']);
  }),
  batchCase(
    'carries out the cancels of a batch in their order, each on what those before it left',
    async ({ provider }) => {
      for (const attemptId of ['first', 'second']) await take(provider, 'a', 'one', { attemptId });
      const request = { keys: ['a'], ownerId: 'one', processId: 'process', pending: false };
      const outcomes = await Promise.all(
        provider.cancelBatch(['second', 'second', 'first', 'first'].map((attemptId) => ({ ...request, attemptId }))),
      );
      assert.deepEqual(outcomes, [['kept'], ['kept'], ['freed'], ['gone']]);
    },
  ),
  batchCase('reserves tokens for each request of a batch', async ({ provider }) => {
    const tokens = 60_000_000;
    const keys = ['a', 'b', 'c'];
    const answers = await Promise.all(provider.acquireBatch(keys.map((key) => requestFor(key, 'one', { tokens }))));
    const firsts = answers.flatMap((answer) => (answer.granted ? answer.fencingTokens : []));
    for (const [index, key] of keys.entries()) {
      await release(provider, [key], 'one');
      const [next = 0] = await take(provider, key, 'two');
      assert.ok(next >= (firsts[index] ?? 0) + tokens, `${key}: ${String(next)} after ${firsts.join(', ')}`);
    }
  }),
];
