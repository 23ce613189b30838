import { setTimeout as delay } from 'node:timers/promises';
import { BLOCKED, BLOCKED_IN_JOB } from '../history/kinds.js';
import { ofWorker, type Fault } from './fault.js';

/** The event loop of a process stands still for longer than its lease: timers are late, sockets are not read. */
export const blockWorker: readonly Fault[] = [block(BLOCKED, false), block(BLOCKED_IN_JOB, true)];

function block(kind: string, inside: boolean): Fault {
  return {
    kind,
    plan(random, { crew, lease }) {
      const index = crew.draw(random);
      const ms = Math.round(lease * random.between(1.1, 1.8));
      return {
        claims: [ofWorker(index)],
        detail: `worker ${index} for ${ms} ms`,
        async inject() {
          const victim = crew.tell(index, { do: 'block', ms, inside });
          await delay(ms);
          // The worker writes down itself when it stood still.
          return { ordered: true, victims: [victim] };
        },
      };
    },
  };
}
