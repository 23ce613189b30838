import { expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually, rejectionOf } from '../support/poll.js';
import { useProxies } from '../support/tcp-proxy.js';
import { useQuorum } from './support.js';

const quorum = useQuorum(3);
const startProxy = useProxies();

const PATIENCE = 60_000;

it(
  'the provider reconnects to quorum nodes whose connections drop packets',
  async () => {
    const proxies = await Promise.all(quorum.servers.slice(1).map(async ({ port }) => startProxy(port)));
    const nodes = [quorum.urls()[0]!, ...proxies.map(({ url }) => url)];
    const { locking } = await quorum.open({ nodes, nodeTimeout: '500ms' });
    await locking.execute('k', () => undefined);
    for (const proxy of proxies) expect(proxy.goDark()).toBe(1);
    await rejectionOf(locking.execute('k', () => undefined));
    const failed = performance.now();
    await eventually(async () => (await locking.execute('k', () => 1).catch(() => delay(100))) === 1, PATIENCE);
    expect(performance.now() - failed).toBeLessThan(10_000);
  },
  PATIENCE,
);
