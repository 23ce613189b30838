import type { PostgresNode } from '../topologies/postgres-node.js';
import { STORE, type Fault } from './fault.js';

/** An operator ends sessions: those for commands, or those that hear wake-ups; one of them, or all. */
export function backendKills(primary: () => PostgresNode): Fault[] {
  return [
    backendKill('command connections killed', primary, false),
    backendKill('subscriber connections killed', primary, true),
  ];
}

function backendKill(kind: string, primary: () => PostgresNode, listening: boolean): Fault {
  return {
    kind,
    plan(random) {
      const all = random.chance(0.5);
      const which = random.next();
      return {
        claims: [STORE],
        detail: all ? 'all' : 'one',
        async inject() {
          const node = primary();
          const sessions = await node.sessions(listening);
          const chosen = all ? sessions : sessions.slice(Math.floor(which * sessions.length)).slice(0, 1);
          if (chosen.length > 0)
            await node.query(`SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[${chosen.join()}]) AS pid`);
          return {};
        },
      };
    },
  };
}
