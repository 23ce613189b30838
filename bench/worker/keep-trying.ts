import { setImmediate } from 'node:timers/promises';
import type { Contender } from '../contenders/contender.js';

/**
 * Runs `job` under the lock, however often the package gives up waiting: its wait limit is a default like others, and
 * an application that needs the work done tries again at once.
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
      // The lock was granted, so the job or the release has failed.
      if (attempt.served) throw error;
      // A package that gives up without waiting must not starve the other tasks.
      await setImmediate();
    }
  }
}
