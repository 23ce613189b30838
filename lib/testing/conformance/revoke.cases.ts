import assert from 'node:assert/strict';
import { isQueueing, type RevokingStore, type StoredLease } from '../../provider-api/index.js';
import { queueCase } from './party.js';
import type { ConformanceCase } from './provider-under-test.js';
import { look, release, take } from './requests.js';

interface Revoking {
  readonly provider: RevokingStore;
  readonly other: RevokingStore;
}

/** The suite leaves these cases out for a store that cannot revoke what was seen. */
function revokeCase(name: string, run: (stores: Revoking) => Promise<void>): ConformanceCase {
  return { name, run: async ({ provider, other }) => run({ provider, other } as unknown as Revoking) };
}

async function see(provider: RevokingStore, key: string): Promise<StoredLease> {
  const [seen] = await provider.inspect([key]);
  assert.ok(seen, `${key} should be held`);
  return seen;
}

const queued = queueCase(
  'tells the holder of what it revokes, and hands the key on, where it has queues',
  async ({ here, there, ...stores }) => {
    const provider = stores.provider as RevokingStore;
    const attemptId = await here.hold('a');
    const seen = await see(provider, 'a');
    const next = await there.queue('a');
    assert.equal(await provider.revokeSeen(seen), true);
    assert.deepEqual(await here.hear('lost', 'a'), { what: 'lost', key: 'a', attemptId });
    assert.equal((await there.hear('granted', 'a')).attemptId, next);
    assert.equal(await provider.revokeSeen(seen), false);
    assert.equal((await look(provider, 'a'))?.ownerId, 'there');
  },
);

export const revokeCases: ConformanceCase[] = [
  revokeCase('revokes the lease that was seen, whoever asks', async ({ provider, other }) => {
    await take(provider, 'a', 'one');
    await take(provider, 'b', 'one', { ttl: null });
    assert.equal(await other.revokeSeen(await see(other, 'a')), true);
    assert.equal(await provider.revokeSeen(await see(other, 'b')), true);
    await take(other, ['a', 'b'], 'two');
  }),

  revokeCase('leaves the key to a holder that has come since, and a free key free', async ({ provider, other }) => {
    await take(provider, 'a', 'one');
    const seen = await see(other, 'a');
    await release(provider, ['a'], 'one');
    assert.equal(await other.revokeSeen(seen), false);
    assert.equal(await look(provider, 'a'), null);
    await take(provider, 'a', 'two');
    assert.equal(await other.revokeSeen(seen), false);
    assert.equal((await look(provider, 'a'))?.ownerId, 'two');
    assert.equal(await other.revokeSeen({ ...(await see(other, 'a')), ownerId: 'one' }), false);
    assert.equal((await look(provider, 'a'))?.ownerId, 'two');
  }),

  revokeCase('leaves a later grant of the same owner', async ({ provider, other }) => {
    if (provider.comparesOwnersAlone) return;
    await take(provider, 'a', 'one');
    const seen = await see(other, 'a');
    await take(provider, 'a', 'one');
    assert.equal(await other.revokeSeen(seen), false);
    await release(provider, ['a'], 'one');
    await take(provider, 'a', 'one');
    assert.equal(await other.revokeSeen(seen), false);
    assert.equal((await look(provider, 'a'))?.ownerId, 'one');
    assert.equal(await other.revokeSeen(await see(other, 'a')), true);
    assert.equal(await look(provider, 'a'), null);
  }),

  revokeCase('tells keys and owners of any characters apart when it revokes', async ({ provider, other }) => {
    for (const name of ['a b', ' a', "a'b", 'ä\n𝄞', '*']) {
      await take(provider, name, name);
      const seen = await see(other, name);
      assert.equal(await other.revokeSeen({ ...seen, ownerId: `${name} ` }), false);
      assert.equal(await other.revokeSeen(seen), true);
      assert.equal(await look(provider, name), null);
    }
  }),

  {
    name: queued.name,
    run: async (subject) => {
      if (isQueueing(subject.provider)) await queued.run(subject);
    },
  },
];
