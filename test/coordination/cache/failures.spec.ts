import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createCache } from 'cache-manager';
import { of } from 'rxjs';
import { CacheFlight, type CacheFlightOptions, type CacheFlightStore } from '../../../lib/coordination/cache/index.js';
import {
  InMemoryLockingProvider,
  isLockBackendError,
  LockConfigurationError,
  LockingModule,
  LockKeyError,
  type LeaseAnswer,
  type LockingService,
} from '../../../lib/index.js';
import { useApplications } from '../../support/applications.js';
import { deferred } from '../../support/deferred.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { SharedCache, SlowLoad, storeWith } from './support.js';

const applications = useApplications();

let cache = new SharedCache();
let warn: jest.SpiedFunction<Logger['warn']>;

beforeEach(() => {
  cache = new SharedCache();
  warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
});

afterEach(() => {
  jest.restoreAllMocks();
});

const logged = (): string => warn.mock.calls.flat().join('\n');

async function open(options: CacheFlightOptions = {}): Promise<{ flight: CacheFlight; locking: LockingService }> {
  const { locking } = await applications.withLocks();
  return { locking, flight: cache.flight(locking, options) };
}

describe('a cache that fails', () => {
  const silent = async (): Promise<never> => new Promise(() => undefined);
  const refuses = async (): Promise<never> => Promise.reject(new Error('no connection'));

  it.each([
    ['does not answer', silent, 'The cache did not answer within 30 ms (cacheTimeout)'],
    ['rejects', refuses, 'no connection'],
  ])('a cache that %s: each process loads once for its callers, and says so', async (_, call, reason) => {
    const store = storeWith({ get: call, set: call, delete: call, clear: call });
    const { flight } = await open({ store, cacheTimeout: '30ms' });
    const slow = new SlowLoad();
    expect([await flight.get('report'), await flight.has('report')]).toEqual([undefined, false]);
    const now = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    const calls = Array.from({ length: 50 }, async () => flight.getOrSet('report', slow.load));
    await slow.called();
    slow.end('loaded');
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['loaded']));
    expect(slow.calls).toBe(1);
    expect(logged()).toContain(`The cache cannot be used for "report"`);
    expect(logged()).toContain(reason);
    // What cannot be done without the cache rejects.
    for (const change of [flight.set('report', 1), flight.delete('report'), flight.clear()]) {
      expect((await rejectionOf(change)).message).toContain(reason);
    }
  });

  it('a cache whose store refuses everything, and that says nothing of it: set and delete reject', async () => {
    const kept = storeWith({});
    const { flight } = await open({ store: kept });
    await flight.set('report', 'old');
    // As cache-manager does: it returns the value, and that the key was deleted.
    const store = storeWith({
      get: async (key) => kept.get(key),
      set: async (_, value) => Promise.resolve(value),
      delete: async () => Promise.resolve(true),
    });
    const swallowing = await open({ store });
    expect((await rejectionOf(swallowing.flight.set('report', 'new'))).message).toContain('"report"');
    expect((await rejectionOf(swallowing.flight.delete('report'))).message).toContain('"report"');
    expect(await swallowing.flight.get('report')).toBe('old');
  });

  it.each(['0s', '20ms'] as const)(
    'a deletion waits for a write to the cache, with a timeout of %s for loads',
    async (timeout) => {
      const kept = storeWith({});
      const [writing, end] = [deferred(), deferred()];
      const store = storeWith({
        ...kept,
        set: async (key, value, ttl) => {
          writing.resolve();
          await end.promise;
          return kept.set(key, value, ttl);
        },
      });
      const { flight } = await open({ store, timeout });
      const loaded = flight.getOrSet('report', () => 'loaded');
      await writing.promise;
      const deleted = flight.delete('report');
      // Longer than the timeout of loads, which must not end the wait of the deletion.
      await new Promise((resolve) => setTimeout(resolve, 100));
      end.resolve();
      await Promise.all([loaded, deleted]);
      expect(await flight.get('report')).toBeUndefined();
    },
  );

  it('a load that finds no value any more ends the one before it, also where that is not stored', async () => {
    const { flight } = await open();
    const options = { staleFor: '10m', negativeTtl: false } as const;
    await flight.getOrSet('row', () => 'row', options);
    cache.now += 60_000;
    const load = jest.fn(() => null);
    expect(await flight.getOrSet('row', load, options)).toBe('row');
    await eventually(async () => !(await flight.has('row')));
    expect(load).toHaveBeenCalledTimes(1);
    expect(await flight.getOrSet('row', load, options)).toBeNull();
  });

  it('one call finds out whether the cache answers again, and the others do not wait for it', async () => {
    let get = refuses as CacheFlightStore['get'];
    const asked = jest.fn(async (key: string) => get(key));
    const { flight } = await open({ store: storeWith({ get: asked }), cacheTimeout: '10s' });
    let time = 0;
    jest.spyOn(performance, 'now').mockImplementation(() => time);
    const askedFor = (key: string): number => asked.mock.calls.filter(([name]) => name === key).length;
    await flight.get('report');
    await flight.get('report');
    expect(askedFor('report')).toBe(1);
    time += 1000;
    const answer = deferred<unknown>();
    get = async () => answer.promise;
    const probe = flight.get('report');
    expect(await flight.get('report')).toBeUndefined();
    expect(askedFor('report')).toBe(2);
    answer.resolve(undefined);
    await probe;
    await flight.get('report');
    expect(askedFor('report')).toBe(3);
  });

  it('an entry that cannot be read is missing for its key alone, is said once, and is overwritten', async () => {
    const { flight } = await open();
    await flight.set('other', 'there');
    cache.entries.set('keyv:report', '{"value":{"nlc":1,');
    for (let times = 0; times < 3; times += 1) {
      expect([await flight.get('report'), await flight.has('report')]).toEqual([undefined, false]);
      expect(await flight.get('other')).toBe('there');
    }
    expect(warn).toHaveBeenCalledTimes(1);
    expect(logged()).toMatch(/^What the cache has under "report" cannot be read\. It counts as missing.*: .*JSON/);
    expect(await flight.getOrSet('report', () => 'loaded')).toBe('loaded');
    expect(await flight.get('report')).toBe('loaded');
    expect(await flight.getOrSet('other', () => 'anew')).toBe('there');
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('an entry that can neither be read nor overwritten takes no other key down', async () => {
    const kept = storeWith({});
    const unreadable = new SyntaxError('Unexpected token');
    const store = storeWith({
      ...kept,
      get: async (key) => (key === 'report' ? Promise.reject(unreadable) : kept.get(key)),
      set: async (key, ...about) => (key === 'report' ? Promise.resolve('swallowed') : kept.set(key, ...about)),
    });
    const { flight } = await open({ store });
    await flight.set('other', 'there');
    expect(await flight.getOrSet('report', () => 'loaded')).toBe('loaded');
    expect(await flight.getOrSet('other', () => 'anew')).toBe('there');
    expect((await rejectionOf(flight.set('report', 'set'))).message).toMatch(/^The cache did not store "report"/);
    expect(await flight.getOrSet('other', () => 'anew')).toBe('there');
    expect(logged()).not.toContain('cannot be used');
  });

  it.each([
    ['is refused', async (): Promise<never> => Promise.reject(new Error('too large'))],
    ['is dropped without a word', async (): Promise<void> => Promise.resolve()],
  ])('a value loaded in the background that %s: the next load begins after a pause', async (_, set) => {
    const kept = storeWith({});
    const options = { staleFor: '10m' } as const;
    await (await open({ store: kept })).flight.set('report', 'old', options);
    const { flight } = await open({ store: storeWith({ ...kept, set }) });
    cache.now += 60_000;
    let time = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => time);
    const load = jest.fn(() => 'new');
    for (let pauses = 1; pauses <= 2; pauses += 1) {
      for (let calls = 0; calls < 20; calls += 1) {
        expect(await flight.getOrSet('report', load, options)).toBe('old');
        // Each call would find the load of the one before ended.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await eventually(() => load.mock.calls.length >= pauses);
      expect(load).toHaveBeenCalledTimes(pauses);
      time += 1001;
    }
  });

  it('a deletion whose answer is lost says so, and a load that began before does not bring the value back', async () => {
    const kept = storeWith({});
    const store = storeWith({
      ...kept,
      delete: async (key) => {
        await kept.delete?.(key);
        return new Promise(() => undefined);
      },
    });
    const { locking } = await applications.withLocks();
    const [one, two] = [cache.flight(locking, { store: kept }), cache.flight(locking, { store, cacheTimeout: '30ms' })];
    const slow = new SlowLoad();
    const loading = one.getOrSet('report', slow.load);
    await slow.called();
    expect((await rejectionOf(two.delete('report'))).message).toMatch(
      /^The cache did not answer within 30 ms \(cacheTimeout\)\. Whether it has deleted "report" is not known/,
    );
    slow.end('before the deletion');
    expect(await loading).toBe('before the deletion');
    expect(await one.get('report')).toBeUndefined();
  });

  it('a cache that swallows the errors of its store: clear rejects', async () => {
    const swallows = async (): Promise<void> => Promise.resolve();
    const { flight } = await open({ store: storeWith({ clear: swallows }) });
    await flight.set('report', 1);
    expect((await rejectionOf(flight.clear())).message).toMatch(/^The cache was not emptied, and did not say why/);
    // One that lists its keys is told to delete each.
    const keyv = cache.open();
    jest.spyOn(keyv, 'delete').mockResolvedValue(true);
    const listed = await open({ store: createCache({ stores: [keyv] }) });
    await listed.flight.set('report', 1);
    expect((await rejectionOf(listed.flight.clear())).message).toMatch(/^The cache still has "/);
    // What stands in the cache for the time of a clear is no key.
    const inStore: unknown[] = [];
    for await (const [key] of keyv.iterator?.({}) ?? []) inStore.push(key);
    expect(inStore).toContainEqual(expect.stringMatching(/^nestjs-locking:clear:/));
    const keys: string[] = [];
    for await (const key of listed.flight.keys()) keys.push(key);
    expect(keys).toEqual(['report']);
    expect(await listed.flight.get('report')).toBe(1);
  });

  it('a cache that does not take the mark of clear is not cleared', async () => {
    const store = storeWith({ set: async () => Promise.resolve(false) });
    const clear = jest.spyOn(store, 'clear');
    const { flight } = await open({ store });
    expect((await rejectionOf(flight.clear())).message).toMatch(/^The cache did not store/);
    expect(clear).not.toHaveBeenCalled();
  });

  it('clear with a prefix refuses a cache that cannot list its keys, and touches nothing', async () => {
    const store = storeWith({});
    const [{ flight, locking }, others] = [await open({ store, prefix: 'a:' }), await open({ store, prefix: 'b:' })];
    await flight.set('report', 1);
    await others.flight.set('report', 2);
    await using lock = await locking.acquire('cache:load:a:other');
    const error = await rejectionOf(flight.clear());
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toMatch(/^clear: this cache cannot list its keys, so that those with the prefix "a:"/);
    expect([await flight.get('report'), await others.flight.get('report')]).toEqual([1, 2]);
    expect(lock.held).toBe(true);
  });

  it('set and delete reject if a cache that reports errors elsewhere has done nothing', async () => {
    const swallows = async (): Promise<boolean> => Promise.resolve(false);
    const shared = cache.open();
    const store = storeWith({ get: async (key) => shared.get(key), set: swallows, delete: swallows });
    const { flight } = await open({ store });
    await (await open()).flight.set('report', 1);
    expect((await rejectionOf(flight.set('report', 2))).message).toMatch(/^The cache did not store "report"/);
    expect((await rejectionOf(flight.delete('report'))).message).toMatch(/^The cache still has "report"/);
    expect(await flight.delete('other')).toBe(false);
  });

  it('a value that reaches the cache after its caller has gone on is deleted there', async () => {
    const arrival = deferred();
    let arrived = 0;
    const entries = new Map<string, unknown>();
    const store = storeWith({
      get: async (key) => Promise.resolve(entries.get(key)),
      set: async (key, value) => {
        await arrival.promise;
        arrived += 1;
        return entries.set(key, value).size > 0;
      },
      delete: async (key) => Promise.resolve(entries.delete(key)),
    });
    const { flight } = await open({ store, cacheTimeout: '20ms' });
    expect((await rejectionOf(flight.set('report', 'late'))).message).toMatch(/did not answer/);
    expect(await flight.getOrSet('other', () => 'loaded')).toBe('loaded');
    arrival.resolve();
    await eventually(() => arrived === 2 && entries.size === 0);
  });

  it.each(['a load', 'set'])('what %s writes after its lock has ended is deleted', async (writer) => {
    const arrival = deferred();
    const asked = deferred();
    const entries = cache.open();
    const store = storeWith({
      get: async (key) => entries.get(key),
      set: async (...entry) => {
        asked.resolve();
        await arrival.promise;
        return entries.set(...entry);
      },
      delete: async (key) => entries.delete(key),
    });
    const { flight, locking } = await open({ store });
    const late = writer === 'set' ? flight.set('report', 'late') : flight.getOrSet('report', () => 'late');
    late.catch(() => undefined);
    await asked.promise;
    // As if this process had stood still for longer than its leases.
    await locking.forceRelease(['cache:load:report', 'cache:write:report']);
    const { flight: other } = await open();
    await other.set('report', 'newer');
    arrival.resolve();
    await Promise.allSettled([late]);
    expect(await other.has('report')).toBe(false);
    expect(await other.getOrSet('report', () => 'anew')).toBe('anew');
  });

  it('a value that the cache refuses is returned, and other keys are cached as ever', async () => {
    const { flight } = await open();
    const load = jest.fn(() => 10n);
    expect(await flight.getOrSet('count', load)).toBe(10n);
    expect(logged()).toMatch(/The cache refused the value of "count", which is returned and not stored/);
    expect(await flight.getOrSet('count', load)).toBe(10n);
    expect(load).toHaveBeenCalledTimes(2);
    await flight.getOrSet('other', () => 1);
    expect(await flight.getOrSet('other', () => 2)).toBe(1);
  });

  it('a value that the cache drops without a word: the log says it, and processes do not take turns', async () => {
    const { flight, locking } = await open({ store: storeWith({ set: async () => Promise.resolve() }) });
    const now = performance.now();
    jest.spyOn(performance, 'now').mockImplementation(() => now);
    await flight.getOrSet('report', () => 1);
    expect(logged()).toMatch(/The cache did not keep the value of "report"/);
    await using lock = await locking.acquire('cache:load:report');
    expect(await flight.getOrSet('report', () => 2, { timeout: 0, onLockFailure: 'throw' })).toBe(2);
    expect(lock.held).toBe(true);
  });

  it.each([
    'text',
    17,
    { nlc: 2, id: 'x', at: 0, cost: 0, ttl: 1, staleFor: 0, token: 0 },
    { nlc: 1, id: 'x', at: '0', cost: 0, ttl: 1e15, staleFor: 0, token: 0 },
    { nlc: 1, id: 'x', at: null, cost: 0, ttl: 1e15, staleFor: 0, token: 0 },
  ])('what other software has stored under the key is no value: %j', async (foreign) => {
    const { flight } = await open();
    await cache.open().set('report', foreign);
    expect([await flight.get('report'), await flight.has('report')]).toEqual([undefined, false]);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(logged()).toMatch(/^What the cache has under "report" is no value of this CacheFlight/);
    expect(await flight.getOrSet('report', () => 'own')).toBe('own');
    expect(await flight.get('report')).toBe('own');
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('a CacheFlight with another prefix, whose keys look the same in the cache, is other software', async () => {
    const [plain, shop] = [(await open()).flight, (await open({ prefix: 'shop:' })).flight];
    await shop.set('report', 'of the shop');
    expect(await plain.has('shop:report')).toBe(false);
    expect(await plain.getOrSet('shop:report', () => 'plain')).toBe('plain');
    expect(await shop.has('report')).toBe(false);
  });
});

describe('a store of locks that fails', () => {
  class Down extends InMemoryLockingProvider {
    static isDown = false;
    override acquireBatch(...parts: Parameters<InMemoryLockingProvider['acquireBatch']>): PromiseLike<LeaseAnswer>[] {
      if (!Down.isDown) return super.acquireBatch(...parts);
      return parts[0].map(async () => Promise.reject(new Error('connection refused')));
    }
  }

  async function openWithout(options: CacheFlightOptions = {}): Promise<CacheFlight> {
    Down.isDown = false;
    const { locking } = await applications.withLocks({
      providers: [{ resolve: Down, options: { waitLockingTimeout: '100ms' } }],
    });
    Down.isDown = true;
    return cache.flight(locking, { timeout: '50ms', ...options });
  }

  it('each process loads and stores by itself, and set and delete work', async () => {
    const flight = await openWithout();
    const slow = new SlowLoad();
    const calls = Array.from({ length: 20 }, async () => flight.getOrSet('report', slow.load));
    await slow.called();
    slow.end('loaded');
    expect(new Set(await Promise.all(calls))).toEqual(new Set(['loaded']));
    expect(slow.calls).toBe(1);
    expect(await flight.get('report')).toBe('loaded');
    expect(logged()).toMatch(/"report" is loaded or changed without a lock \(onLockFailure: 'load'\)/);
    await flight.set('report', 'set');
    expect(await flight.get('report')).toBe('set');
    expect(await flight.delete('report')).toBe(true);
    expect(await flight.has('report')).toBe(false);
  });

  it('with onLockFailure "throw" calls that need the lock reject, and fresh values are served', async () => {
    const flight = await openWithout({ onLockFailure: 'throw' });
    for (const call of [flight.getOrSet('a', () => 1), flight.set('a', 1), flight.delete('a')]) {
      expect(isLockBackendError(await rejectionOf(call))).toBe(true);
    }
    expect(await flight.has('a')).toBe(false);
    Down.isDown = false;
    await flight.set('a', 1);
    Down.isDown = true;
    expect(await flight.getOrSet('a', () => 2)).toBe(1);
  });
});

describe('what CacheFlight refuses', () => {
  it.each([
    [{ ttl: undefined }, /^A ttl is required/],
    [{ ttl: 0 }, /^ttl: 0 is too short/],
    [{ ttl: 'soon' as never }, /^ttl: "soon" is not a length of time/],
    [{ ttl: 60_000 }, /^ttl: a bare number is seconds/],
    [{ staleFor: -1 }, /^staleFor: -1 is not a length of time/],
    [{ beta: -1 }, /^beta must be a number from 0 on/],
    [{ beta: NaN }, /^beta must be a number from 0 on/],
    [{ negativeTtl: true as never }, /^negativeTtl/],
    [{ loadTimeout: '0s' }, /^loadTimeout/],
    [{ expire: 0 }, /^expire/],
    [{ onLockFailure: 'wait' as never }, /^onLockFailure must be 'load' or 'throw'/],
    [{ provider: '' }, /^provider must be the id/],
    [{ stale: '1m' }, /^"stale" is not an option of this call of CacheFlight/],
    [null as never, /^The options of CacheFlight must be an object/],
  ] as const)('options %j before anything is locked', async (options, message) => {
    const { locking } = await applications.withLocks();
    const flight = new CacheFlight(locking, { store: cache.open() });
    const load = jest.fn();
    const given = (options as object | null) && { ttl: '1m', ...options };
    const error = await rejectionOf(flight.getOrSet('report', load, given as object));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toMatch(message);
    expect(load).not.toHaveBeenCalled();
  });

  it.each([
    [{ store: undefined }, /^CacheFlight has no cache/],
    [{ store: {} as never }, /^store must be a Keyv/],
    [{ prefix: 1 as never }, /^prefix must be a string/],
    [{ now: 1 as never }, /^now must be a function/],
    [{ cacheTimeout: 0 }, /^cacheTimeout/],
    [{ staleFor: 'x' as never }, /^staleFor/],
  ] as const)('module options %j', async (options, message) => {
    const { locking } = await applications.withLocks();
    expect(() => new CacheFlight(locking, { store: cache.open(), ...options })).toThrow(message);
  });

  it('keys that are none, and loads that are none', async () => {
    const { flight } = await open();
    for (const key of ['', 1, undefined, ['a'], 'nestjs-locking:clear:other', 'nestjs-locking:no-key']) {
      const calls = [flight.getOrSet(key as string, () => 1), flight.get(key as string), flight.set(key as string, 1)];
      for (const call of [...calls, flight.delete(key as string), flight.has(key as string)]) {
        expect(await rejectionOf(call)).toBeInstanceOf(LockKeyError);
      }
    }
    expect((await rejectionOf(flight.get('nestjs-locking:clear:x'))).message).toBe(
      'Keys of cached values that begin with "nestjs-locking:" belong to this package: clear deletes them, and keys does not list them. Choose another key.',
    );
    expect((await rejectionOf(flight.getOrSet('a', 'value' as never))).message).toMatch(/the load must be a function/);
    expect(await rejectionOf(flight.getOrSet('k'.repeat(70_000), () => 1))).toBeInstanceOf(LockKeyError);
  });

  it('a load that returns an Observable', async () => {
    const { flight } = await open();
    const error = await rejectionOf(flight.getOrSet('report', () => of(1)));
    expect(error.message).toMatch(/^The load of "report" returned an Observable, which cannot be cached/);
    expect(await flight.has('report')).toBe(false);
  });

  it('a limit of a thousand years is one', async () => {
    const { flight } = await open();
    const options = { ttl: '8760000h', staleFor: '8760000h', loadTimeout: '8760000h' } as const;
    expect(await flight.getOrSet('report', async () => Promise.resolve(1), options)).toBe(1);
    expect(await flight.getOrSet('report', () => 2, options)).toBe(1);
  });

  it('keys of a cache that cannot list them', async () => {
    const { flight } = await open({ store: storeWith({}) });
    expect((await rejectionOf(flight.keys()[Symbol.asyncIterator]().next())).message).toMatch(/cannot list its keys/);
  });

  it('a module without LockingModule or cache does not start', async () => {
    const { CacheFlightModule } = await import('../../../lib/coordination/cache/index.js');
    const start = applications.start({ imports: [LockingModule.forRoot(), CacheFlightModule.forRoot({ ttl: '1m' })] });
    expect((await rejectionOf(start)).message).toMatch(/^CacheFlight has no cache/);
  });
});
