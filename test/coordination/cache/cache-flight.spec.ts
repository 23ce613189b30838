import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { CacheLoadTimeoutError } from '../../../lib/coordination/cache/index.js';
import { isLockTimeoutError, type LockingService } from '../../../lib/index.js';
import { deferred } from '../../support/deferred.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { onEveryStore } from '../../support/stores.js';
import { SharedCache, SlowLoad } from './support.js';

let cache = new SharedCache();
let slow = new SlowLoad();

beforeEach(() => {
  cache = new SharedCache();
  slow = new SlowLoad();
});

afterEach(() => {
  jest.restoreAllMocks();
});

const listOf = async (keys: AsyncIterable<string>): Promise<string[]> => {
  const list: string[] = [];
  for await (const key of keys) list.push(key);
  return list.sort();
};

const isFree = (locking: LockingService, key: string) => async (): Promise<boolean> =>
  (await locking.inspect(`cache:load:${key}`)) === null;

describe('CacheFlight', () => {
  onEveryStore((store) => {
    it('loads once for the callers of all instances', async () => {
      const instances = [await store.open(), await store.open(), await store.open()];
      const flights = instances.map((locking) => cache.flight(locking));
      const callers = flights.flatMap((flight) => [1, 2, 3].map(async () => flight.getOrSet('report', slow.load)));
      await slow.called();
      slow.end({ total: 7 });
      expect(await Promise.all(callers)).toEqual(Array.from({ length: 9 }, () => ({ total: 7 })));
      expect(slow.calls).toBe(1);
      expect(await flights[2]!.get('report')).toEqual({ total: 7 });
    });

    it('gives the load a fencing token that grows, and a signal', async () => {
      const flight = cache.flight(await store.open());
      const tokens: number[] = [];
      for (let load = 0; load < 2; load += 1) {
        await flight.getOrSet('report', ({ fencingToken, signal }) => {
          expect(signal.aborted).toBe(false);
          tokens.push(fencingToken!);
        });
        cache.now += 60_000;
      }
      expect(tokens[1]).toBeGreaterThan(tokens[0]!);
    });

    it('what the load throws goes to all that share it, and is not stored', async () => {
      const [one, two] = [cache.flight(await store.open()), cache.flight(await store.open())];
      const failure = new Error('the database is down');
      const load = jest.fn(async () => Promise.reject(failure));
      const calls = [one.getOrSet('report', load), one.getOrSet('report', load)];
      expect(await Promise.allSettled(calls)).toEqual([1, 2].map(() => ({ status: 'rejected', reason: failure })));
      expect(load).toHaveBeenCalledTimes(1);
      expect(await two.getOrSet('report', () => 'built')).toBe('built');
    });

    it('serves the former value while one instance loads a new one', async () => {
      const [one, two] = [cache.flight(await store.open()), cache.flight(await store.open())];
      const options = { staleFor: '10m' } as const;
      await one.getOrSet('report', () => 'old', options);
      cache.now += 60_000;
      expect(await one.getOrSet('report', slow.load, options)).toBe('old');
      await slow.called();
      for (const flight of [one, two, one, two])
        expect(await flight.getOrSet('report', slow.load, options)).toBe('old');
      slow.end('new');
      await eventually(async () => (await two.get('report')) === 'new');
      expect(await two.getOrSet('report', slow.load, options)).toBe('new');
      expect(slow.calls).toBe(1);
    });

    it('serves the former value while loads fail, but no longer than staleFor', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      const flight = cache.flight(await store.open());
      const options = { staleFor: '10m' } as const;
      const fail = jest.fn(() => {
        throw new Error('the database is down');
      });
      await flight.getOrSet('report', () => 'old', options);
      cache.now += 600_000;
      expect(await flight.getOrSet('report', fail, options)).toBe('old');
      await eventually(() => warn.mock.calls.length > 0);
      expect(warn.mock.calls.flat().join()).toMatch(/"report" could not be loaded anew.*: the database is down/);
      // The next refresh begins after a pause.
      const now = performance.now();
      const time = jest.spyOn(performance, 'now').mockImplementation(() => now);
      expect(await flight.getOrSet('report', fail, options)).toBe('old');
      time.mockRestore();
      await flight.getOrSet('other', () => 'loaded');
      expect(fail).toHaveBeenCalledTimes(1);
      cache.now += 60_000;
      expect((await rejectionOf(flight.getOrSet('report', fail, options))).message).toBe('the database is down');
      expect(fail).toHaveBeenCalledTimes(2);
    });

    it('loads before the end of the ttl by chance, the earlier the longer the load took', async () => {
      let chance = 0.5;
      const flight = cache.flight(await store.open(), { beta: 1, random: () => chance });
      const build = (value: string, took: number) => (): string => {
        cache.now += took;
        return value;
      };
      await flight.getOrSet('report', build('first', 10_000));
      cache.now += 40_000;
      expect(await flight.getOrSet('report', build('second', 0))).toBe('first');
      chance = Math.exp(-2);
      expect(await flight.getOrSet('report', build('second', 0))).toBe('first');
      await eventually(async () => (await flight.get('report')) === 'second');
      cache.now += 59_999;
      expect(await flight.getOrSet('report', build('third', 0))).toBe('second');
      expect(await flight.getOrSet('report', build('third', 0), { beta: 0 })).toBe('second');
    });

    it('caches null and undefined for negativeTtl, or not at all', async () => {
      const flight = cache.flight(await store.open(), { negativeTtl: '5s' });
      for (const nothing of [null, undefined]) {
        const load = jest.fn(() => nothing);
        const key = String(nothing);
        for (let call = 0; call < 2; call += 1) expect(await flight.getOrSet(key, load)).toBe(nothing);
        expect(load).toHaveBeenCalledTimes(1);
        expect(await flight.has(key)).toBe(true);
        cache.now += 5000;
        expect(await flight.has(key)).toBe(false);
        for (let call = 0; call < 2; call += 1) await flight.getOrSet(key, load, { negativeTtl: false });
        expect(load).toHaveBeenCalledTimes(3);
      }
      for (const value of [0, '', false]) expect(await flight.getOrSet(`v${String(value)}`, () => value)).toBe(value);
      cache.now += 5000;
      for (const value of [0, '', false]) expect(await flight.get(`v${String(value)}`)).toBe(value);
    });

    it.each(['another', 'the same'])(
      'a load does not overwrite what was set meanwhile by %s instance',
      async (which) => {
        const one = cache.flight(await store.open());
        const two = which === 'another' ? cache.flight(await store.open()) : one;
        const loading = one.getOrSet('report', slow.load);
        await slow.called();
        await two.set('report', 'set');
        slow.end('loaded');
        expect(await loading).toBe('loaded');
        expect(await one.get('report')).toBe('set');
        expect(await two.getOrSet('report', slow.load)).toBe('set');
      },
    );

    it.each(['another', 'the same'])('a load does not bring back what %s instance deleted', async (which) => {
      const one = cache.flight(await store.open());
      const two = which === 'another' ? cache.flight(await store.open()) : one;
      const loading = one.getOrSet('report', slow.load);
      await slow.called();
      expect(await two.delete('report')).toBe(false);
      // A load from now on is newer than the deletion: the instance that deleted does not share the former load.
      const next = two.getOrSet('report', slow.load);
      await slow.called();
      slow.end('before the deletion');
      expect(await loading).toBe('before the deletion');
      expect(await one.has('report')).toBe(false);
      slow.end('after the deletion');
      expect(await next).toBe('after the deletion');
      expect(await one.get('report')).toBe('after the deletion');
      expect(await one.delete('report')).toBe(true);
    });

    it('clear empties the cache, and loads of any instance that began before do not fill it', async () => {
      const [one, two] = [cache.flight(await store.open()), cache.flight(await store.open())];
      await one.set('a', 1);
      const loading = one.getOrSet('b', slow.load);
      await slow.called();
      await two.clear();
      slow.end(2);
      await loading;
      expect(await listOf(two.keys())).toEqual([]);
    });

    it('clear and keys know of the prefix, and touch nothing else in the cache', async () => {
      const locking = await store.open();
      const prefixes = ['', 'a:', 'a:b:', 'a*'];
      const flights = prefixes.map((prefix) => cache.flight(locking, { prefix }));
      await cache.open().set('of others', 1);
      for (const flight of flights) await flight.set('x', 1);
      for (const [index, flight] of flights.entries()) {
        expect(await listOf(flight.keys())).toEqual(['x']);
        await flight.clear();
        expect(await listOf(flight.keys())).toEqual([]);
        for (const other of flights.slice(index + 1)) expect(await other.get('x')).toBe(1);
      }
      expect([...cache.entries.keys()]).toEqual(['keyv:of others']);
    });

    it('lists the keys that match', async () => {
      const flight = cache.flight(await store.open(), { prefix: 'shop[1]:' });
      await cache.open().set('of others', 1);
      for (const key of ['report:1', 'report:2', 'user:1', 'odd:*']) await flight.set(key, key);
      expect(await listOf(flight.keys())).toEqual(['odd:*', 'report:1', 'report:2', 'user:1']);
      expect(await listOf(flight.keys('report:*'))).toEqual(['report:1', 'report:2']);
      expect(await listOf(flight.keys(String.raw`odd:\*`))).toEqual(['odd:*']);
      expect(await listOf(flight.keys('?ser:[0-9]'))).toEqual(['user:1']);
    });

    it('get, has and set know of ttl and staleFor', async () => {
      const flight = cache.flight(await store.open());
      expect([await flight.get('report'), await flight.has('report')]).toEqual([undefined, false]);
      await flight.set('report', 'set', { ttl: '1s', staleFor: '1s' });
      cache.now += 1999;
      expect([await flight.get('report'), await flight.has('report')]).toEqual(['set', true]);
      cache.now += 1;
      expect([await flight.get('report'), await flight.has('report')]).toEqual([undefined, false]);
    });

    it('a waiter takes the value of another instance although its ttl was over before the waiter had the lock', async () => {
      const shared = cache.open();
      const late = {
        get: async (key: string): Promise<unknown> => shared.get(key),
        set: async (key: string, value: unknown, ttl?: number): Promise<boolean> => {
          const isStored = await shared.set(key, value, ttl);
          cache.now += 10;
          return isStored;
        },
        delete: async (key: string): Promise<boolean> => shared.delete(key),
        clear: async (): Promise<void> => shared.clear(),
      };
      const flights = [await store.open(), await store.open()].map((locking) => cache.flight(locking, { store: late }));
      const [one, two] = [flights[0]!, flights[1]!];
      const options = { ttl: '1ms', staleFor: '1m' } as const;
      const calls = [one.getOrSet('report', slow.load, options), two.getOrSet('report', slow.load, options)];
      await slow.called();
      slow.end('value');
      expect(await Promise.all(calls)).toEqual(['value', 'value']);
      expect(slow.calls).toBe(1);
    });

    it('a load that takes longer than loadTimeout fails, and the next one begins', async () => {
      const [one, two] = [cache.flight(await store.open()), cache.flight(await store.open())];
      let aborted: unknown;
      const late = deferred<string>();
      const error = await rejectionOf(
        one.getOrSet(
          'report',
          async ({ signal }) => {
            signal.addEventListener('abort', () => {
              aborted = signal.reason;
            });
            return late.promise;
          },
          { loadTimeout: '50ms' },
        ),
      );
      expect(error).toBeInstanceOf(CacheLoadTimeoutError);
      expect(error.message).toMatch(/^The value of "report" was not loaded within 50 ms \(loadTimeout\)/);
      expect(aborted).toBe(error);
      expect(await two.getOrSet('report', () => 'next')).toBe('next');
      late.resolve('late');
      expect(await one.getOrSet('report', () => 'another')).toBe('next');
    });

    it('a load that calls itself runs at once, and others inside it run as usual', async () => {
      const flight = cache.flight(await store.open());
      const value = await flight.getOrSet('outer', async () => {
        const own = await flight.getOrSet('outer', () => 'own');
        return `${own}, ${await flight.getOrSet('inner', () => 'inner')}`;
      });
      expect(value).toBe('own, inner');
      expect(await flight.get('outer')).toBe(value);
      expect(await flight.get('inner')).toBe('inner');
    });

    it('a load may set its own key: what it set stays', async () => {
      const flight = cache.flight(await store.open());
      const loaded = flight.getOrSet('report', async () => {
        await flight.set('report', 'set');
        return 'loaded';
      });
      expect(await loaded).toBe('loaded');
      expect(await flight.get('report')).toBe('set');
    });

    it('with onLockFailure "throw" a call that waits in vain rejects, with "load" it loads by itself', async () => {
      jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      const [one, two] = [cache.flight(await store.open()), cache.flight(await store.open())];
      const loading = one.getOrSet('report', slow.load);
      await slow.called();
      const options = { timeout: '500ms', onLockFailure: 'throw' } as const;
      expect(isLockTimeoutError(await rejectionOf(two.getOrSet('report', slow.load, options)))).toBe(true);
      expect(await two.getOrSet('report', () => 'own', { timeout: '500ms' })).toBe('own');
      expect(await two.has('report')).toBe(false);
      // The value of the holder is stored, and not that of the call that could not wait for it.
      slow.end('of the holder');
      expect(await loading).toBe('of the holder');
      expect(await two.get('report')).toBe('of the holder');
    });

    it('keeps keys apart, however odd they are', async () => {
      const flight = cache.flight(await store.open());
      const keys = [
        'a',
        'A',
        ' a',
        'a\n',
        '*',
        '[a]',
        String.raw`\*`,
        '__proto__',
        'constructor',
        '🔒',
        'ключ',
        'k'.repeat(5000),
      ];
      for (const key of keys) expect(await flight.getOrSet(key, () => `of ${key}`)).toBe(`of ${key}`);
      for (const key of keys) expect(await flight.get(key)).toBe(`of ${key}`);
      expect(await listOf(flight.keys(String.raw`\*`))).toEqual(['*']);
      expect(await flight.delete('*')).toBe(true);
      expect((await listOf(flight.keys())).length).toBe(keys.length - 1);
    });

    it('keeps a large value', async () => {
      const [one, two] = [cache.flight(await store.open()), cache.flight(await store.open())];
      const large = { text: 'x'.repeat(2_000_000) };
      await one.getOrSet('report', () => large);
      expect(await two.getOrSet('report', () => 'other')).toEqual(large);
    });

    it('does not ask for the lock with each request while another instance refreshes', async () => {
      const [locking, other] = [await store.open(), await store.open()];
      const [one, two] = [cache.flight(locking), cache.flight(other)];
      const options = { staleFor: '10m' } as const;
      await one.set('report', 'old', options);
      cache.now += 60_000;
      await one.getOrSet('report', slow.load, options);
      await slow.called();
      const execute = jest.spyOn(other, 'execute');
      const time = jest.spyOn(performance, 'now');
      const asked = async (): Promise<void> => {
        expect(await two.getOrSet('report', slow.load, options)).toBe('old');
        await Promise.allSettled(execute.mock.results.map(async ({ value }) => value as Promise<unknown>));
      };
      await asked();
      const now = performance.now();
      time.mockImplementation(() => now);
      for (let request = 0; request < 20; request += 1) await asked();
      time.mockRestore();
      expect(execute).toHaveBeenCalledTimes(1);
      slow.end('new');
      await eventually(async () => (await two.get('report')) === 'new');
    });

    it('leaves no lock behind', async () => {
      const locking = await store.open();
      const flight = cache.flight(locking);
      await flight.getOrSet('report', () => 1);
      await rejectionOf(
        flight.getOrSet('failing', () => {
          throw new Error('no');
        }),
      );
      await flight.set('report', 2);
      await flight.delete('report');
      await flight.clear();
      await eventually(isFree(locking, 'report'));
      await eventually(isFree(locking, 'failing'));
      await eventually(async () => (await listOf(keysOf(locking))).length === 0);
    });
  });
});

async function* keysOf(locking: LockingService): AsyncGenerator<string> {
  for await (const { key } of locking.list()) yield key;
}
