import { beforeEach, describe, expect, it } from '@jest/globals';
import { RedisLockingProvider } from '../../../lib/index.js';
import { deferred } from '../../support/deferred.js';
import { eventually } from '../../support/poll.js';
import { useRawRedis } from '../../support/raw-redis.js';
import { useInstances, type Instance } from './support/instances.js';
import { keyOf, reportDueAt, type Run } from './support/jobs.js';

const logOf = ({ log }: Instance): string => log.lines.map(({ text }) => text).join('\n');

describe('a store that restarts empty', () => {
  const redis = useRawRedis();
  const start = useInstances((options) => ({
    resolve: RedisLockingProvider,
    options: { ...options, redisUrl: redis.url },
  }));
  let due = 0;
  let runs: Run[] = [];

  beforeEach(() => {
    due = Date.now();
    runs = [];
  });

  /** One instance runs the tick, another waits in case it dies. */
  async function runAndWait(expire: `${number}s`) {
    const end = deferred();
    const Report = reportDueAt(due, runs, () => (runs.length === 1 ? end.promise : undefined), { expire });
    const [first, second] = await Promise.all([start([Report]), start([Report])]);
    const running = first.app.get(Report).report();
    await eventually(() => runs.length === 1);
    await second.app.get(Report).report();
    await eventually(async () => (await first.locking.inspect(keyOf(due)))?.waiters === 1);
    return { end, running, first, second };
  }

  it('a tick that is done is marked again in a store that restarted empty, and does not run again', async () => {
    const { end, running, second } = await runAndWait('20s');
    end.resolve();
    await running;
    // the store loses the mark before the other instance sees it
    await redis.server.restart();
    await eventually(async () => (await redis.raw.pttl(`lock:${keyOf(due)}`).catch(() => 0)) > 20_000, 15_000);
    await eventually(async () => (await second.locking.inspect(keyOf(due)))?.waiters === 0, 15_000);
    expect(runs).toHaveLength(1);
    expect(logOf(second)).not.toContain('is run again');
  });

  it('a tick whose instance lost it in a restart of the store runs again, and the log does not say that an instance died', async () => {
    const { end, running, first, second } = await runAndWait('20s');
    await redis.server.restart();
    await eventually(() => runs.length === 2, 15_000);
    expect(logOf(second)).toMatch(/is run again: its key was free before the lease .* could have expired/);
    expect(logOf(second)).not.toContain('has died');
    expect(runs[0]!.lock!.signal.aborted).toBe(true);
    end.resolve();
    await expect(running).rejects.toMatchObject({ code: 'LOCK_LOST' });
    await first.app.close();
  });
});
