import KeyvRedis from '@keyv/redis';
import { CACHE_MANAGER, CacheModule, type Cache } from '@nestjs/cache-manager';
import { Module, type DynamicModule, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createRequire } from 'node:module';
import { Keyv } from 'keyv';
import { LockingModule, RedisLockingProvider } from 'nestjs-locking';
import { CacheFlight, CacheFlightModule } from 'nestjs-locking/cache';
import { requirePeer } from '../peers/location.js';

/** A cache, by the call that its documentation recommends. Times are milliseconds. */
export interface CacheContender {
  /** @param staleFor - how much longer a value may be served while a new one is loaded; 0 for never */
  getOrSet(key: string, load: () => Promise<string>, ttl: number, staleFor: number): Promise<string>;
  close(): Promise<unknown>;
}

/** In memory without `redisUrl`; else values, and what else the contender shares, are on that server. */
type Open = (redisUrl: string | undefined) => Promise<CacheContender>;

/** Whether it can serve a value whose time is over while it loads a new one. */
interface Described {
  readonly servesStale: boolean;
  readonly open: Open;
}

@Module({})
class RootModule {}

async function start(...imports: DynamicModule[]): Promise<INestApplicationContext> {
  return NestFactory.createApplicationContext({ module: RootModule, imports }, { logger: ['error'] });
}

const ours: Open = async (redisUrl) => {
  const providers = redisUrl ? [{ resolve: RedisLockingProvider, options: { redisUrl } }] : [];
  const adapter = redisUrl ? new KeyvRedis<unknown>(redisUrl) : undefined;
  const store = new Keyv(adapter && { store: adapter });
  const app = await start(LockingModule.forRoot({ providers }), CacheFlightModule.forRoot({ store }));
  const flight = app.get(CacheFlight);
  return {
    getOrSet: async (key, load, ttl, staleFor) =>
      flight.getOrSet(key, load, { ttl: `${ttl}ms`, staleFor: `${staleFor}ms` }),
    close: async () => app.close().then(async () => adapter?.disconnect()),
  };
};

const cacheManager: Open = async (redisUrl) => {
  const adapter = redisUrl ? new KeyvRedis<unknown>(redisUrl) : undefined;
  const app = await start(CacheModule.register(adapter ? { stores: [adapter] } : {}));
  const cache = app.get<Cache>(CACHE_MANAGER, { strict: false });
  return {
    getOrSet: async (key, load, ttl) => cache.wrap(key, load, ttl),
    close: async () => app.close().then(async () => adapter?.disconnect()),
  };
};

interface Bento {
  getOrSet(options: object): Promise<string>;
  disconnectAll(): Promise<void>;
}

interface BentoPackage {
  BentoCache: new (options: object) => Bento;
  bentostore: () => { useL1Layer(driver: unknown): { useL2Layer(driver: unknown): unknown } };
}

const bentocache: Open = async (redisUrl) => {
  const { BentoCache, bentostore } = requirePeer('bentocache') as BentoPackage;
  const { memoryDriver } = requirePeer('bentocache/drivers/memory') as { memoryDriver: (options: object) => unknown };
  let store: unknown = bentostore().useL1Layer(memoryDriver({}));
  if (redisUrl) {
    const { redisDriver } = requirePeer('bentocache/drivers/redis') as { redisDriver: (options: object) => unknown };
    const { hostname: host, port } = new URL(redisUrl);
    const connection = { host, port: Number(port) };
    store = (store as ReturnType<ReturnType<BentoPackage['bentostore']>['useL1Layer']>).useL2Layer(
      redisDriver({ connection }),
    );
  }
  const cache = new BentoCache({ default: 'cache', stores: { cache: store } });
  return Promise.resolve({
    getOrSet: async (key, factory, ttl, staleFor) =>
      cache.getOrSet({ key, factory, ttl, ...(staleFor > 0 && { grace: staleFor, timeout: 0 }) }),
    close: async () => cache.disconnectAll(),
  });
};

interface CacheablePackage {
  Cacheable: new (options: object) => {
    getOrSet(key: string, load: () => Promise<string>, options: object): Promise<string>;
    disconnect(): Promise<void>;
  };
}

const cacheable: Open = async (redisUrl) => {
  const { Cacheable } = requirePeer('cacheable') as CacheablePackage;
  // It knows an adapter by the methods of its own Keyv.
  const peers = createRequire(requirePeer.resolve('cacheable'));
  const { Keyv: ItsKeyv } = peers('keyv') as { Keyv: new (options: object) => unknown };
  const adapter = redisUrl ? new KeyvRedis<unknown>(redisUrl) : undefined;
  const cache = new Cacheable(adapter ? { secondary: new ItsKeyv({ store: adapter }) } : {});
  return Promise.resolve({
    getOrSet: async (key, load, ttl) => cache.getOrSet(key, load, { ttl }),
    close: async () => cache.disconnect(),
  });
};

/** By the names of the packages. */
export const CONTENDERS: Readonly<Record<string, Described>> = {
  'nestjs-locking': { servesStale: true, open: ours },
  '@nestjs/cache-manager': { servesStale: false, open: cacheManager },
  bentocache: { servesStale: true, open: bentocache },
  cacheable: { servesStale: false, open: cacheable },
};
