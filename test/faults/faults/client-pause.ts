import { setTimeout as delay } from 'node:timers/promises';
import type { Target } from '../topologies/redis-node.js';
import { STORE, type Fault } from './fault.js';

/** The server pauses its clients for `longest` ms at most: all of them, or those that write. */
export function clientPause(target: Target, longest = 1500): Fault[] {
  return (['WRITE', 'ALL'] as const).map((mode) => ({
    kind: `server paused (${mode})`,
    plan(random) {
      const ms = Math.round(random.between(100, longest));
      return {
        claims: [STORE],
        detail: `${ms} ms`,
        async inject() {
          const { admin } = await target();
          await admin.call('CLIENT', 'PAUSE', ms, mode);
          await delay(ms);
          return {};
        },
      };
    },
  }));
}
