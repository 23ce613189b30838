import { setTimeout as delay } from 'node:timers/promises';
import { ofWorker, type Fault } from './fault.js';

/** The kind that the conductor notes; the worker writes down when it stood still. */
export const BLOCK_ORDERED = 'block ordered';

/** The event loop of a process stands still for longer than its lease: timers are late, sockets are not read. */
export const blockWorker: Fault = {
  kind: BLOCK_ORDERED,
  plan(random, { crew, lease }) {
    const index = crew.draw(random);
    const inside = random.chance(0.5);
    const ms = Math.round(lease * random.between(1.1, 1.8));
    return {
      claims: [ofWorker(index)],
      detail: `worker ${index} for ${ms} ms${inside ? ' in a job' : ''}`,
      async inject() {
        const victim = crew.tell(index, { do: 'block', ms, inside });
        await delay(ms);
        return { victims: [victim] };
      },
    };
  },
};
