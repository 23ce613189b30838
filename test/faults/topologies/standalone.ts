import { clientKills } from '../faults/client-kill.js';
import { clientPause } from '../faults/client-pause.js';
import { connectionDark } from '../faults/connection-dark.js';
import type { Fault } from '../faults/fault.js';
import { flushAll } from '../faults/flush-all.js';
import { proxyFaults } from '../faults/proxy-faults.js';
import { scriptFlush } from '../faults/script-flush.js';
import { serverHang } from '../faults/server-hang.js';
import { serverRestarts } from '../faults/server-restart.js';
import { ChaosProxy } from '../proxy/chaos-proxy.js';
import type { ProviderSetup } from '../worker/orders.js';
import { RedisNode } from './redis-node.js';
import type { Topology } from './topology.js';

/** One Redis server with persistence, and a proxy before it for each worker. */
export class Standalone implements Topology {
  readonly name = 'standalone';
  readonly inTurn = true;
  versions: string[] = [];
  faults: Fault[] = [];
  private node?: RedisNode;
  private proxies: ChaosProxy[] = [];

  constructor(private readonly provider = 'redis') {}

  async start(workers: number): Promise<void> {
    const node = await RedisNode.start({ appendonly: 'yes', appendfsync: 'everysec' });
    this.node = node;
    this.versions = [await node.version()];
    for (let i = 0; i < workers; i += 1) this.proxies.push(await ChaosProxy.before(node.server.port));
    const target = async (): Promise<RedisNode> => Promise.resolve(node);
    this.faults = [
      ...clientKills(target),
      ...clientPause(target),
      scriptFlush(target),
      flushAll(target),
      ...serverRestarts(target),
      serverHang(target),
      ...proxyFaults(this.proxies),
      connectionDark(this.proxies.map((proxy) => [proxy])),
    ];
  }

  providerFor(worker: number): ProviderSetup {
    return { kind: this.provider, options: { redisUrl: `redis://127.0.0.1:${this.proxies[worker]!.port}` } };
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
