import { setTimeout as delay } from 'node:timers/promises';
import { BLOCKED, BLOCKED_IN_JOB, SUSPENDED, SUSPENDED_IN_JOB } from '../history/kinds.js';
import { ofWorker, type Fault } from './fault.js';

/**
 * A process stands still for longer than its lease. With a blocked event loop, timers are late and sockets are not
 * read. With a suspended machine, the monotonic clock stands still as well, and timers are due as if no time had
 * passed.
 */
export const blockWorker: readonly Fault[] = [
  block(BLOCKED, { inside: false, suspended: false }),
  block(BLOCKED_IN_JOB, { inside: true, suspended: false }),
  block(SUSPENDED, { inside: false, suspended: true }),
  block(SUSPENDED_IN_JOB, { inside: true, suspended: true }),
];

function block(kind: string, how: { readonly inside: boolean; readonly suspended: boolean }): Fault {
  return {
    kind,
    plan(random, { crew, lease }) {
      const index = crew.draw(random);
      const ms = Math.round(lease * random.between(1.1, 1.8));
      return {
        claims: [ofWorker(index)],
        detail: `worker ${index} for ${ms} ms`,
        async inject() {
          const victim = crew.tell(index, { do: 'block', ms, ...how });
          await delay(ms);
          // The worker itself records when it stood still.
          return { ordered: true, victims: [victim] };
        },
      };
    },
  };
}
