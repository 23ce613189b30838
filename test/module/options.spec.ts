import { describe, expect, it } from '@jest/globals';
import { InMemoryLockingProvider, LockConfigurationError, MemoryLockStore } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { refusalOf } from '../support/refusal.js';
import { rejectionOf } from '../support/poll.js';

const applications = useApplications();
const resolve = InMemoryLockingProvider;

const refusal = (options: unknown): Promise<string> => refusalOf(applications, options);

describe('the default provider', () => {
  it.each([undefined, {}, { providers: [] }, { providers: undefined }])('is in memory with %j', async (options) => {
    const { locking } = await applications.withLocks(options);
    expect(await locking.provider('in-memory').inspect('k')).toBeNull();
    await locking.execute('k', async () => {
      expect(await locking.inspect('k', { provider: 'in-memory' })).not.toBeNull();
    });
  });

  it('is the only one', async () => {
    const { locking } = await applications.withLocks({ providers: [{ resolve, id: 'only' }] });
    await locking.acquire('k', { expire: '1m' });
    expect(await locking.inspect('k', { provider: 'only' })).not.toBeNull();
  });

  it('is the only one, even if it says that it is not', async () => {
    const { locking } = await applications.withLocks({ providers: [{ resolve, id: 'only', is_default: false }] });
    expect(await locking.tryAcquire('k')).not.toBeNull();
  });

  it('is the flagged one of several', async () => {
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

  it('is never chosen where several have no flag', async () => {
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

  it('is never chosen where two have a flag', async () => {
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
  ])('may not be repeated: %s and %s', async (id, other) => {
    const providers = [
      { resolve, id, is_default: true },
      { resolve, id: other },
    ];
    expect(await refusal({ providers })).toMatch(
      /^LockingModule: two providers have the id "(x|in-memory)"\. Give each an id of its own\.$/,
    );
  });

  it('come from the static identifier of the class, or must be given', async () => {
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

  it.each([7, {}, true])('must be strings, not %j', async (id) => {
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

  it('that nobody has are refused at the call, naming those there are', async () => {
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
