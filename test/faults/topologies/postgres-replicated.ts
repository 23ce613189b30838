import { setTimeout as delay } from 'node:timers/promises';
import { startPostgresStandby } from '../../../tools/postgres-server/index.mjs';
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

/** Between two looks at a server, in milliseconds. */
const LOOK = 20;

/** For how long an asynchronous standby has received nothing when it is promoted, in milliseconds. */
const BEHIND = 500;

/**
 * A primary and its standby. The proxy before each worker is the address that leads to the present primary; a former
 * primary is cut off before the standby is promoted, and replaced by a new standby.
 *
 * A primary with a synchronous standby answers a commit only when the standby has it, so that a failover loses nothing
 * that was answered. An asynchronous standby lags before each failover, by a proxy between the two, and what it has not
 * received is lost.
 */
export class PostgresReplicated implements Topology, Replicated {
  readonly name: string;
  readonly inTurn = true;
  readonly cohortGrants = 256;
  versions: string[] = [];
  readonly faults: Fault[] = [];
  private primary?: PostgresNode;
  private standby?: PostgresNode;
  private readonly proxies: ChaosProxy[] = [];
  /** Before the primary, for its standby. */
  private replication?: ChaosProxy;
  private readonly config: Readonly<Record<string, string>>;

  constructor(private readonly mode: 'sync' | 'async') {
    this.name = mode === 'sync' ? 'postgres-replicated' : 'postgres-asynchronous';
    this.config = { fsync: 'on', ...(mode === 'sync' && { synchronous_standby_names: '*' }) };
  }

  async start(workers: number): Promise<void> {
    const node = await PostgresNode.start(this.config);
    this.primary = node;
    this.replication = await ChaosProxy.before(node.server.port);
    await this.replaceStandby();
    await this.settled();
    this.versions = [await node.version(), this.mode === 'sync' ? '1 synchronous standby' : '1 asynchronous standby'];
    for (let i = 0; i < workers; i += 1) this.proxies.push(await ChaosProxy.before(node.server.port));
    const primary = async (): Promise<PostgresNode> => Promise.resolve(this.started());
    // Nothing is committed before the standby follows again.
    const restart = async (down: number): Promise<void> => {
      await this.started().restart(down);
      await this.settled();
    };
    this.faults.push(
      ...failovers(this, { losesNothing: this.mode === 'sync', cutsOff: true }),
      ...backendKills(() => this.started()),
      restartWithData(async () => Promise.resolve({ restart })),
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
    await this.fallBehind();
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
    await until(async () => this.started().isFollowed(this.mode));
  }

  async isReachable(): Promise<boolean> {
    return this.started()
      .isFollowed(this.mode)
      .catch(() => false);
  }

  async leftKeys(): Promise<string[]> {
    return this.started().leftKeys();
  }

  async stop(): Promise<void> {
    await Promise.all([...this.proxies, this.replication].map(async (proxy) => proxy?.stop()));
    await Promise.all([this.primary?.stop(), this.standby?.stop()]);
  }

  private async replaced(signal: 'SIGKILL' | 'SIGSTOP'): Promise<Outage> {
    const former = this.started();
    await this.fallBehind();
    former.server.kill(signal);
    return {
      elected: async () => this.promote(),
      end: async () => {
        if (signal === 'SIGSTOP') former.server.kill('SIGCONT');
        await former.stop();
        await this.replaceStandby();
      },
    };
  }

  /** What an asynchronous standby is sent from now on does not arrive. */
  private async fallBehind(): Promise<void> {
    if (this.mode === 'sync') return;
    this.replication?.each((link) => {
      link.toClient.held = true;
    });
    await delay(BEHIND);
  }

  /** Cuts the primary off, and promotes the standby. */
  private async promote(): Promise<void> {
    const next = this.standby!;
    this.replication!.refuses = true;
    this.replication!.cutAll();
    for (const proxy of this.proxies) proxy.retarget(next.server.port);
    next.server.promote();
    await until(async () => next.takesWrites());
    this.primary = next;
    this.standby = undefined;
  }

  private async replaceStandby(): Promise<void> {
    const { replication } = this;
    const { server } = this.started();
    replication!.each(() => undefined);
    replication!.retarget(server.port);
    replication!.refuses = false;
    const through = replication!.port;
    this.standby = PostgresNode.of(await startPostgresStandby(server, { config: this.config, through }));
  }

  private started(): PostgresNode {
    if (!this.primary) throw new Error('The servers have not been started');
    return this.primary;
  }
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition().catch(() => false))) await delay(LOOK);
}
