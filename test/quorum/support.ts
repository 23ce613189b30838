import { afterAll, afterEach, beforeAll, beforeEach } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  RedisQuorumLockingProvider,
  type LockingModuleOptions,
  type RedisQuorumLockingProviderOptions,
} from '../../lib/index.js';
import type { RedisServer, RedisServerOptions } from '../../tools/redis-server/index.mjs';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { thaw, useRedisNodes } from '../support/redis-nodes.js';

/** Keys that are no locks: the token counter, and tombstones, which expire by themselves. */
const OWN = 'lock:nestjs-locking:';

export interface QuorumUnderTest {
  readonly servers: readonly RedisServer[];
  readonly urls: () => string[];
  /** An application instance that locks on all of the servers; closed after the test. */
  open(options?: Partial<RedisQuorumLockingProviderOptions>): Promise<StartedApplication>;
  withLocks(options: LockingModuleOptions): Promise<StartedApplication>;
  /** A plain client of each server, to read and write the store directly. */
  readonly raws: readonly Redis[];
  /** The locks that are stored on each of these servers. */
  keysOn(indexes: readonly number[]): Promise<string[][]>;
  /** Resolves when no lock is stored on any of these servers. */
  nothingOn(indexes: readonly number[]): Promise<void>;
  freeze(...indexes: number[]): void;
  thaw(...indexes: number[]): void;
}

/** `count` servers, all of them up and empty at the start of each test. */
export function useQuorum(count: number, config?: RedisServerOptions): QuorumUnderTest {
  const servers = useRedisNodes(count, config);
  const raws: Redis[] = [];

  // Servers go on first: an application closes only slowly while they hang.
  afterEach(() => {
    servers.forEach(thaw);
  });

  const applications = useApplications();

  beforeAll(() => {
    for (const { url } of servers) {
      const raw = new Redis(url, { disconnectTimeout: 100, retryStrategy: () => 20 });
      raw.on('error', () => undefined);
      raws.push(raw);
    }
  });

  beforeEach(async () => {
    await Promise.all(
      servers.map(async (server, index) => {
        if (!(await isUp(server))) await server.restart();
        await raws[index]?.flushall();
      }),
    );
  });

  afterAll(() => {
    for (const raw of raws) raw.disconnect();
  });

  const urls = (): string[] => servers.map(({ url }) => url);
  const keysOn = async (indexes: readonly number[]): Promise<string[][]> =>
    Promise.all(indexes.map(async (index) => (await raws[index]!.keys('*')).filter((key) => !key.startsWith(OWN))));
  return {
    servers,
    urls,
    raws,
    keysOn,
    withLocks: async (options) => applications.withLocks(options),
    open: async (options) =>
      applications.withLocks({
        providers: [{ resolve: RedisQuorumLockingProvider, options: { nodes: urls(), nodeTimeout: '2s', ...options } }],
      }),
    nothingOn: async (indexes) => eventually(async () => (await keysOn(indexes)).every((keys) => keys.length === 0)),
    freeze: (...indexes) => {
      for (const index of indexes) servers[index]?.kill('SIGSTOP');
    },
    thaw: (...indexes) => {
      for (const index of indexes) servers[index]?.kill('SIGCONT');
    },
  };
}

async function isUp(server: RedisServer): Promise<boolean> {
  try {
    process.kill(server.pid, 0);
  } catch {
    return false;
  }
  const probe = new Redis(server.url, { lazyConnect: true, retryStrategy: null });
  try {
    await probe.connect();
    await probe.ping();
    return true;
  } catch {
    return false;
  } finally {
    probe.disconnect();
  }
}
