import { describe, expect, it } from '@jest/globals';
import { useApplications } from '../../support/applications.js';
import { eventually } from '../../support/poll.js';
import { useRawRedis } from '../../support/raw-redis.js';
import { useWorkers } from '../../support/workers.js';

const redis = useRawRedis();
const applications = useApplications();
const startWorkers = useWorkers();

/** Runs a singleton job in another process until its first message, and returns the same job for this process. */
async function runElsewhere() {
  const [worker] = await startWorkers(redis.url, 1);
  const { locking } = await applications.onRedis({ redisUrl: redis.url });
  worker!.tell({ do: 'hold', key: 'job', expire: '900ms', singleton: true });
  const { token } = await worker!.hear('holds');
  let runs = 0;
  const here = async () => locking.singleton('job', ({ fencingToken }) => ({ runs: ++runs, fencingToken }));
  return { worker: worker!, token: Number(token), here };
}

describe('a singleton job in another process', () => {
  it('a singleton job does not run here while it runs in another process, beyond its lease', async () => {
    const { worker, here } = await runElsewhere();
    const until = performance.now() + 2000;
    while (performance.now() < until) expect(await here()).toBeUndefined();
    worker.tell({ do: 'wake' });
    expect(await worker.hear('ended')).toMatchObject({ result: 'ran' });
    expect(await here()).toMatchObject({ runs: 1 });
  });

  it('a singleton job whose process was killed may run here once its lease has expired, with a greater token', async () => {
    const { worker, token, here } = await runElsewhere();
    expect(await here()).toBeUndefined();
    worker.kill();
    let ran: Awaited<ReturnType<typeof here>>;
    await eventually(async () => (ran = await here()) !== undefined);
    expect(ran!.runs).toBe(1);
    expect(ran!.fencingToken).toBeGreaterThan(token);
  });

  it('a singleton job whose process was frozen may run here once its lease has expired, and learns of it when it wakes', async () => {
    const { worker, token, here } = await runElsewhere();
    worker.signal('SIGSTOP');
    let ran: Awaited<ReturnType<typeof here>>;
    await eventually(async () => (ran = await here()) !== undefined);
    expect(ran!.fencingToken).toBeGreaterThan(token);
    worker.tell({ do: 'wake' });
    worker.signal('SIGCONT');
    expect(await worker.hear('awake')).toMatchObject({ held: false, remaining: 0 });
    expect(await worker.hear('ended')).toMatchObject({ code: 'LOCK_LOST' });
  });
});
