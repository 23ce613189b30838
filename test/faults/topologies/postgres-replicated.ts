import { setTimeout as delay } from 'node:timers/promises';
import {
  startPostgresPair,
  startPostgresStandby,
  type PostgresServerOptions,
} from '../../../tools/postgres-server/index.mjs';
import { backendKills } from '../faults/backend-kill.js';
import { connectionDark } from '../faults/connection-dark.js';
import { failovers, type Outage, type Replicated } from '../faults/failover.js';
import type { Fault } from '../faults/fault.js';
import { proxyFaults } from '../faults/proxy-faults.js';
import { serverHang } from '../faults/server-hang.js';
import { restartWithData } from '../faults/server-restart.js';
import { ChaosProxy } from '../proxy/chaos-proxy.js';
import type { ProviderSetup } from '../worker/orders.js';
import { PostgresNode } from './postgres-node.js';
import type { Topology } from './topology.js';

/** The primary answers a commit only when the standby has it, so that a failover loses nothing that was answered. */
const OPTIONS: PostgresServerOptions = { config: { fsync: 'on', synchronous_standby_names: '*' } };

/** Between two looks at a server, in milliseconds. */
const LOOK = 20;

/**
 * A primary and its synchronous standby. The proxy before each worker is the address that leads to the present primary; a
 * former primary is cut off before the standby is promoted, and replaced by a new standby.
 */
export class PostgresReplicated implements Topology, Replicated {
  readonly name = 'postgres-replicated';
  readonly inTurn = true;
  versions: string[] = [];
  readonly faults: Fault[] = [];
  private primary?: PostgresNode;
  private standby?: PostgresNode;
  private readonly proxies: ChaosProxy[] = [];

  async start(workers: number): Promise<void> {
    const pair = await startPostgresPair(OPTIONS);
    this.primary = PostgresNode.of(pair.primary);
    this.standby = PostgresNode.of(pair.standby);
    await this.settled();
    this.versions = [await this.primary.version(), '1 synchronous standby'];
    for (let i = 0; i < workers; i += 1) this.proxies.push(await ChaosProxy.before(pair.primary.port));
    const primary = async (): Promise<PostgresNode> => Promise.resolve(this.started());
    this.faults.push(
      ...failovers(this, { losesNothing: true }),
      ...backendKills(() => this.started()),
      restartWithData(primary),
      serverHang(primary),
      ...proxyFaults(this.proxies),
      connectionDark(this.proxies.map((proxy) => [proxy])),
    );
  }

  providerFor(worker: number): ProviderSetup {
    const { port } = this.proxies[worker]!;
    return { kind: 'postgres', options: { connectionString: `postgres://postgres@127.0.0.1:${port}/postgres` } };
  }

  async failOver(): Promise<void> {
    const former = this.started();
    await this.promote();
    await former.stop();
    await this.replaceStandby();
  }

  async killPrimary(): Promise<Outage> {
    return this.replaced('SIGKILL');
  }

  async freezePrimary(): Promise<Outage> {
    return this.replaced('SIGSTOP');
  }

  async killReplica(): Promise<Outage> {
    const { standby } = this;
    standby?.server.kill('SIGKILL');
    return Promise.resolve({
      elected: async () => Promise.resolve(),
      end: async () => standby?.server.restart(),
    });
  }

  async settled(): Promise<void> {
    await until(async () => this.started().isFollowed());
  }

  async isReachable(): Promise<boolean> {
    return this.started()
      .isFollowed()
      .catch(() => false);
  }

  async leftKeys(): Promise<string[]> {
    return this.started().leftKeys();
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map(async (proxy) => proxy.stop()));
    await Promise.all([this.primary?.stop(), this.standby?.stop()]);
  }

  private async replaced(signal: 'SIGKILL' | 'SIGSTOP'): Promise<Outage> {
    const former = this.started();
    former.server.kill(signal);
    return Promise.resolve({
      elected: async () => this.promote(),
      end: async () => {
        if (signal === 'SIGSTOP') former.server.kill('SIGCONT');
        await former.stop();
        await this.replaceStandby();
      },
    });
  }

  /** Cuts the primary off, and promotes the standby. */
  private async promote(): Promise<void> {
    const next = this.standby!;
    for (const proxy of this.proxies) proxy.retarget(next.server.port);
    next.server.promote();
    await until(async () => next.takesWrites());
    this.primary = next;
    this.standby = undefined;
  }

  private async replaceStandby(): Promise<void> {
    this.standby = PostgresNode.of(await startPostgresStandby(this.started().server, OPTIONS));
  }

  private started(): PostgresNode {
    if (!this.primary) throw new Error('The servers have not been started');
    return this.primary;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await delay(LOOK);
}
