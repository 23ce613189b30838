import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { eventually } from '../../support/poll.js';
import { useRawRedis } from '../../support/raw-redis.js';
import { useWorkers, type Worker } from '../../support/workers.js';

jest.setTimeout(180_000);

const INSTANCES = 4;
const TIMES = 500;
const PATIENCE = 90_000;
const PROGRAM = fileURLToPath(new URL('./instance.mjs', import.meta.url));

const redis = useRawRedis();
const startWorkers = useWorkers(PROGRAM);

const loads = async (): Promise<string[]> => redis.raw.lrange('loads', 0, -1);
const loadsBegun = async (count: number): Promise<void> => {
  await eventually(async () => (await loads()).length >= count, PATIENCE);
};

/** Instances whose cache has a value that has just expired. */
async function instancesAtExpiry(): Promise<Worker[]> {
  const workers = await startWorkers(redis.url, INSTANCES);
  for (const [index, worker] of workers.entries()) {
    worker.tell({ do: 'name', as: String(index) });
    await worker.hear('named');
  }
  await redis.raw.set('end', 'old');
  workers[0]!.tell({ do: 'ask', times: 1, staleFor: '10m' });
  expect((await workers[0]!.hear('got')).got).toEqual({ 'old of 0': 1 });
  await redis.raw.del('end', 'loads');
  for (const worker of workers) {
    worker.tell({ do: 'advance', by: 60_000 });
    await worker.hear('advanced');
  }
  return workers;
}

async function ask(workers: readonly Worker[], staleFor?: string): Promise<void> {
  for (const worker of workers) worker.tell({ do: 'ask', times: TIMES, staleFor });
  for (const worker of workers) await worker.hear('asked');
}

async function answers(workers: readonly Worker[]): Promise<unknown[]> {
  return Promise.all(workers.map(async (worker) => (await worker.hear('got')).got));
}

const all = (value: string, count = INSTANCES): unknown[] => Array.from({ length: count }, () => ({ [value]: TIMES }));

/** Seconds beyond `staleFor`: the former value is not served any more. */
async function overdue(workers: readonly Worker[]): Promise<void> {
  for (const worker of workers) {
    worker.tell({ do: 'advance', by: 600_000 });
    await worker.hear('advanced');
  }
}

describe('four instances and 2,000 requests at an expiry', () => {
  let workers: Worker[];

  beforeEach(async () => {
    await redis.raw.flushall();
    workers = await instancesAtExpiry();
  }, 120_000);

  it('2,000 requests wait for one load', async () => {
    await overdue(workers);
    await ask(workers);
    await loadsBegun(1);
    await redis.raw.set('end', 'new');
    const [loader] = await loads();
    expect(await answers(workers)).toEqual(all(`new of ${loader!}`));
    expect(await loads()).toHaveLength(1);
  });

  it('2,000 requests are served the former value while one instance loads', async () => {
    await ask(workers, '10m');
    expect(await answers(workers)).toEqual(all('old of 0'));
    await loadsBegun(1);
    const [loader] = await loads();
    await redis.raw.set('end', 'new');
    workers[0]!.tell({ do: 'tell' });
    await eventually(async () => {
      workers[0]!.tell({ do: 'tell' });
      return (await workers[0]!.hear('has')).has === `new of ${loader!}`;
    }, PATIENCE);
    await ask(workers, '10m');
    expect(await answers(workers)).toEqual(all(`new of ${loader!}`));
    expect(await loads()).toHaveLength(1);
  });

  it('a load that fails is tried once by each instance that waits, and its error is not cached', async () => {
    await overdue(workers);
    await ask(workers);
    await loadsBegun(1);
    await redis.raw.set('end', 'fails');
    expect(await answers(workers)).toEqual(all('Error: the database is down'));
    expect((await loads()).sort()).toEqual([...new Set(await loads())].sort());
    await redis.raw.del('loads');
    await redis.raw.set('end', 'new');
    await ask(workers);
    const got = await answers(workers);
    const [loader] = await loads();
    expect(got).toEqual(all(`new of ${loader!}`));
    expect(await loads()).toHaveLength(1);
  });

  it.each(['SIGKILL', 'SIGSTOP'] as const)(
    'when the instance that loads gets %s, another one loads once',
    async (signal) => {
      await overdue(workers);
      await ask(workers);
      await loadsBegun(1);
      const stricken = workers[Number((await loads())[0])]!;
      const others = workers.filter((worker) => worker !== stricken);
      stricken.signal(signal);
      await loadsBegun(2);
      const [first, second] = await loads();
      await redis.raw.set('end', 'new');
      expect(await answers(others)).toEqual(all(`new of ${second!}`, INSTANCES - 1));
      expect(await loads()).toHaveLength(2);
      if (signal === 'SIGKILL') return;
      // The load of the frozen instance ends late: its callers are given its value, and the cache keeps the other one.
      stricken.signal('SIGCONT');
      expect(await answers([stricken])).toEqual(all(`new of ${first!}`, 1));
      for (const worker of workers) {
        worker.tell({ do: 'tell' });
        expect((await worker.hear('has')).has).toBe(`new of ${second!}`);
      }
    },
  );
});
