import { setTimeout as delay } from 'node:timers/promises';
import { startRedisCluster, type RedisCluster, type RedisClusterNode } from '../../../tools/redis-server/index.mjs';
import { clientKills } from '../faults/client-kill.js';
import { clientPause } from '../faults/client-pause.js';
import { connectionDark } from '../faults/connection-dark.js';
import { failovers, type Outage, type Replicated } from '../faults/failover.js';
import type { Fault } from '../faults/fault.js';
import { onOneNode } from '../faults/on-one-node.js';
import { scriptFlush } from '../faults/script-flush.js';
import { slotMoved, type Sharded } from '../faults/slot-moved.js';
import { ChaosProxy } from '../proxy/chaos-proxy.js';
import type { ProviderSetup } from '../worker/orders.js';
import { RedisNode } from './redis-node.js';
import type { Topology } from './topology.js';

/**
 * Three primaries with a replica each; the keys are spread over them by their slots. Every second worker reaches each
 * server through a proxy of its own, as in networks that translate addresses.
 */
export class Cluster implements Topology, Replicated, Sharded {
  readonly name = 'cluster';
  readonly inTurn = true;
  versions: string[] = [];
  faults: Fault[] = [];
  private running?: RedisCluster;
  private nodes: RedisNode[] = [];
  /** The proxies of each worker, in the order of the nodes. */
  private proxies: ChaosProxy[][] = [];

  async start(workers: number): Promise<void> {
    this.running = await startRedisCluster({ config: { 'cluster-node-timeout': '1000' } });
    this.nodes = this.running.nodes.map(({ server }) => RedisNode.of(server));
    this.versions = [await this.nodes[0]!.version(), '3 primaries, 3 replicas'];
    for (let worker = 0; worker < workers; worker += 1) {
      const ports = worker % 2 === 1 ? [] : this.running.nodes.map(({ port }) => port);
      this.proxies.push(await Promise.all(ports.map(async (port) => ChaosProxy.before(port))));
    }
    this.faults = [
      ...failovers(this),
      slotMoved(this),
      ...onOneNode(this.nodes, (target) => [...clientKills(target), ...clientPause(target), scriptFlush(target)]),
      connectionDark(this.proxies),
    ];
  }

  providerFor(worker: number): ProviderSetup {
    const nodes = this.started().nodes.map(({ host, port }) => ({ host, port }));
    const proxies = this.proxies[worker] ?? [];
    const natMap = Object.fromEntries(
      proxies.map(({ port }, i) => [`${nodes[i]!.host}:${nodes[i]!.port}`, { host: '127.0.0.1', port }]),
    );
    return { kind: 'redis', options: { cluster: { nodes, ...(proxies.length > 0 && { options: { natMap } }) } } };
  }

  async failOver(which: number): Promise<void> {
    const { primary, replica } = await this.pair(which);
    await this.nodeOf(replica).admin.call('CLUSTER', 'FAILOVER');
    await this.started().newMasterOf(keyAt(which), primary);
  }

  async killPrimary(which: number): Promise<Outage> {
    return this.outage(await this.primary(which), which, 'SIGKILL');
  }

  async freezePrimary(which: number): Promise<Outage> {
    return this.outage(await this.primary(which), which, 'SIGSTOP');
  }

  async killReplica(which: number): Promise<Outage> {
    return this.outage((await this.pair(which)).replica, which, 'SIGKILL');
  }

  async moveSlot(key: string, which: number, ms: number): Promise<void> {
    const cluster = this.started();
    const slot = await cluster.slotOf(`lock:${key}`);
    const from = await cluster.masterOf(slot);
    const others = (await this.primaries()).filter(({ id }) => id !== from.id);
    const migration = await cluster.beginSlotMigration(slot, others[Math.floor(which * others.length)]!);
    await migration.moveKeys(1);
    await delay(ms);
    for (;;) {
      await migration.moveKeys();
      try {
        await migration.finish();
        return;
      } catch {
        // A client has written a key of the slot in between.
      }
    }
  }

  async settled(): Promise<void> {
    await this.started().ready();
    while (!(await this.inStep())) await delay(50);
  }

  async isReachable(): Promise<boolean> {
    await this.settled();
    return true;
  }

  async leftKeys(): Promise<string[]> {
    const primaries = await this.primaries();
    const keys = await Promise.all(primaries.map(async (primary) => this.nodeOf(primary).leftKeys()));
    return keys.flat();
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.disconnect();
    await Promise.all(this.proxies.flat().map(async (proxy) => proxy.stop()));
    await this.running?.stop();
  }

  private outage(node: RedisClusterNode, which: number, signal: 'SIGKILL' | 'SIGSTOP'): Outage {
    node.server.kill(signal);
    return {
      elected: async () => {
        await this.started().newMasterOf(keyAt(which), node);
      },
      end: async () => {
        if (signal === 'SIGSTOP') node.server.kill('SIGCONT');
        else await node.server.restart();
      },
    };
  }

  /** The primary of one of the contended keys. */
  private async primary(which: number): Promise<RedisClusterNode> {
    return this.started().masterOf(keyAt(which));
  }

  /** Retries, as on a busy machine the nodes may change roles by themselves, without a primary for a moment. */
  private async pair(which: number): Promise<{ primary: RedisClusterNode; replica: RedisClusterNode }> {
    for (;;) {
      const primary = await this.primary(which);
      const [replica] = await this.started().replicasOf(primary);
      if (replica) return { primary, replica };
      await delay(50);
    }
  }

  private async primaries(): Promise<RedisClusterNode[]> {
    const roles = await Promise.all(this.nodes.map(async (node) => node.admin.info('replication')));
    return this.started().nodes.filter((_, i) => roles[i]!.includes('role:master'));
  }

  private async inStep(): Promise<boolean> {
    const texts = await Promise.all(this.nodes.map(async ({ admin }) => admin.info('replication').catch(() => '')));
    return texts.every((text) => text.includes('master_link_status:up') || /^connected_slaves:[1-9]/m.test(text));
  }

  private nodeOf({ server }: RedisClusterNode): RedisNode {
    return this.nodes.find((node) => node.server === server)!;
  }

  private started(): RedisCluster {
    if (!this.running) throw new Error('The cluster has not been started');
    return this.running;
  }
}

/** The name in Redis of one of the first keys. */
function keyAt(which: number): string {
  return `lock:key:${Math.floor(which * 3)}`;
}
