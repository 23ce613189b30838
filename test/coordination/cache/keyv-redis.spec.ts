import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import KeyvRedis from '@keyv/redis';
import { Logger } from '@nestjs/common';
import { createCache } from 'cache-manager';
import { randomUUID } from 'node:crypto';
import { Keyv } from 'keyv';
import { CacheFlight, type CacheFlightStore } from '../../../lib/coordination/cache/index.js';
import { startRedisServer, type RedisServer } from '../../../tools/redis-server/index.mjs';
import { useApplications } from '../../support/applications.js';
import { rejectionOf } from '../../support/poll.js';

jest.setTimeout(120_000);

const applications = useApplications();

let server: RedisServer;
let keyvs: Keyv[] = [];
let stores: CacheFlightStore[] = [];

beforeEach(async () => {
  server = await startRedisServer();
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
});

afterEach(async () => {
  jest.restoreAllMocks();
  for (const { store } of keyvs) await (store as KeyvRedis<unknown>).disconnect(true).catch(() => undefined);
  keyvs = [];
  stores = [];
  await server.stop();
});

const keyv = (options: object = {}): Keyv => {
  const made = new Keyv({ store: new KeyvRedis(server.url), ...options });
  made.on('error', () => undefined);
  keyvs.push(made);
  return made;
};

const forms: Record<string, () => CacheFlightStore> = {
  'a Keyv': () => keyv(),
  'a Keyv with a namespace': () => keyv({ namespace: randomUUID() }),
  'a Keyv without key prefix': () => keyv({ useKeyPrefix: false }),
  'the Cache of cache-manager': () => createCache({ stores: [keyv()] }),
  'the Cache of cache-manager with two layers': () => createCache({ stores: [new Keyv(), keyv()] }),
};

describe.each(Object.keys(forms))('CacheFlight on %s on Redis', (form) => {
  const open = async (): Promise<CacheFlight> => {
    const { locking } = await applications.withLocks();
    const store = forms[form]!();
    stores.push(store);
    return new CacheFlight(locking, { store, prefix: 'p:', ttl: '1m', cacheTimeout: '20s' });
  };

  it('loads once, lists, deletes and clears', async () => {
    const [one, two] = [await open(), await open()];
    const load = jest.fn(() => ({ total: 7, when: new Date(0) }));
    expect(await one.getOrSet('report:1', load)).toEqual({ total: 7, when: new Date(0) });
    expect(await one.getOrSet('report:1', load)).toEqual({ total: 7, when: new Date(0).toISOString() });
    if (form !== 'a Keyv with a namespace') {
      expect(await two.get('report:1')).toEqual({ total: 7, when: new Date(0).toISOString() });
    }
    await one.getOrSet('report:2', () => null);
    expect(await one.has('report:2')).toBe(true);
    const keys: string[] = [];
    for await (const key of one.keys('report:*')) keys.push(key);
    expect(keys.sort()).toEqual(['report:1', 'report:2']);
    expect(await one.delete('report:1')).toBe(true);
    expect(await one.has('report:1')).toBe(false);
    const locking = (await applications.withLocks()).locking;
    const other = new CacheFlight(locking, { store: stores.at(-1)!, prefix: 'q:', ttl: '1m', cacheTimeout: '20s' });
    await other.set('report:2', 'of another prefix');
    await two.clear();
    if (form !== 'a Keyv with a namespace' && !form.includes('layers')) expect(await one.has('report:2')).toBe(false);
    await one.clear();
    expect(await one.has('report:2')).toBe(false);
    expect(await other.get('report:2')).toBe('of another prefix');
  });

  it('goes on in bounded time when the server is down', async () => {
    const { locking } = await applications.withLocks();
    const store = forms[form]!();
    await new CacheFlight(locking, { store, cacheTimeout: '20s' }).set('a', 'stored', { ttl: '1m' });
    const flight = new CacheFlight(locking, { store, ttl: '1m', cacheTimeout: '100ms' });
    await server.stop();
    // A layer in memory may still have it.
    expect(['stored', 'loaded']).toContain(await flight.getOrSet('a', () => 'loaded'));
    expect(await flight.getOrSet('b', () => 'loaded')).toBe('loaded');
    expect(await flight.getOrSet('c', () => 'loaded')).toBe('loaded');
    expect((await rejectionOf(flight.clear())).message).not.toBe('');
  });
});
