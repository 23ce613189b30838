import type { LockingService } from 'nestjs-locking';
import type { Comparison } from '../measure.js';
import type { Bench } from '../setup.js';
import { atOnce, inTurn } from './batches.js';
import { takeAndFreePlainly } from './plain-lock.js';

const BASELINE = 'SET NX PX, then compare-and-delete by EVALSHA';

export async function distinctKeysInTurn({ locking, redis }: Bench): Promise<Comparison> {
  const plainly = await takeAndFreePlainly(redis);
  return {
    title: 'Redis: acquire + release, distinct keys, one at a time',
    locked: inTurn(20, async (i) => takeAndFree(locking, `key-${String(i)}`)),
    baseline: inTurn(20, async (i) => plainly(`plain-${String(i)}`)),
    baselineTitle: BASELINE,
  };
}

export async function distinctKeysAtOnce({ locking, redis }: Bench): Promise<Comparison> {
  const plainly = await takeAndFreePlainly(redis);
  return {
    title: 'Redis: acquire + release, distinct keys, 100 at a time',
    locked: atOnce(100, async (i) => takeAndFree(locking, `key-${String(i)}`)),
    baseline: atOnce(100, async (i) => plainly(`plain-${String(i)}`)),
    baselineTitle: BASELINE,
  };
}

async function takeAndFree(locking: LockingService, key: string): Promise<void> {
  const lock = await locking.acquire(key);
  await lock.release();
}
