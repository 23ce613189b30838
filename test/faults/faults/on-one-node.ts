import type { RedisNode, Target } from '../topologies/redis-node.js';
import type { Fault } from './fault.js';

/** The same faults for several servers: each time to one of them. */
export function onOneNode(nodes: readonly RedisNode[], faultsOf: (target: Target) => Fault[]): Fault[] {
  const perNode = nodes.map((node) => faultsOf(async () => Promise.resolve(node)));
  return (perNode[0] ?? []).map(({ kind }, index) => ({
    kind,
    plan(random, stage) {
      const node = Math.floor(random.next() * nodes.length);
      const planned = perNode[node]![index]!.plan(random, stage);
      return { ...planned, detail: `node ${node} ${planned.detail}`, inject: async () => planned.inject() };
    },
  }));
}
