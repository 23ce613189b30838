import assert from 'node:assert/strict';
import { lineCase, lineOf } from './party.js';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, assertAbout, look, release, take } from './requests.js';

/** More tokens than a clock of microseconds gives while a case runs. */
const MANY = 60_000_000;

export const lineCases: ConformanceCase[] = [
  lineCase('hands a key on in the order in which processes came', async ({ here, there, nobody }) => {
    for (const [key, first, second] of [
      ['a', here, there],
      ['b', there, here],
    ] as const) {
      await nobody.hold(key);
      const attemptId = await first.queue(key);
      await second.queue(key);
      assert.deepEqual(await lineOf(here.provider, key), [first.address, second.address]);
      await release(nobody.provider, [key], nobody.address);
      assert.equal((await look(here.provider, key))?.ownerId, first.address);
      assert.equal((await first.hear('granted', key)).attemptId, attemptId);
      await release(first.provider, [key], first.address, { attemptId });
      assert.equal((await look(here.provider, key))?.ownerId, second.address);
      assert.deepEqual(await lineOf(here.provider, key), []);
      await second.hear('granted', key);
    }
  }),
  lineCase('hands a key on in the order in which three processes came', async ({ here, there, nobody, third }) => {
    await third(async (last) => {
      for (const order of [
        [here, there, last],
        [last, here, there],
      ] as const) {
        const key = `for ${order.map(({ address }) => address).join()}`;
        await nobody.hold(key);
        for (const party of order) await party.queue(key);
        await release(nobody.provider, [key], 'nobody');
        for (const party of order) {
          assert.equal((await look(here.provider, key))?.ownerId, party.address);
          await party.hear('granted', key);
          await release(party.provider, [key], party.address);
        }
        assert.equal(await look(here.provider, key), null);
      }
    });
  }),
  lineCase('keeps one place per process and key, however often it asks', async ({ here, there, nobody }) => {
    await nobody.hold('a');
    const attemptId = await here.queue('a');
    await there.queue('a');
    await here.ask('a', { attemptId });
    assert.deepEqual(await lineOf(here.provider, 'a'), ['here', 'there']);
    // Of a process that asks with another attempt the last one counts.
    const latest = await here.queue('a');
    assert.deepEqual(await lineOf(here.provider, 'a'), ['here', 'there']);
    await release(nobody.provider, ['a'], 'nobody');
    assert.equal((await here.hear('granted', 'a')).attemptId, latest);
  }),
  lineCase('grants by hand-over what was asked for: owner, length and tokens', async ({ here, nobody }) => {
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
  lineCase('tells who is handed a key whether somebody else waits for it', async ({ here, there, nobody }) => {
    await nobody.hold('a');
    const attemptId = await here.queue('a');
    await there.queue('a');
    await release(nobody.provider, ['a'], 'nobody');
    assert.equal((await here.hear('granted', 'a')).wanted, true);
    await release(here.provider, ['a'], 'here', { attemptId });
    assert.equal((await there.hear('granted', 'a')).wanted, false);
  }),
  lineCase('passes over an address under which nobody listens, at once', async ({ here, nobody, provider, other }) => {
    await here.hold('a');
    await nobody.queue('a');
    await here.queue('a', { ownerId: 'next' });
    await release(provider, ['a'], 'here');
    assert.equal((await look(provider, 'a'))?.ownerId, 'next');
    assert.deepEqual(await lineOf(provider, 'a'), []);
    await nobody.queue('a');
    await release(provider, ['a'], 'next');
    assert.equal(await look(other, 'a'), null);
    await take(provider, 'a', 'three');
    assert.deepEqual(await lineOf(other, 'a'), []);
  }),
  lineCase('passes over a place without a sign of life for over 5 s, and no other', async (lines) => {
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
    // Whoever is first now is the one to tell the holder.
    here.heard.length = 0;
    await there.queue('d');
    await here.hear('wanted', 'd');
  }),
  lineCase('tells a holder that somebody waits', async ({ here, there }) => {
    const attemptId = await here.hold('a');
    await there.queue('a');
    assert.deepEqual(await here.hear('wanted', 'a'), { what: 'wanted', key: 'a', attemptId });
    await here.hold(['b', 'c']);
    await there.ask('b', { address: undefined });
    await there.queue('c');
    await here.hear('wanted', 'c');
    // What was told before that would have come before it.
    assert.deepEqual(
      here.heard.filter(({ key }) => key === 'b'),
      [],
    );
  }),
  lineCase('tells a holder whose key is freed by force, and passes it on', async ({ here, there, provider }) => {
    const attemptId = await here.hold('a');
    const next = await there.queue('a');
    assert.equal(await provider.forceRelease(['a', 'free']), 1);
    assert.equal((await look(provider, 'a'))?.ownerId, 'there');
    assert.deepEqual(await here.hear('taken', 'a'), { what: 'taken', key: 'a', attemptId });
    assert.equal((await there.hear('granted', 'a')).attemptId, next);
  }),
  lineCase('tells of keys of any characters', async ({ here, there }) => {
    const keys = [' ', 'a b', 'line\nbreak\n', 'schlüssel ✓ 𝄞', ' granted 1 0 x ', 'a\u0000b', '%s{}:.,'];
    for (const key of keys) {
      await here.hold(key);
      const attemptId = await there.queue(key);
      await here.hear('wanted', key);
      await release(here.provider, [key], 'here');
      assert.equal((await there.hear('granted', key)).attemptId, attemptId);
      await here.provider.forceRelease([key]);
      await there.hear('taken', key);
    }
  }),
  lineCase('keeps the lines of all keys apart, whatever they are called', async ({ here, there, nobody, provider }) => {
    const keys = ['a', 'a:order', 'a:places', 'a:line', 'line:a', 'order:a', ':', '!a', 'a!'];
    await nobody.hold(keys);
    for (const key of keys) {
      await here.queue(key);
      await there.queue(key);
    }
    await release(provider, keys, 'nobody');
    const held = await provider.inspect(keys);
    assert.deepEqual(
      held.map((stored) => [stored?.ownerId, stored?.line]),
      keys.map(() => ['here', ['there']]),
    );
  }),
  lineCase('stands nobody in line who does not ask to', async ({ here, there, nobody }) => {
    await nobody.hold('a');
    const answer = await here.ask('a', { address: undefined });
    assert.ok(!answer.granted && !answer.queued);
    const several = await acquire(there.provider, ['a', 'b'], 'there', { address: 'there' });
    assert.ok(!several.granted && !several.queued);
    assert.deepEqual(await lineOf(here.provider, 'a'), []);
  }),
];
