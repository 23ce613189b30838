import { describe, expect, it } from '@jest/globals';
import { InMemoryLockingProvider, type LeaseStore } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { refusalOf } from '../support/refusal.js';

const applications = useApplications();
const resolve = InMemoryLockingProvider;

const refusal = (options: unknown): Promise<string> => refusalOf(applications, options);

describe('options that cannot work', () => {
  it('the error names an unknown option of the module', async () => {
    expect(await refusal({ provider: [] })).toBe(
      'LockingModule: "provider" is not an option. Known are: providers, instanceId, debugLog (and isGlobal beside them).',
    );
  });

  it.each([null, 'redis', { resolve }])('wants providers to be an array, not %j', async (providers) => {
    expect(await refusal({ providers })).toMatch(/^LockingModule: providers must be an array, such as \[/);
  });

  it('the error names an unknown field of a provider', async () => {
    expect(await refusal({ providers: [{ resolve, isDefault: true }] })).toBe(
      'LockingModule: "isDefault" is not a field of a provider. Known are: resolve, id, is_default, options.',
    );
  });

  it('the error names an unknown option of a provider, and the known ones', async () => {
    expect(await refusal({ providers: [{ resolve, id: 'lp_x', options: { expires: '5s' } }] })).toBe(
      'Provider "x": "expires" is not an option. Known are: store, waitLockingTimeout, defaultRetryInterval, maximumRetryInterval, backoffFactor, expire, drainTimeout, maxWaiters, failFast, warnAfter.',
    );
  });

  it.each(['@nestjs-locking/redis', undefined, {}, new InMemoryLockingProvider(), () => undefined])(
    'resolve must be a class, not %p',
    async (value) => {
      expect(await refusal({ providers: [{ resolve: value, id: 'x' }] })).toBe(
        'LockingModule: resolve of providers[0] is not a provider class. Give one such as RedisLockingProvider.',
      );
    },
  );

  it.each([null, 'in-memory', InMemoryLockingProvider])('wants a provider to be an object, not %p', async (entry) => {
    expect(await refusal({ providers: [entry] })).toBe(
      'LockingModule: providers[0] must be an object, such as { resolve: RedisLockingProvider, options: { redisUrl } }.',
    );
  });

  it.each(['redis://h', 5])('wants the options of a provider to be an object, not %j', async (options) => {
    expect(await refusal({ providers: [{ resolve, options }] })).toBe(
      'Provider "in-memory": options must be an object.',
    );
  });

  it.each([
    [{ resolve, is_default: 'false' }, 'Provider "in-memory": is_default must be true or false.'],
    [{ resolve, options: { failFast: 'true' } }, 'Provider "in-memory": failFast must be true or false.'],
  ])('flags must be booleans, as a text that reads true might not be: %p', async (entry, message) => {
    expect(await refusal({ providers: [entry] })).toBe(message);
  });

  it('a class that does not list its options checks them itself', async () => {
    let given: unknown;
    class Own extends InMemoryLockingProvider {
      static override readonly optionNames = undefined as unknown as string[];
      constructor(options: object) {
        super();
        given = options;
      }
    }
    const own: new () => LeaseStore = Own as never;
    await applications.withLocks({ providers: [{ resolve: own as never, id: 'own', options: { own: 1 } as never }] });
    expect(given).toEqual({ own: 1 });
  });
});
