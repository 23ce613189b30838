import { setTimeout as delay } from 'node:timers/promises';
import { now } from '../clock.js';
import { KILLED } from '../history/kinds.js';
import { ofWorker, type Fault } from './fault.js';

/** A process is killed, and another one replaces it a little later. */
export const killWorker: Fault = {
  kind: KILLED,
  plan(random, { crew }) {
    const index = crew.draw(random);
    const pause = random.between(0, 500);
    return {
      claims: [ofWorker(index)],
      detail: `worker ${index}`,
      async inject() {
        const from = now();
        const victim = await crew.kill(index);
        const to = now();
        await delay(pause);
        await crew.replace(index);
        return { from, to, victims: [victim] };
      },
    };
  },
};
