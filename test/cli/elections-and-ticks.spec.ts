import { beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { LockedCron } from '../../lib/coordination/schedule/index.js';
import {
  getLeaderElectionToken,
  LockingModule,
  PostgresLockingProvider,
  RedisLockingProvider,
  type LeaderElection,
  type LockingProviderDefinition,
} from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { cli, jsonLines } from '../support/cli.js';
import { deferred } from '../support/deferred.js';
import { usePostgresServer } from '../support/postgres.js';
import { eventually } from '../support/poll.js';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();
const postgres = usePostgresServer();
const applications = useApplications();

const ELECTION = 'out:box/eu *%';
const JOB = 'clean:up 漢';

let gate = deferred();
let isRunning = false;

@Injectable()
class Cleaner {
  @LockedCron('* * * * * *', { name: JOB })
  async clean(): Promise<void> {
    isRunning = true;
    await gate.promise;
  }
}

describe.each([
  ['redis', () => redis.url],
  ['postgres', () => postgres.url],
])('elections and ticks of applications on %s', (store, url) => {
  const provider = (): LockingProviderDefinition =>
    store === 'redis'
      ? { resolve: RedisLockingProvider, options: { redisUrl: url() } }
      : { resolve: PostgresLockingProvider, options: { connectionString: url() } };

  beforeEach(() => {
    gate = deferred();
    isRunning = false;
  });

  const candidate = async (instanceId: string): Promise<LeaderElection> => {
    const leaders = [{ name: ELECTION, instanceId }];
    const app = await applications.start({
      imports: [LockingModule.forRoot({ providers: [provider()] }), LockingModule.forFeature({ leaders })],
    });
    return app.get<LeaderElection>(getLeaderElectionToken(ELECTION));
  };

  it('leaders shows who leads and who takes part, and who leads after that one resigned', async () => {
    const asJson = ['leaders', '--json', `--${store}`, url()];
    const [first, second] = [await candidate('web/1'), await candidate('web:2')];
    await eventually(() => first.isLeader() || second.isLeader());
    const [leading, following] = first.isLeader() ? [first, second] : [second, first];
    let shown: Record<string, unknown>[] = [];
    // The presence of an instance may come a moment after its candidature.
    await eventually(async () => {
      shown = jsonLines(await cli(asJson));
      return (shown[0]?.instances as string[] | undefined)?.length === 2;
    });
    expect(shown).toEqual([
      {
        election: ELECTION,
        leader: leading.instanceId,
        token: expect.any(Number),
        leadsFor: expect.any(Number),
        ttl: expect.any(Number),
        instances: ['web/1', 'web:2'],
      },
    ]);
    const table = await cli(['leaders', `--${store}`, url()]);
    expect(table.stdout).toContain(`${ELECTION}  ${leading.instanceId}`);

    await leading.resign();
    await eventually(() => following.isLeader());
    const [next] = jsonLines(await cli(asJson));
    expect(next?.leader).toBe(following.instanceId);
    expect(Number(next?.token)).toBeGreaterThan(Number(shown[0]?.token));
  });

  it('ticks shows a job while it runs, and when its tick was due once it has', async () => {
    const asJson = ['ticks', '--json', `--${store}`, url()];
    expect((await cli(['ticks', `--${store}`, url()])).stderr).toContain(store === 'redis' ? 'knows of no tick' : '');
    const app = await applications.start({
      imports: [LockingModule.forRoot({ providers: [provider()] }), ScheduleModule.forRoot()],
      providers: [Cleaner],
    });
    await eventually(() => isRunning);
    const [running] = jsonLines(await cli(asJson));
    expect(running).toMatchObject({ kind: 'cron', job: JOB, running: true, runsFor: expect.any(Number) });
    expect((await cli(['ticks', `--${store}`, url()])).stdout).toMatch(/clean:up 漢 +cron .* runs for /);
    gate.resolve();
    await app.close();
    const [done] = jsonLines(await cli(asJson));
    expect(done).toMatchObject({ kind: 'cron', job: JOB, running: false, runsFor: null });
    expect(String(done?.due)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.000Z$/);
    expect(done?.ticks).toBeGreaterThanOrEqual(1);
  });
});
