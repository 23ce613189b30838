import { describe, expect, it } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { RedisQuorumLockingProvider, type LeaseAnswer } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { useWorkers } from '../support/workers.js';
import { useQuorum } from './support.js';

const quorum = useQuorum(3);
const start = useWorkers(fileURLToPath(new URL('contender.mjs', import.meta.url)));

/** Jain's index: 1 if all have the same, 1/n if one has everything. */
function jain(counts: readonly number[]): number {
  const sum = counts.reduce((total, count) => total + count, 0);
  const squares = counts.reduce((total, count) => total + count * count, 0);
  return (sum * sum) / (counts.length * squares);
}

describe('equal contenders in processes of their own', () => {
  it.each([
    [3, 20],
    [5, 20],
    [3, 0],
  ])(
    'get the lock about equally often: %d that hold it for %d ms',
    async (processes, hold) => {
      const workers = await start('', processes, { QUORUM: quorum.urls().join(), HOLD: String(hold) });
      const grants = async (): Promise<number[]> => (await quorum.raws[0]!.hvals('grants')).map(Number);
      for (const worker of workers) worker.tell({ do: 'contend' });
      const wanted = 30 * processes;
      await eventually(async () => (await grants()).reduce((sum, count) => sum + count, 0) >= wanted, 60_000);
      const counts = await grants();
      for (const worker of workers) worker.kill();
      while (counts.length < processes) counts.push(0);
      // With random winners it would be about 0.97; a process that wins nearly always makes it 0.4.
      expect(jain(counts)).toBeGreaterThan(0.85);
      expect(await quorum.raws[0]!.get('failures')).toBeNull();
    },
    90_000,
  );
});

describe('a process that dies while it waits', () => {
  it('a process that died while it waited does not keep others from a free key', async () => {
    const { locking } = await quorum.open();
    const lock = await locking.acquire('k');
    const [worker] = await start('', 1, { QUORUM: quorum.urls().join(), HOLD: '0' });
    worker!.tell({ do: 'contend' });
    await eventually(async () => (await quorum.raws[0]!.hkeys('lock:nestjs-locking:queue:k')).length > 0);
    worker!.kill();
    expect(await lock.release()).toBe(true);
    // Its queue note has expired by then: it was due to ask again within 20 ms, and 200 ms are added to that.
    await (await locking.acquire('k', { timeout: '10s' })).release();
    await eventually(async () => (await quorum.raws[0]!.exists('lock:nestjs-locking:queue:k')) === 0);
  });
});

describe('a free key', () => {
  it('a free key is refused to a newcomer while a process has waited longer, which gets it', async () => {
    const options = { nodes: quorum.urls(), defaultRetryInterval: 10_000, maximumRetryInterval: 10_000 };
    const provider = new RedisQuorumLockingProvider(options, { id: 'quorum', warn: () => undefined });
    await provider.connect(() => undefined);
    const ask = async (process: string, waited?: number): Promise<LeaseAnswer> => {
      const attempt = {
        ownerId: process,
        attemptId: `${process}.1`,
        processId: process,
        ttl: 60_000,
        onlyIfOwned: false,
        waited,
      };
      return provider.acquire({ keys: ['k'], ...attempt });
    };
    try {
      expect(await ask('holder')).toMatchObject({ granted: true });
      expect(await ask('waiter', 1000)).toMatchObject({ granted: false, askWithin: 10_000 });
      await provider.release({ keys: ['k'], ownerId: 'holder', attemptId: 'holder.1' });
      await quorum.nothingOn([0, 1, 2]);
      expect(await ask('newcomer')).toMatchObject({ granted: false });
      expect(await ask('waiter', 1500)).toMatchObject({ granted: true });
    } finally {
      await provider.close();
    }
  });
});
