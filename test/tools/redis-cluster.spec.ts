import { describe, expect, it } from '@jest/globals';
import { Cluster } from 'ioredis';
import { startRedisCluster } from '../../tools/redis-server/index.mjs';
import { eventually } from '../support/poll.js';
import { isRunning } from '../support/processes.js';

describe('startRedisCluster', () => {
  it('startRedisCluster starts a cluster whose slots move and whose masters are replaced, and leaves nothing running', async () => {
    const cluster = await startRedisCluster({ config: { 'cluster-node-timeout': '1500' } });
    const client = new Cluster(cluster.nodes.map(({ host, port }) => ({ host, port })));
    client.on('error', () => undefined);
    try {
      expect(cluster.nodes).toHaveLength(6);
      const first = await cluster.masterOf('foo');
      expect(cluster.nodes.slice(0, 3)).toContain(first);
      expect(await cluster.replicasOf(first)).toHaveLength(1);
      const slot = await cluster.slotOf('foo');
      expect(slot).toBe(12182);

      await client.set('foo', 'bar');
      await client.set('{foo}2', 'bar');
      const other = cluster.nodes.slice(0, 3).find((node) => node !== first)!;
      const migration = await cluster.beginSlotMigration(slot, other);
      expect(await migration.moveKeys(1)).toBe(1);
      expect(await cluster.masterOf(slot)).toBe(first);
      expect(await migration.moveKeys()).toBe(1);
      await migration.finish();
      expect(await cluster.masterOf('foo')).toBe(other);
      expect([await client.get('foo'), await client.get('{foo}2')]).toEqual(['bar', 'bar']);

      other.server.kill('SIGKILL');
      const next = await cluster.newMasterOf('foo', other);
      expect(cluster.nodes.slice(3)).toContain(next);
      await other.server.restart();
      await cluster.ready();
    } finally {
      client.disconnect();
      const pids = cluster.nodes.map(({ server }) => server.pid);
      await cluster.stop();
      await eventually(() => !pids.some(isRunning));
    }
  }, 90_000);
});
