import type { Comparison } from '../measure.js';
import type { Bench } from '../setup.js';
import { atOnce, inTurn } from './batches.js';

const TASKS = 50;
const COUNTER = 'bench:counter';

/** Read, then write: a lost update would show in the count. */
export function oneKey({ locking, redis }: Bench): Comparison {
  let jobs = 0;
  const job = async (): Promise<void> => {
    const count = Number(await redis.get(COUNTER));
    await redis.set(COUNTER, count + 1);
    jobs++;
  };
  return {
    title: `Redis: ${String(TASKS)} tasks in one process, one key (the job: a GET, a SET)`,
    locked: atOnce(TASKS, async () => locking.execute('one-key', job, { timeout: '30s' })),
    baseline: inTurn(TASKS, job),
    baselineTitle: 'the same jobs one after another, without a lock',
    async verify() {
      const counted = Number(await redis.get(COUNTER));
      if (counted !== jobs) throw new Error(`${String(jobs - counted)} of ${String(jobs)} updates were lost`);
    },
  };
}
