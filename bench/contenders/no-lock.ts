import type { Contender } from './contender.js';

/**
 * Runs jobs without a lock. One task sets a figure that no lock can beat; several show that the bench notices races.
 */
export async function openNoLock(): Promise<Contender> {
  return Promise.resolve({
    run: async (_key, job) => job(),
    acquire: async () => Promise.resolve({ release: async () => Promise.resolve() }),
    close: async () => Promise.resolve(),
  });
}
