import type { Target } from '../topologies/redis-node.js';
import { STORE, type Fault } from './fault.js';

/** The server loses all scripts. */
export function scriptFlush(target: Target): Fault {
  return {
    kind: 'scripts flushed',
    plan: () => ({
      claims: [STORE],
      detail: '',
      async inject() {
        const { admin } = await target();
        await admin.script('FLUSH');
        return {};
      },
    }),
  };
}
