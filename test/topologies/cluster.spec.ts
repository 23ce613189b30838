import { afterEach, describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { LockBackendError, LockingService, type LockInfo } from '../../lib/index.js';
import { keySlot } from '../../lib/providers/redis/key-slot.js';
import { eventually } from '../support/poll.js';
import { useClusterStore, useRedisCluster } from '../support/cluster.js';

const redis = useRedisCluster({ replicas: 0 });
const store = useClusterStore(redis);

const clients: Cluster[] = [];

function connect(options: ConstructorParameters<typeof Cluster>[1] = {}): Cluster {
  const client = new Cluster(redis.nodes, options);
  clients.push(client);
  return client;
}

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

/** All keys of the namespace, on all nodes. */
async function keysInStore(): Promise<string[]> {
  const client = connect();
  await client.ping();
  const found = await Promise.all(client.nodes('master').map(async (node) => node.keys(`*${store.namespace}*`)));
  return found
    .flat()
    .map((key) => key.slice(key.indexOf(store.namespace) + store.namespace.length))
    .sort();
}

/** Keys whose slots are on different masters, as far as there are masters. */
const spread = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

it.each(['', '{', '{}a{b}', 'a{b}c', '}{', 'schlüssel ✓ 𝄞', '{ä}', 'a\u0000b\n'])(
  'the slot of %j is that of Redis',
  async (key) => {
    expect(keySlot(key)).toBe(await redis.cluster.slotOf(key));
  },
);

describe('locks in a cluster', () => {
  it('locks in a cluster exclude each other under contention, in as many slots as there are keys', async () => {
    const services = await Promise.all([store.open(), store.open(), store.open()]);
    const inside = new Map<string, number>();
    const tokens = new Map<string, number[]>();
    const work = async (service: LockingService, key: string): Promise<void> =>
      service.execute(
        key,
        async (lock) => {
          expect(inside.get(key) ?? 0).toBe(0);
          inside.set(key, 1);
          tokens.set(key, [...(tokens.get(key) ?? []), lock.fencingToken]);
          await turn();
          inside.set(key, 0);
        },
        { timeout: '50s' },
      );
    await Promise.all(
      services.flatMap((service) =>
        spread.slice(0, 4).flatMap((key) => Array.from({ length: 40 }, async () => work(service, key))),
      ),
    );
    for (const [, given] of tokens) {
      expect(given).toHaveLength(120);
      expect(given).toEqual([...new Set(given)].sort((one, other) => one - other));
    }
    expect((await keysInStore()).filter((key) => !key.startsWith('nestjs-locking:fence'))).toEqual([]);
  });

  it('a cluster has at most one token counter per slot, in the slot of the lock', async () => {
    const service = await store.open();
    for (const key of ['x{tag}1', 'x{tag}2', '{tag}']) await service.execute(key, async () => turn());
    const keys = await keysInStore();
    expect(keys).toHaveLength(1);
    const [counter] = keys;
    expect(await redis.cluster.slotOf(`${store.namespace}${counter!}`)).toBe(await redis.cluster.slotOf('{tag}'));
  });

  it('locks in a cluster respect those that others set with a plain SET NX', async () => {
    const service = await store.open();
    const client = connect();
    await client.set(`${store.namespace}a`, 'other', 'PX', 60_000, 'NX');
    expect(await service.tryAcquire('a')).toBeNull();
    await client.del(`${store.namespace}a`);
    const lock = await service.acquire('a');
    expect(await client.set(`${store.namespace}a`, 'other', 'NX')).toBeNull();
    await lock.release();
  });

  it.each([
    ['one slot', ['{t}1', '{t}2', '{t}3']],
    ['several slots', spread],
  ])('locks of several keys in %s are all or nothing, and never deadlock', async (_, keys) => {
    const services = await Promise.all([store.open(), store.open(), store.open()]);
    const holders = new Map<string, number>();
    let runs = 0;
    const work = async (service: LockingService, wanted: string[]): Promise<void> => {
      await service.execute(
        wanted,
        async () => {
          for (const key of wanted) {
            expect(holders.get(key) ?? 0).toBe(0);
            holders.set(key, 1);
          }
          await turn();
          for (const key of wanted) holders.set(key, 0);
          runs += 1;
        },
        { timeout: '50s' },
      );
    };
    const orders = [keys, [...keys].reverse(), keys.slice(1), [keys[0]!, keys.at(-1)!], [keys[1]!]];
    await Promise.all(
      services.flatMap((service) => [...orders, ...orders].map(async (wanted) => work(service, wanted))),
    );
    expect(runs).toBe(30);
    expect((await keysInStore()).filter((key) => !key.startsWith('nestjs-locking:fence'))).toEqual([]);
  });

  it('a call for keys in several slots leaves nothing if one key is held', async () => {
    const [one, other] = await Promise.all([store.open(), store.open()]);
    const held = await one.acquire('e');
    expect(await other.tryAcquire(spread)).toBeNull();
    await expect(other.acquire(spread, { timeout: '300ms' })).rejects.toMatchObject({ code: 'LOCK_TIMEOUT' });
    await held.release();
    const all = await other.tryAcquire(spread);
    expect(all?.keys).toEqual(spread);
    expect(await all?.release()).toBe(true);
    expect(await one.tryAcquire('a')).not.toBeNull();
  });

  it('keys in several slots are extended, joined by their owner, and released together', async () => {
    const [one, other] = await Promise.all([store.open(), store.open()]);
    await one.acquire(spread, { ownerId: 'me', expire: '5s' });
    expect(await other.extend(spread, { ownerId: 'me', expire: '60s' })).toBe(true);
    expect((await other.inspect('h'))!.ttl).toBeGreaterThan(50_000);
    expect(await other.tryAcquire(spread, { ownerId: 'me', expire: '5s' })).not.toBeNull();
    await other.forceRelease('d');
    expect(await other.extend(spread, { ownerId: 'me', expire: '120s' })).toBe(false);
    expect((await other.inspect('h'))!.ttl).toBeLessThanOrEqual(60_000);
    expect(await other.release(spread, { ownerId: 'me' })).toBe(false);
    expect(await other.inspect('h')).toBeNull();
  });

  it('inspect, list and forceRelease reach the locks on every node', async () => {
    const [one, other] = await Promise.all([store.open(), store.open()]);
    for (const key of spread) await one.acquire(key);
    const listed: LockInfo[] = [];
    for await (const info of other.list()) listed.push(info);
    expect(listed.map(({ key }) => key).sort()).toEqual(spread);
    expect(await other.inspect('c')).toMatchObject({ key: 'c', waiters: 0 });
    expect(await other.forceRelease([...spread, 'free'])).toBe(spread.length);
    expect(await other.releaseAll()).toBe(0);
    expect(await other.inspect('c')).toBeNull();
  });

  it('locks in a cluster work with a namespace that has a hash tag', async () => {
    const namespace = `{${randomUUID()}}:`;
    const [one, other] = await Promise.all([store.open({ namespace } as object), store.open({ namespace } as object)]);
    const lock = await one.acquire(spread);
    const waiting = other.acquire(['h', 'b'], { timeout: '30s' });
    await lock.release();
    await (await waiting).release();
  });
});

describe('an existing client of a cluster', () => {
  const events = ['error', 'node error', 'ready', 'close', 'refresh', '+node', '-node'];

  it('an existing cluster client is used with its prefix, stays open, and has none of our listeners afterwards', async () => {
    const client = connect({ keyPrefix: 'p:' });
    await client.ping();
    const listeners = events.map((event) => client.listenerCount(event));
    const applications = await Promise.all([
      store.openApplication({ client } as object),
      store.openApplication({ client } as object),
    ]);
    const [one, other] = applications.map((application) => application.get(LockingService));
    const lock = await one!.acquire('a');
    expect(await client.exists(`${store.namespace}a`)).toBe(1);
    const listed: string[] = [];
    for await (const { key } of one!.list()) listed.push(key);
    expect(listed).toEqual(['a']);
    const waiting = other!.acquire('a', { timeout: '30s' });
    await lock.release();
    await (await waiting).release();
    await Promise.all(applications.map((application) => application.close()));
    expect(client.status).toBe('ready');
    expect(await client.ping()).toBe('PONG');
    await eventually(() => events.every((event, index) => client.listenerCount(event) === listeners[index]));
  });

  it('calls do not wait for an existing cluster client that has ended', async () => {
    const client = connect({ lazyConnect: true });
    client.disconnect();
    const service = await store.open({ client } as object);
    await expect(service.acquire('a')).rejects.toThrow(LockBackendError);
  });
});
