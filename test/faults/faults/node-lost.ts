import type { Target } from '../topologies/redis-node.js';
import { STORE, type Fault } from './fault.js';

/** A server crashes, loses its data, and stays away until every lease that it knew of has expired. */
export function nodeLost(target: Target): Fault {
  return {
    kind: 'node lost, back after the longest lease',
    plan(random, { lease }) {
      const down = Math.round(lease * random.between(1.1, 2));
      return {
        claims: [STORE],
        detail: `down for ${down} ms`,
        async inject() {
          const node = await target();
          await node.restart(down, false);
          return {};
        },
      };
    },
  };
}
