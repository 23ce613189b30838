import assert from 'node:assert/strict';
import { queueCase, queueOf } from './party.js';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, assertAbout, look, release, take } from './requests.js';

/** More tokens than a clock of microseconds gives while a case runs. */
const MANY = 60_000_000;

export const queueCases: ConformanceCase[] = [
  queueCase('hands a key to processes in the order of their arrival', async ({ here, there, nobody }) => {
    for (const [key, first, second] of [
      ['a', here, there],
      ['b', there, here],
    ] as const) {
      await nobody.hold(key);
      const attemptId = await first.queue(key);
      await second.queue(key);
      assert.deepEqual(await queueOf(here.provider, key), [first.processId, second.processId]);
      await release(nobody.provider, [key], nobody.processId);
      assert.equal((await look(here.provider, key))?.ownerId, first.processId);
      assert.equal((await first.hear('granted', key)).attemptId, attemptId);
      await release(first.provider, [key], first.processId, { attemptId });
      assert.equal((await look(here.provider, key))?.ownerId, second.processId);
      assert.deepEqual(await queueOf(here.provider, key), []);
      await second.hear('granted', key);
    }
  }),
  queueCase('hands a key to three processes in the order of their arrival', async ({ here, there, nobody, third }) => {
    await third(async (last) => {
      for (const order of [
        [here, there, last],
        [last, here, there],
      ] as const) {
        const key = `for ${order.map(({ processId }) => processId).join()}`;
        await nobody.hold(key);
        for (const party of order) await party.queue(key);
        await release(nobody.provider, [key], 'nobody');
        for (const party of order) {
          assert.equal((await look(here.provider, key))?.ownerId, party.processId);
          await party.hear('granted', key);
          await release(party.provider, [key], party.processId);
        }
        assert.equal(await look(here.provider, key), null);
      }
    });
  }),
  queueCase(
    'keeps one queue entry per process and key, however often the process asks',
    async ({ here, there, nobody }) => {
      await nobody.hold('a');
      const attemptId = await here.queue('a');
      await there.queue('a');
      await here.ask('a', { attemptId });
      assert.deepEqual(await queueOf(here.provider, 'a'), ['here', 'there']);
      // The last attempt of a process counts.
      const latest = await here.queue('a');
      assert.deepEqual(await queueOf(here.provider, 'a'), ['here', 'there']);
      await release(nobody.provider, ['a'], 'nobody');
      assert.equal((await here.hear('granted', 'a')).attemptId, latest);
    },
  ),
  queueCase('hands over what the request asked for: owner, lease and tokens', async ({ here, nobody }) => {
    await nobody.hold(['a', 'b']);
    const attemptId = await here.queue('a', { ownerId: 'o:w ner', ttl: 5000, tokens: MANY });
    await here.queue('b', { ttl: null });
    await release(nobody.provider, ['a', 'b'], 'nobody');
    const { token = 0 } = await here.hear('granted', 'a');
    await here.hear('granted', 'b');
    const [a, b] = await here.provider.inspect(['a', 'b']);
    assert.deepEqual([a?.ownerId, a?.fencingToken, b?.ttl], ['o:w ner', token, null]);
    assertAbout(a?.ttl, 5000);
    const again = await here.ask('a', { attemptId, ownerId: 'o:w ner' });
    assert.ok(again.granted);
    assert.deepEqual([again.fencingTokens, again.reentered], [[token], [false]]);
    await release(here.provider, ['a'], 'o:w ner');
    const [after = 0] = await take(nobody.provider, 'a', 'two');
    assert.ok(after >= token + MANY, `${String(after)} belongs to the block from ${String(token)}`);
  }),
  queueCase('tells the next holder whether another process waits', async ({ here, there, nobody }) => {
    await nobody.hold('a');
    const attemptId = await here.queue('a');
    await there.queue('a');
    await release(nobody.provider, ['a'], 'nobody');
    assert.equal((await here.hear('granted', 'a')).contended, true);
    await release(here.provider, ['a'], 'here', { attemptId });
    assert.equal((await there.hear('granted', 'a')).contended, false);
  }),
  queueCase('skips a process that does not listen, at once', async ({ here, nobody, provider, other }) => {
    await here.hold('a');
    await nobody.queue('a');
    await here.queue('a', { ownerId: 'next' });
    await release(provider, ['a'], 'here');
    assert.equal((await look(provider, 'a'))?.ownerId, 'next');
    assert.deepEqual(await queueOf(provider, 'a'), []);
    await nobody.queue('a');
    await release(provider, ['a'], 'next');
    assert.equal(await look(other, 'a'), null);
    await take(provider, 'a', 'three');
    assert.deepEqual(await queueOf(other, 'a'), []);
  }),
  queueCase('skips a queue entry without a heartbeat for over 5 s, and no other', async (lines) => {
    const { here, there, nobody, provider, pass } = lines;
    await nobody.hold(['a', 'b', 'c']);
    for (const key of ['a', 'b']) await here.queue(key);
    const attemptId = await there.queue('a');
    await here.hold('d');
    await nobody.queue('d');
    await pass(1500);
    await there.ask('a', { attemptId });
    await here.queue('c');
    await pass(3700);
    for (const key of ['a', 'b', 'c']) await release(nobody.provider, [key], 'nobody');
    const owners = (await provider.inspect(['a', 'b', 'c'])).map((stored) => stored?.ownerId);
    assert.deepEqual(owners, ['there', undefined, 'here']);
    assert.equal((await there.hear('granted', 'a')).attemptId, attemptId);
    // The first entry with a heartbeat makes the holder contended.
    here.heard.length = 0;
    await there.queue('d');
    await here.hear('contended', 'd');
  }),
  queueCase('tells a holder that another process waits', async ({ here, there }) => {
    const attemptId = await here.hold('a');
    await there.queue('a');
    assert.deepEqual(await here.hear('contended', 'a'), { what: 'contended', key: 'a', attemptId });
    await here.hold(['b', 'c']);
    await there.ask('b', { queue: false });
    await there.queue('c');
    await here.hear('contended', 'c');
    // A message about `b` would have arrived before the one about `c`.
    assert.deepEqual(
      here.heard.filter(({ key }) => key === 'b'),
      [],
    );
  }),
  queueCase(
    'tells the holder of a revoked key, and hands the key to the next process',
    async ({ here, there, provider }) => {
      const attemptId = await here.hold('a');
      const next = await there.queue('a');
      assert.equal(await provider.revoke(['a', 'free']), 1);
      assert.equal((await look(provider, 'a'))?.ownerId, 'there');
      assert.deepEqual(await here.hear('lost', 'a'), { what: 'lost', key: 'a', attemptId });
      assert.equal((await there.hear('granted', 'a')).attemptId, next);
    },
  ),
  queueCase('tells of keys of any characters', async ({ here, there }) => {
    const keys = [' ', 'a b', 'line\nbreak\n', 'schlüssel ✓ 𝄞', ' granted 1 0 x ', 'a\u0000b', '%s{}:.,'];
    for (const key of keys) {
      await here.hold(key);
      const attemptId = await there.queue(key);
      await here.hear('contended', key);
      await release(here.provider, [key], 'here');
      assert.equal((await there.hear('granted', key)).attemptId, attemptId);
      await here.provider.revoke([key]);
      await there.hear('lost', key);
    }
  }),
  queueCase('keeps the queues of all keys apart, whatever their names', async ({ here, there, nobody, provider }) => {
    const keys = ['a', 'a:order', 'a:places', 'a:queue', 'queue:a', 'order:a', ':', '!a', 'a!'];
    await nobody.hold(keys);
    for (const key of keys) {
      await here.queue(key);
      await there.queue(key);
    }
    await release(provider, keys, 'nobody');
    const held = await provider.inspect(keys);
    assert.deepEqual(
      held.map((stored) => [stored?.ownerId, stored?.queue]),
      keys.map(() => ['here', ['there']]),
    );
  }),
  queueCase('queues no process that does not ask for it', async ({ here, there, nobody }) => {
    await nobody.hold('a');
    const answer = await here.ask('a', { queue: false });
    assert.ok(!answer.granted && !answer.queued);
    const several = await acquire(there.provider, ['a', 'b'], 'there', { processId: 'there', queue: true });
    assert.ok(!several.granted && !several.queued);
    assert.deepEqual(await queueOf(here.provider, 'a'), []);
  }),
];
