import { startPostgresServer } from '../../../tools/postgres-server/index.mjs';
import { startRedisServer } from '../../../tools/redis-server/index.mjs';
import { assertReachable } from '../storage/open-stores.js';
import { describeStore, storeOfEnvironment, type Store } from '../store.js';
import type { DemoOptions } from './demo-options.js';
import { Instances } from './instances.js';
import { closeConnections } from './request.js';

const INSTANCES_WITH_SERVER = 4;

const START = { redis: startRedisServer, postgres: startPostgresServer };

/** The instances that the demo sends orders to, and how to end them. */
export interface Environment {
  readonly urls: readonly string[];
  readonly description: string;
}

export type Cleanup = (close: () => Promise<void>) => void;

/** One instance in memory; with a server, several instances that share it. */
export async function openEnvironment({ ownServer }: DemoOptions, onClose: Cleanup): Promise<Environment> {
  const store = ownServer ? await startOwn(ownServer, onClose) : storeOfEnvironment();
  await assertReachable(store);

  const instances = new Instances();
  onClose(async () => {
    closeConnections();
    await instances.stop();
  });
  const urls = await instances.start(store.kind === 'memory' ? 1 : INSTANCES_WITH_SERVER, store);
  return { urls, description: describe(urls, store) };
}

async function startOwn(kind: 'redis' | 'postgres', onClose: Cleanup): Promise<Store> {
  const server = await START[kind]();
  onClose(async () => server.stop());
  return { kind, url: server.url };
}

function describe(urls: readonly string[], store: Store): string {
  const ports = urls.map((url) => new URL(url).port).join(' ');
  const processes = urls.length === 1 ? 'one process on port' : `${urls.length} processes on ports`;
  return `${processes} ${ports}\nstock, orders and locks in ${describeStore(store)}`;
}
