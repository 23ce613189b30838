import type { Target } from '../topologies/redis-node.js';
import { STORE, type Fault } from './fault.js';

/** The server closes connections for commands or for wake-ups; one of them, or all. */
export function clientKills(target: Target): Fault[] {
  return [
    clientKill('command connections killed', target, 'normal'),
    clientKill('subscriber connections killed', target, 'pubsub'),
  ];
}

function clientKill(kind: string, target: Target, type: 'normal' | 'pubsub'): Fault {
  return {
    kind,
    plan(random) {
      const all = random.chance(0.5);
      const which = random.next();
      return {
        claims: [STORE],
        detail: all ? 'all' : 'one',
        async inject() {
          const { admin } = await target();
          if (all) {
            await admin.call('CLIENT', 'KILL', 'TYPE', type, 'SKIPME', 'yes');
            return {};
          }
          const own = await admin.client('ID');
          const list = String(await admin.call('CLIENT', 'LIST', 'TYPE', type));
          const ids = [...list.matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id)).filter((id) => id !== own);
          const id = ids[Math.floor(which * ids.length)];
          if (id !== undefined) await admin.call('CLIENT', 'KILL', 'ID', id);
          return {};
        },
      };
    },
  };
}
