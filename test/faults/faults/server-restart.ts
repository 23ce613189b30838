import { now } from '../clock.js';
import type { RedisNode } from '../topologies/redis-node.js';
import { STORE, type Fault } from './fault.js';

/** The server crashes and comes again, with its data or without. */
export function serverRestarts(node: RedisNode): Fault[] {
  return [restart('server restarted with its data', node, true), restart('server restarted empty', node, false)];
}

function restart(kind: string, node: RedisNode, withData: boolean): Fault {
  return {
    kind,
    plan(random) {
      const down = Math.round(random.between(0, 1500));
      return {
        claims: [STORE],
        detail: `down for ${down} ms`,
        async inject() {
          await node.restart(down, withData);
          return withData ? {} : { loses: { since: 0, until: now() } };
        },
      };
    },
  };
}
