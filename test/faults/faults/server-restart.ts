import { now } from '../clock.js';
import type { Target } from '../topologies/redis-node.js';
import { STORE, type Fault } from './fault.js';

/** The server crashes and comes back, with its data or without. */
export function serverRestarts(target: Target): Fault[] {
  return [restart('server restarted with its data', target, true), restart('server restarted empty', target, false)];
}

function restart(kind: string, target: Target, withData: boolean): Fault {
  return {
    kind,
    plan(random) {
      const down = Math.round(random.between(0, 1500));
      return {
        claims: [STORE],
        detail: `down for ${down} ms`,
        async inject() {
          const node = await target();
          await node.restart(down, withData);
          return withData ? {} : { loses: { since: 0, until: now() } };
        },
      };
    },
  };
}
