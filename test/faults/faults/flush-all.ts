import { now } from '../clock.js';
import type { Target } from '../topologies/redis-node.js';
import { STORE, type Fault } from './fault.js';

/** The store loses everything: locks, queues and the token counter. */
export function flushAll(target: Target): Fault {
  return {
    kind: 'store flushed',
    plan: () => ({
      claims: [STORE],
      detail: '',
      async inject() {
        const { admin } = await target();
        await admin.flushall();
        return { loses: { since: 0, until: now() } };
      },
    }),
  };
}
