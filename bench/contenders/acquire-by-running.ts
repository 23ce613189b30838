import type { Contender, Held } from './contender.js';

/** `acquire` for a package that only runs jobs: the job lasts until the holder releases the lock. */
export async function acquireByRunning(run: Contender['run'], key: string): Promise<Held> {
  return new Promise((resolve, reject) => {
    const ended = run(
      key,
      async () =>
        new Promise<void>((end) => {
          resolve({
            async release() {
              end();
              await ended;
            },
          });
        }),
    );
    ended.catch(reject);
  });
}
