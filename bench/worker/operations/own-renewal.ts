import { LockingService, type Lock } from 'nestjs-locking';
import { sleep } from '../../clock.js';
import { openLockingApplication } from '../../contenders/nestjs-locking.js';
import type { WorkerContext } from '../context.js';
import { watchCommands, type Traffic } from './watch-commands.js';

const LEASE_MS = 4_500;

/** Holds `count` leases until the library has renewed them once, at a third of the lease. */
export async function ownRenewal(
  { redisUrl }: WorkerContext,
  { prefix, count }: { prefix: string; count: number },
): Promise<Traffic> {
  const app = await openLockingApplication(redisUrl);
  const locking = app.get(LockingService);
  const takeOne = async (_: unknown, i: number): Promise<Lock> =>
    locking.acquire(`${prefix}:${String(i)}`, { expire: `${LEASE_MS}ms`, renew: true });
  const locks = await Promise.all(Array.from({ length: count }, takeOne));
  await sleep(LEASE_MS / 6);
  // From here on the process sends renewals only.
  const watch = watchCommands();
  await sleep(LEASE_MS / 3);
  const traffic = watch.end();
  const lost = locks.filter((lock) => !lock.held).length;
  await Promise.all(locks.map(async (lock) => lock.release()));
  await app.close();
  if (lost > 0 || traffic.commands === 0) throw new Error(`${lost} of ${count} leases were lost`);
  return traffic;
}
