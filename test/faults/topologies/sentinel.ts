import { startSentinels, type RedisServer, type SentinelGroup } from '../../../tools/redis-server/index.mjs';
import { clientKills } from '../faults/client-kill.js';
import { clientPause } from '../faults/client-pause.js';
import { failovers, type Outage, type Replicated } from '../faults/failover.js';
import type { Fault } from '../faults/fault.js';
import { scriptFlush } from '../faults/script-flush.js';
import type { ProviderSetup } from '../worker/orders.js';
import { RedisNode } from './redis-node.js';
import type { Topology } from './topology.js';

/** Sentinels are clients, too: after a longer pause, in milliseconds, they take the primary for dead. */
const LONGEST_PAUSE = 300;

/** A primary with a replica, and three sentinels that exchange the two. */
export class Sentinel implements Topology, Replicated {
  readonly name = 'sentinel';
  readonly inTurn = true;
  versions: string[] = [];
  readonly faults: readonly Fault[];
  private group?: SentinelGroup;
  private nodes: RedisNode[] = [];

  constructor() {
    const primary = async (): Promise<RedisNode> => this.primary();
    this.faults = [
      ...failovers(this),
      ...clientKills(primary),
      ...clientPause(primary, LONGEST_PAUSE),
      scriptFlush(primary),
    ];
  }

  async start(): Promise<void> {
    this.group = await startSentinels();
    this.nodes = this.group.servers.map((server) => RedisNode.of(server));
    this.versions = [await this.nodes[0]!.version(), `${this.group.sentinels.length} sentinels, 1 replica`];
  }

  providerFor(): ProviderSetup {
    const { sentinels, name } = this.started();
    return { kind: 'redis', options: { redisOptions: { sentinels, name } } };
  }

  async failOver(): Promise<void> {
    await this.started().failover();
  }

  async killPrimary(): Promise<Outage> {
    return this.outage(await this.started().master(), 'SIGKILL');
  }

  async freezePrimary(): Promise<Outage> {
    return this.outage(await this.started().master(), 'SIGSTOP');
  }

  async killReplica(): Promise<Outage> {
    const master = await this.started().master();
    return this.outage(
      this.started().servers.find((server) => server !== master)!,
      'SIGKILL',
    );
  }

  async settled(): Promise<void> {
    await this.started().settled();
  }

  async isReachable(): Promise<boolean> {
    await this.settled();
    return (await this.primary()).answers();
  }

  async leftKeys(): Promise<string[]> {
    return (await this.primary()).leftKeys();
  }

  async stop(): Promise<void> {
    for (const node of this.nodes) node.disconnect();
    await this.group?.stop();
  }

  private outage(server: RedisServer, signal: 'SIGKILL' | 'SIGSTOP'): Outage {
    server.kill(signal);
    return {
      elected: async () => {
        await this.started().elected(server);
      },
      end: async () => {
        if (signal === 'SIGSTOP') {
          server.kill('SIGCONT');
          return;
        }
        // The server comes back empty: a sentinel that still took it for the primary would make the elected one follow
        // it.
        await this.started().agreed();
        await server.restart();
      },
    };
  }

  private async primary(): Promise<RedisNode> {
    const master = await this.started().master();
    return this.nodes.find(({ server }) => server === master)!;
  }

  private started(): SentinelGroup {
    if (!this.group) throw new Error('The sentinels have not been started');
    return this.group;
  }
}
