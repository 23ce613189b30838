import { setImmediate } from 'node:timers/promises';
import type { Contender } from '../contenders/contender.js';

/**
 * Runs `job` under the lock, however often the package gives up waiting: its patience is a default like others, and
 * whoever needs the work done tries again at once.
 *
 * @returns how often it gave up
 */
export async function keepTrying(contender: Contender, key: string, job: () => Promise<void>): Promise<number> {
  const attempt = { served: false };
  const work = async (): Promise<void> => {
    attempt.served = true;
    await job();
  };
  for (let gaveUp = 0; ; gaveUp++) {
    try {
      await contender.run(key, work);
      return gaveUp;
    } catch (error) {
      // It is not for the lock that it failed, but for the job or the release: an error of its own.
      if (attempt.served) throw error;
      // One that gives up without waiting must not keep the others from running.
      await setImmediate();
    }
  }
}
