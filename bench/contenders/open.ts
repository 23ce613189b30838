import type { Contender } from './contender.js';

type Opener = (url: string) => Promise<Contender>;

/** By the names of the participants. A process loads only the one contender that it runs. */
const OPENERS: Readonly<Record<string, () => Promise<Opener>>> = {
  'nestjs-locking': async () => (await import('./nestjs-locking.js')).openNestjsLocking,
  floor: async () => (await import('./plain-lock.js')).openPlainLock,
  serial: async () => (await import('./no-lock.js')).openNoLock,
  broken: async () => (await import('./no-lock.js')).openNoLock,
  redlock: async () => (await import('../peers/redlock.js')).openRedlock,
  '@sesamecare-oss/redlock': async () => (await import('../peers/sesamecare-redlock.js')).openSesamecareRedlock,
  'redis-semaphore': async () => (await import('../peers/redis-semaphore.js')).openRedisSemaphore,
  'redlock-universal': async () => (await import('../peers/redlock-universal.js')).openRedlockUniversal,
  murlock: async () => (await import('../peers/murlock.js')).openMurlock,
  '@medusajs/locking-redis': async () => (await import('../peers/medusa.js')).openMedusa,
};

export async function openContender(name: string, url: string): Promise<Contender> {
  const load = OPENERS[name];
  if (!load) throw new Error(`No contender is called ${name}`);
  return (await load())(url);
}
