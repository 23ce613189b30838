import { describe, expect, it } from '@jest/globals';
import { InMemoryLockingProvider, type MemoryLockStore } from '../../lib/index.js';
import * as broken from './broken/broken-providers.js';
import { failuresOf } from './broken/run-suite.js';

/** Each broken provider, with a case that it must fail; more may fail. */
const CAUGHT: readonly (readonly [keyof typeof broken, string])[] = [
  ['CutsOwners', 'tells long owners apart by their last character'],
  ['CutsKeys', 'tells long keys apart by their last character'],
  ['NormalizesKeys', 'takes composed and decomposed characters for different ones, in keys and owners'],
  ['IgnoresCase', 'tells keys and owners of any characters apart'],
  ['TrimsKeys', 'tells keys and owners of any characters apart'],
  ['CapsLeases', 'keeps long leases at their full length'],
  ['RoundsLeasesUp', 'keeps a lease to the millisecond'],
  ['KeepsForAnybody', 'keeps a key for a while for its owner alone'],
  ['FreesByAttemptAlone', 'releases an attempt for its owner alone'],
  ['FreesForAnybody', 'releases for the owner alone'],
  ['ForgetsAttempts', 'does not free another grant of the same owner'],
  ['KeepsNoTombstones', 'refuses an attempt that was cancelled before it arrived, whenever it arrives'],
  ['CancelsAllGrants', 'cancels an attempt and keeps what the owner held before it'],
  ['CancelsForAnybody', 'cancels an attempt for its owner alone'],
  ['KeepsCancelledEntries', 'ends the queue entry of a cancelled attempt'],
  ['RevokesSilently', 'tells the holder of a revoked key, and hands the key to the next process'],
  ['IgnoresKeepFor', 'keeps a key for a while after its release, if asked to'],
  ['HoldsWhatItKeeps', 'does not extend a key that is kept for a while after its release'],
  ['ReordersBatches', 'carries out the acquires of a batch in their order, each on what those before it left'],
  ['AnswersBatchesFromBefore', 'carries out the releases of a batch in their order, each on what those before it left'],
  ['RejectsWholeBatches', 'serves the other requests of a batch where one cannot be served'],
  ['ServesTheLastFirst', 'hands a key to three processes in the order of their arrival'],
  ['RepeatsTokens', 'gives each acquire of a batch on the same key a token of its own'],
  ['IgnoresTokenBlocks', 'reserves as many tokens as the request asks for, and grants none of them again'],
  ['ExtendsForAnybody', 'extends for the owner alone'],
  ['ExtendsSomeKeys', 'extends all keys or none'],
  ['TakesSomeKeys', 'takes several keys, or none of them'],
  ['CountsRevoked', 'revokes keys of any holder, and counts them'],
  ['ListsOnePage', 'lists thousands of keys'],
  ['LetsOldTokensWrite', 'refuses a token below the greatest that wrote'],
  ['IgnoresVersions', 'compares versions and sets'],
  ['ForgetsDeletedTokens', 'remembers the token of a deleted record, for as long as it is asked to'],
  ['RefusesRepetitions', 'a request that arrives twice is answered twice the same'],
  ['RevokesAnyOwner', 'leaves the key to a holder that has come since, and a free key free'],
  ['RevokesAnyToken', 'leaves a later grant of the same owner'],
  ['KeepsRecordsForEver', 'a record without a ttl stays, one with a ttl expires, and a write sets the ttl anew'],
];

describe('the conformance suite', () => {
  it('the conformance suite passes a correct provider', async () => {
    expect(await failuresOf((store) => new InMemoryLockingProvider({ store }))).toEqual([]);
  });

  it('every broken provider has a test', () => {
    expect(CAUGHT.map(([name]) => name).sort()).toEqual(Object.keys(broken).sort());
  });

  it.each(CAUGHT)('the conformance suite finds the broken provider %s: %s', async (name, promise) => {
    expect(await failuresOf((store) => new broken[name]({ store }))).toContain(promise);
  });

  it('the conformance suite finds a store that lacks a capability, or has one that it should not have', async () => {
    class WithoutQueues extends InMemoryLockingProvider {
      override listen = undefined as never;
    }
    const create = (store: MemoryLockStore): InMemoryLockingProvider => new WithoutQueues({ store });
    expect(await failuresOf(create)).toContain('offers queueing');
    expect(await failuresOf(create, { without: ['queueing'] })).toEqual([]);
    const [failure] = await failuresOf((store) => new InMemoryLockingProvider({ store }), { without: ['queueing'] });
    expect(failure).toMatch(/^does not offer queueing: waiting processes ask/);
  });
});
