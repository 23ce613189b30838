import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { LockingService, RedisLockingProvider } from '../../../lib/index.js';
import { startRedisServer, type RedisServer } from '../../../tools/redis-server/index.mjs';
import { eventually, rejectionOf } from '../../support/poll.js';
import { useInstances } from './support/instances.js';
import { keyOf, reportDueAt, type Run } from './support/jobs.js';

describe('@LockedCron with a store that is down', () => {
  let server: RedisServer;
  const start = useInstances(() => ({ resolve: RedisLockingProvider, options: { redisUrl: server.url } }));
  let due = 0;
  let runs: Run[] = [];

  beforeEach(async () => {
    server = await startRedisServer();
    due = Date.now();
    runs = [];
  });

  afterEach(async () => {
    await server.stop();
  });

  it('a tick does not run while the store is down, and the scheduler gets the error', async () => {
    const Report = reportDueAt(due, runs);
    const { app } = await start([Report]);
    server.kill('SIGKILL');
    expect(await rejectionOf(app.get(Report).report())).toMatchObject({ code: 'LOCK_BACKEND' });
    expect(runs).toEqual([]);
  });

  it('an instance waits on for the run of another one when the store is back', async () => {
    const Report = reportDueAt(due, runs, undefined, { expire: '1500ms' });
    const dead = await start([]);
    const { app, locking } = await start([Report]);
    await LockingService.forOwnKeys(dead.locking).acquire(keyOf(due), { expire: '1500ms', renew: true });
    await app.get(Report).report();
    await eventually(async () => (await locking.inspect(keyOf(due)))?.waiters === 1);
    server.kill('SIGSTOP');
    await dead.app.close();
    await eventually(() => Date.now() - due > 4000);
    expect(runs).toEqual([]);
    await server.restart();
    await eventually(() => runs.length === 1, 15_000);
    expect(runs[0]!.lock).toMatchObject({ keys: ['cron:report', keyOf(due)] });
  });
});
