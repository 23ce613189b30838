import { afterAll, beforeAll } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { RedisServerAccess } from '../../support/redis.js';
import type { ForeignLibrary, ForeignLocks } from './foreign-locks.js';
import { installPeers, type LoadPeer } from './install-peers.js';

/** The other libraries on the server of the test file, each with a client of their own ioredis. */
export interface ForeignAccess {
  open(library: ForeignLibrary, namespace?: string): ForeignLocks;
  openWith<T>(make: (load: LoadPeer, client: Redis) => T): T;
}

export function useForeignLocks(redis: RedisServerAccess): ForeignAccess {
  let load: LoadPeer | undefined;
  const clients: Redis[] = [];

  beforeAll(async () => {
    load = await installPeers();
  }, 240_000);

  afterAll(() => {
    for (const client of clients) client.disconnect();
  });

  const openWith = <T>(make: (load: LoadPeer, client: Redis) => T): T => {
    if (!load) throw new Error('The libraries are there only from beforeAll on: open them inside tests and hooks');
    // The calls used here have the same types in ioredis 5 and 6.
    const ioredis = load('ioredis') as { Redis: new (url: string, options: object) => Redis };
    const client = new ioredis.Redis(redis.url, { disconnectTimeout: 100 });
    // The server may be stopped before the client disconnects.
    client.on('error', () => undefined);
    clients.push(client);
    return make(load, client);
  };

  return {
    openWith,
    open: (library, namespace = library.namespace) =>
      openWith((loadPeer, client) => library.open(loadPeer, client, namespace)),
  };
}
