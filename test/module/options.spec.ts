import { describe, expect, it } from '@jest/globals';
import { InMemoryLockingProvider, LockConfigurationError, MemoryLockStore } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { refusalOf } from '../support/refusal.js';
import { rejectionOf } from '../support/poll.js';

const applications = useApplications();
const resolve = InMemoryLockingProvider;

const refusal = (options: unknown): Promise<string> => refusalOf(applications, options);

describe('the default provider', () => {
  it.each([undefined, {}, { providers: [] }, { providers: undefined }])(
    'the default provider is in memory with %j',
    async (options) => {
      const { locking } = await applications.withLocks(options);
      expect(await locking.provider('in-memory').inspect('k')).toBeNull();
      await locking.execute('k', async () => {
        expect(await locking.inspect('k', { provider: 'in-memory' })).not.toBeNull();
      });
    },
  );

  it('the only provider is the default', async () => {
    const { locking } = await applications.withLocks({ providers: [{ resolve, id: 'only' }] });
    await locking.acquire('k', { expire: '1m' });
    expect(await locking.inspect('k', { provider: 'only' })).not.toBeNull();
  });

  it('the only provider is the default, even with is_default: false', async () => {
    const { locking } = await applications.withLocks({ providers: [{ resolve, id: 'only', is_default: false }] });
    expect(await locking.tryAcquire('k')).not.toBeNull();
  });

  it('the provider with is_default is the default of several', async () => {
    const { locking } = await applications.withLocks({
      providers: [
        { resolve, id: 'first' },
        { resolve, id: 'second', is_default: true },
        { resolve, id: 'third', is_default: false },
      ],
    });
    await locking.acquire('k', { expire: '1m' });
    expect(await locking.inspect('k', { provider: 'second' })).not.toBeNull();
    expect(await locking.inspect('k', { provider: 'first' })).toBeNull();
    expect(await locking.inspect('k', { provider: 'third' })).toBeNull();
  });

  it('several providers without is_default have no default', async () => {
    const message = await refusal({
      providers: [
        { resolve, id: 'first' },
        { resolve, id: 'lp_second' },
      ],
    });
    expect(message).toBe(
      'LockingModule: none of the providers "first", "second" is the default. Set is_default: true on one of them.',
    );
  });

  it('two providers with is_default are refused', async () => {
    const message = await refusal({
      providers: [
        { resolve, id: 'first', is_default: true },
        { resolve, id: 'second' },
        { resolve, id: 'third', is_default: true },
      ],
    });
    expect(message).toBe(
      'LockingModule: the providers "first", "third" are all marked as the default. Set is_default: true on one of them only.',
    );
  });
});

describe('ids', () => {
  it.each([
    ['x', 'x'],
    ['x', 'lp_x'],
    ['in-memory', undefined],
    ['lp_in-memory', undefined],
  ])('two providers may not have the same id: %s and %s', async (id, other) => {
    const providers = [
      { resolve, id, is_default: true },
      { resolve, id: other },
    ];
    expect(await refusal({ providers })).toMatch(
      /^LockingModule: two providers have the id "(x|in-memory)"\. Give each an id of its own\.$/,
    );
  });

  it('the id of a provider is the static identifier of its class, or must be given', async () => {
    class Nameless extends InMemoryLockingProvider {
      static override readonly identifier = '' as 'in-memory';
    }
    expect(await refusal({ providers: [{ resolve }, { resolve: Nameless }] })).toBe(
      'LockingModule: providers[1] has no id, and its class has no static identifier. Give one of them.',
    );
    expect(await refusal({ providers: [{ resolve, id: 'lp_' }] })).toMatch(/^LockingModule: providers\[0] has no id/);
    const { locking } = await applications.withLocks({ providers: [{ resolve: Nameless, id: 'named' }] });
    expect(await locking.inspect('k', { provider: 'named' })).toBeNull();
  });

  it.each([7, {}, true])('the id of a provider must be a string, not %j', async (id) => {
    expect(await refusal({ providers: [{ resolve, id }] })).toBe(
      'LockingModule: the id of providers[0] must be a string, such as "locking-redis".',
    );
  });

  it.each(['x', 'lp_x'])('mean the same with and without lp_ (configured as %s)', async (id) => {
    const store = new MemoryLockStore();
    const { locking } = await applications.withLocks({
      providers: [
        { resolve, is_default: true },
        { resolve, id, options: { store } },
      ],
    });
    await locking.provider('lp_x').acquire('k', { expire: '1m' });
    expect(await locking.provider('x').tryAcquire('k')).toBeNull();
    expect(await locking.tryAcquire('k', { provider: 'lp_x' })).toBeNull();
    expect(await locking.tryAcquire('k', { provider: 'x' })).toBeNull();
    expect(await locking.tryAcquire('k', { provider: 'lp_in-memory' })).not.toBeNull();
  });

  it('a call with an unknown provider id is refused, with the known ones', async () => {
    const { locking } = await applications.withLocks({
      providers: [
        { resolve, is_default: true },
        { resolve, id: 'lp_other' },
      ],
    });
    const message = 'There is no lock provider "nobody". Configured are: "in-memory", "other".';
    expect(() => locking.provider('lp_nobody')).toThrow(new LockConfigurationError(message));
    let ran = false;
    const job = (): boolean => (ran = true);
    for (const provider of ['nobody', 'lp_nobody']) {
      const error = await rejectionOf(locking.execute('k', job, { provider }));
      expect(error).toBeInstanceOf(LockConfigurationError);
      expect(error.message).toBe(message);
    }
    expect(ran).toBe(false);
  });
});
