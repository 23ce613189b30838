import type { Contender } from './contender.js';

type Opener = (url: string) => Promise<Contender>;

/** The stores that locks are measured on. */
export type StoreName = 'redis' | 'postgres';

type Openers = Readonly<Record<string, () => Promise<Opener>>>;

/** The least that the same work costs, or what shows that the bench works, on any store. */
const WITHOUT_LOCK: Openers = {
  serial: async () => (await import('./no-lock.js')).openNoLock,
  broken: async () => (await import('./no-lock.js')).openNoLock,
};

/** By the names of the participants. A process loads only the one contender that it runs. */
const REDIS: Openers = {
  'nestjs-locking': async () => (await import('./nestjs-locking.js')).openNestjsLocking,
  floor: async () => (await import('./plain-lock.js')).openPlainLock,
  redlock: async () => (await import('../peers/redlock.js')).openRedlock,
  '@sesamecare-oss/redlock': async () => (await import('../peers/sesamecare-redlock.js')).openSesamecareRedlock,
  'redis-semaphore': async () => (await import('../peers/redis-semaphore.js')).openRedisSemaphore,
  'redlock-universal': async () => (await import('../peers/redlock-universal.js')).openRedlockUniversal,
  murlock: async () => (await import('../peers/murlock.js')).openMurlock,
  '@medusajs/locking-redis': async () => (await import('../peers/medusa.js')).openMedusa,
};

const POSTGRES: Openers = {
  'nestjs-locking': async () => (await import('./postgres/nestjs-locking.js')).openNestjsLocking,
  floor: async () => (await import('./postgres/plain-row.js')).openPlainRow,
  pg_advisory_lock: async () => (await import('./postgres/advisory-lock.js')).openAdvisoryLock,
  '@verrou/core': async () => (await import('../peers/postgres/verrou.js')).openVerrou,
  '@medusajs/locking-postgres': async () => (await import('../peers/postgres/medusa.js')).openMedusaPostgres,
};

const OPENERS: Readonly<Record<StoreName, Openers>> = { redis: REDIS, postgres: POSTGRES };

export async function openContender(name: string, store: StoreName, url: string): Promise<Contender> {
  const load = OPENERS[store][name] ?? WITHOUT_LOCK[name];
  if (!load) throw new Error(`No contender is called ${name}`);
  return (await load())(url);
}
