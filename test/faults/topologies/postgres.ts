import { backendKills } from '../faults/backend-kill.js';
import { connectionDark } from '../faults/connection-dark.js';
import type { Fault } from '../faults/fault.js';
import { proxyFaults } from '../faults/proxy-faults.js';
import { serverHang } from '../faults/server-hang.js';
import { restartWithData } from '../faults/server-restart.js';
import { ChaosProxy } from '../proxy/chaos-proxy.js';
import type { ProviderSetup } from '../worker/orders.js';
import { PostgresNode } from './postgres-node.js';
import type { Topology } from './topology.js';

/** One PostgreSQL server, and a proxy before it for each worker. */
export class Postgres implements Topology {
  readonly name = 'postgres';
  readonly inTurn = true;
  readonly cohortGrants = 256;
  versions: string[] = [];
  faults: Fault[] = [];
  private node?: PostgresNode;
  private proxies: ChaosProxy[] = [];

  async start(workers: number): Promise<void> {
    const node = await PostgresNode.start({ fsync: 'on' });
    this.node = node;
    this.versions = [await node.version()];
    for (let i = 0; i < workers; i += 1) this.proxies.push(await ChaosProxy.before(node.server.port));
    this.faults = [
      ...backendKills(() => node),
      restartWithData(async () => Promise.resolve(node)),
      serverHang(async () => Promise.resolve(node)),
      ...proxyFaults(this.proxies),
      connectionDark(this.proxies.map((proxy) => [proxy])),
    ];
  }

  providerFor(worker: number): ProviderSetup {
    const { port } = this.proxies[worker]!;
    return { kind: 'postgres', options: { connectionString: `postgres://postgres@127.0.0.1:${port}/postgres` } };
  }

  async isReachable(): Promise<boolean> {
    return (await this.node?.answers()) ?? false;
  }

  async leftKeys(): Promise<string[]> {
    return (await this.node?.leftKeys()) ?? [];
  }

  async stop(): Promise<void> {
    await Promise.all(this.proxies.map(async (proxy) => proxy.stop()));
    await this.node?.stop();
  }
}
