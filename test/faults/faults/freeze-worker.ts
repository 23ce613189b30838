import { FROZEN } from '../history/kinds.js';
import { ofWorker, type Fault } from './fault.js';

/** A process is frozen for longer than its lease, and then goes on. */
export const freezeWorker: Fault = {
  kind: FROZEN,
  plan(random, { crew, lease }) {
    const index = crew.draw(random);
    const ms = Math.round(lease * random.between(1.1, 2));
    return {
      claims: [ofWorker(index)],
      detail: `worker ${index} for ${ms} ms`,
      inject: async () => ({ victims: [await crew.freeze(index, ms)] }),
    };
  },
};
