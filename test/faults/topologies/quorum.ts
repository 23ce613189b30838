import { clientKills } from '../faults/client-kill.js';
import { clientPause } from '../faults/client-pause.js';
import type { Fault } from '../faults/fault.js';
import { nodeLost } from '../faults/node-lost.js';
import { onOneNode } from '../faults/on-one-node.js';
import { scriptFlush } from '../faults/script-flush.js';
import { serverHang } from '../faults/server-hang.js';
import type { ProviderSetup } from '../worker/orders.js';
import { RedisNode } from './redis-node.js';
import type { Topology } from './topology.js';

const NODES = 3;

/** Independent servers without persistence; at most one has a fault at a time. */
export class Quorum implements Topology {
  readonly name = 'quorum';
  /** Waiting processes poll, and are served in no order. */
  readonly inTurn = false;
  readonly keepsRecords = false;
  versions: string[] = [];
  faults: Fault[] = [];
  private nodes: RedisNode[] = [];

  async start(): Promise<void> {
    for (let i = 0; i < NODES; i += 1) this.nodes.push(await RedisNode.start({}));
    this.versions = [await this.nodes[0]!.version()];
    this.faults = onOneNode(this.nodes, (target) => [
      ...clientKills(target),
      ...clientPause(target),
      scriptFlush(target),
      serverHang(target),
      nodeLost(target),
    ]);
  }

  providerFor(): ProviderSetup {
    return { kind: 'quorum', options: { nodes: this.nodes.map(({ server }) => server.url) } };
  }

  async isReachable(): Promise<boolean> {
    return (await Promise.all(this.nodes.map(async (node) => node.answers()))).every(Boolean);
  }

  async leftKeys(): Promise<string[]> {
    return (await Promise.all(this.nodes.map(async (node) => node.leftKeys()))).flat();
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map(async (node) => node.stop()));
  }
}
