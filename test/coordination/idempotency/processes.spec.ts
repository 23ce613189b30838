import { describe, expect, it, jest } from '@jest/globals';
import { fileURLToPath } from 'node:url';
import { usePostgresServer } from '../../support/postgres.js';
import { useRawRedis } from '../../support/raw-redis.js';
import { useWorkers, type Worker } from '../../support/workers.js';

jest.setTimeout(120_000);

const PROGRAM = fileURLToPath(new URL('./payer.mjs', import.meta.url));

/** Calls until another process is not found running any more; the first answer that says something else. */
async function untilAnswered(worker: Worker, order: object): Promise<Record<string, unknown>> {
  for (;;) {
    worker.tell({ do: 'charge', ...order });
    const answer = await worker.hear('answered');
    if (answer.reason !== 'in-progress') return answer;
  }
}

describe.each(['Redis', 'PostgreSQL'] as const)('idempotent runs in processes, on %s', (kind) => {
  const redis = useRawRedis();
  const postgres = usePostgresServer();
  const startWorkers = useWorkers(PROGRAM);
  const start = async (): Promise<Worker[]> =>
    startWorkers(redis.url, 2, kind === 'PostgreSQL' ? { POSTGRES_URL: postgres.url } : {});
  const charges = async (): Promise<number> => redis.raw.llen('charged');

  it('the run of a process that is killed is done by another once its lease has ended, not after the ttl', async () => {
    const [first, second] = await start();
    first!.tell({ do: 'charge', id: 'a', hold: true });
    await first!.hear('begun');
    first!.signal('SIGKILL');
    second!.tell({ do: 'charge', id: 'a', wait: '60s' });
    expect(await second!.hear('begun')).toMatchObject({ attempt: 2 });
    expect(await second!.hear('answered')).toHaveProperty('result.by');
    expect(await charges()).toBe(2);
    second!.tell({ do: 'charge', id: 'a' });
    await second!.hear('answered');
    expect(await charges()).toBe(2);
  });

  it("the run of a process that is killed is not repeated with onAbandoned: 'reject'", async () => {
    const [first, second] = await start();
    first!.tell({ do: 'charge', id: 'b', hold: true, onAbandoned: 'reject' });
    await first!.hear('begun');
    first!.signal('SIGKILL');
    const order = { id: 'b', onAbandoned: 'reject', wait: '60s' };
    expect(await untilAnswered(second!, order)).toMatchObject({ failed: 'IdempotencyError', reason: 'abandoned' });
    expect(await charges()).toBe(1);
  });

  it('the result of a process that was frozen does not replace that of the one which took over', async () => {
    const [first, second] = await start();
    first!.tell({ do: 'charge', id: 'c', hold: true });
    await first!.hear('begun');
    first!.signal('SIGSTOP');
    second!.tell({ do: 'charge', id: 'c', wait: '60s' });
    const { result } = await second!.hear('answered');
    first!.tell({ do: 'goOn' });
    first!.signal('SIGCONT');
    expect(await first!.hear('answered')).toMatchObject({ failed: 'LockLostError' });
    first!.tell({ do: 'charge', id: 'c' });
    expect((await first!.hear('answered')).result).toEqual(result);
    expect(result).toHaveProperty('by');
  });

  it('the result of a process that was frozen counts where no other has taken over', async () => {
    const [first, second] = await start();
    first!.tell({ do: 'charge', id: 'd', hold: true });
    await first!.hear('begun');
    first!.signal('SIGSTOP');
    const order = { id: 'd', onAbandoned: 'reject', wait: '60s' };
    expect(await untilAnswered(second!, order)).toMatchObject({ reason: 'abandoned' });
    first!.tell({ do: 'goOn' });
    first!.signal('SIGCONT');
    const { result } = await first!.hear('answered');
    expect(result).toHaveProperty('by');
    second!.tell({ do: 'charge', id: 'd' });
    expect((await second!.hear('answered')).result).toEqual(result);
    expect(await charges()).toBe(1);
  });
});
