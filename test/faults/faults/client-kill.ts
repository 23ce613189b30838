import type { Redis } from 'ioredis';
import { STORE, type Fault } from './fault.js';

/** The server closes connections: those for commands, or those on which wake-ups are heard; one of them, or all. */
export function clientKills(admin: Redis): Fault[] {
  return [
    clientKill('command connections killed', admin, 'normal'),
    clientKill('subscriber connections killed', admin, 'pubsub'),
  ];
}

function clientKill(kind: string, admin: Redis, type: 'normal' | 'pubsub'): Fault {
  return {
    kind,
    plan(random) {
      const all = random.chance(0.5);
      const which = random.next();
      return {
        claims: [STORE],
        detail: all ? 'all' : 'one',
        async inject() {
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
