import { expect, it, jest } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { useRawRedis } from '../../support/raw-redis.js';
import { useWorkers } from '../../support/workers.js';

jest.setTimeout(120_000);

const ROWS = 300;
const PROGRAM = fileURLToPath(new URL('./importer.mjs', import.meta.url));

const redis = useRawRedis();
const startWorkers = useWorkers(PROGRAM);

/** How often each row was imported. */
async function imports(): Promise<number[]> {
  const counts = Array.from({ length: ROWS }, () => 0);
  for (const row of await redis.raw.lrange('imported', 0, -1)) counts[Number(row)]! += 1;
  return counts;
}

it.each(['SIGKILL', 'SIGSTOP'] as const)(
  'an import whose instance gets %s is finished by another, from the last checkpoint',
  async (signal) => {
    const [first, second] = await startWorkers(redis.url, 2, { ROWS: String(ROWS) });
    first!.tell({ do: 'run' });
    await first!.hear('saved');
    second!.tell({ do: 'run' });
    while (((await first!.hear('saved')).saved as number) < 20);
    first!.signal(signal);
    const { begins } = await second!.hear('begins');
    expect(begins).toBeGreaterThan(20);
    if (signal === 'SIGSTOP') {
      first!.signal('SIGCONT');
      // Its lock is lost, and so is the save that it was about to make.
      expect(await first!.hear('failed')).toMatchObject({ failed: 'LockLostError' });
    }
    await second!.hear('done');
    const counts = await imports();
    expect(counts.filter((count) => count === 0)).toEqual([]);
    // The row that was imported, but not saved, when the first one was interrupted; and the one that it then began.
    expect(counts.filter((count) => count > 1).length).toBeLessThanOrEqual(signal === 'SIGSTOP' ? 2 : 1);
    expect(Math.max(...counts)).toBeLessThanOrEqual(2);
  },
);
