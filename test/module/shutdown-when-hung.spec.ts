import { afterEach, describe, expect, it } from '@jest/globals';
import {
  getLeaderElectionToken,
  LockingModule,
  LockingService,
  RedisLockingProvider,
  RedisQuorumLockingProvider,
  type LeaderElection,
  type LockingProviderDefinition,
} from '../../lib/index.js';
import { randomUUID } from 'node:crypto';
import { useRedisCluster } from '../support/cluster.js';
import { deferred } from '../support/deferred.js';
import { thaw, useRedisNodes } from '../support/redis-nodes.js';
import { useRedisServer } from '../support/redis.js';
import { useApplications } from '../support/applications.js';
import { LogCapture } from '../support/log-capture.js';
import { eventually, rejectionOf } from '../support/poll.js';

const DRAIN_TIMEOUT = 1000;

/** Milliseconds that a shutdown may take in addition to drainTimeout; and those that a busy machine may add. */
const GRACE = 2000;
const BUSY = 1000;

const leaders = [{ name: 'first' }, { name: 'second' }];

type Server = Parameters<typeof thaw>[0];

/** Tests that a shutdown ends in time, whichever server hangs, and whatever the application is doing. */
function endsInTime(
  provider: (namespace: string) => LockingProviderDefinition,
  servers: () => readonly Server[],
): void {
  // A new namespace: locks that a hung server did not release stay there for a while.
  let namespace = `${randomUUID()}:`;

  // The servers go on first: the other application closes only slowly while one hangs.
  afterEach(() => {
    servers().forEach(thaw);
    namespace = `${randomUUID()}:`;
  });

  const applications = useApplications();

  const open = async (log = new LogCapture()) => {
    const imports = [
      LockingModule.forRoot({ providers: [provider(namespace)] }),
      LockingModule.forFeature({ leaders }),
    ];
    return applications.start({ imports }, log);
  };

  const freezeAndClose = async (app: Awaited<ReturnType<typeof open>>, hung: readonly Server[]): Promise<number> => {
    for (const server of hung) server.kill('SIGSTOP');
    const since = performance.now();
    await app.close();
    return performance.now() - since;
  };

  const expectInTime = (took: number): void => {
    expect(took).toBeLessThan(DRAIN_TIMEOUT + GRACE + BUSY);
  };

  it('a shutdown ends in time with leaders, held locks, waiters and an endless job', async () => {
    const log = new LogCapture();
    const app = await open(log);
    const locking = app.get(LockingService);
    const elections = leaders.map(({ name }) => app.get<LeaderElection>(getLeaderElectionToken(name)));
    await eventually(() => elections.every((election) => election.isLeader()));
    const locks = await Promise.all(['a', 'b', 'c'].map(async (key) => locking.acquire(key)));
    const started = deferred();
    const job = rejectionOf(
      locking.execute('job', async ({ signal }) => {
        started.resolve();
        await eventually(() => signal.aborted, 25_000);
      }),
    );
    await started.promise;
    const waiting = rejectionOf(locking.acquire('a', { timeout: '1m' }));

    expectInTime(await freezeAndClose(app, servers()));
    expect(await waiting).toMatchObject({ code: 'LOCK_BACKEND', reason: 'shutdown' });
    expect(await job).toMatchObject({ code: 'LOCK_LOST' });
    for (const { held } of locks) expect(held).toBe(false);
    for (const election of elections) expect(election.isLeader()).toBe(false);
    const errors = log.of('error').filter((text) => text.includes('could not all be released'));
    expect(errors).toHaveLength(1);
  });

  it('a shutdown ends in time with a candidate of an election, and an acquire during the hang', async () => {
    const leader = await open();
    const election = leader.get<LeaderElection>(getLeaderElectionToken('first'));
    await eventually(() => election.isLeader());
    const app = await open();
    await eventually(
      async () => (await app.get<LeaderElection>(getLeaderElectionToken('first')).instances()).length > 1,
    );
    servers().forEach((server) => {
      server.kill('SIGSTOP');
    });
    const late = rejectionOf(app.get(LockingService).acquire('late', { timeout: '1m' }));
    expectInTime(await freezeAndClose(app, servers()));
    expect(await late).toMatchObject({ code: 'LOCK_BACKEND' });
    servers().forEach(thaw);
  });

  it('a shutdown ends in time with one server of several that hangs', async () => {
    const app = await open();
    const locking = app.get(LockingService);
    await Promise.all(Array.from({ length: 30 }, async (_, index) => locking.acquire(`k${index}`)));
    expectInTime(await freezeAndClose(app, servers().slice(-1)));
  });
}

describe('a shutdown while the store hangs ends in time', () => {
  describe('on one server', () => {
    const redis = useRedisServer();
    const options = (namespace: string) => ({
      namespace,
      redisUrl: redis.url,
      drainTimeout: `${DRAIN_TIMEOUT}ms` as const,
    });
    endsInTime(
      (namespace) => ({ resolve: RedisLockingProvider, options: options(namespace) }),
      () => [redis.server],
    );
  });

  describe('in a cluster', () => {
    const redis = useRedisCluster();
    const options = (namespace: string) => ({
      namespace,
      cluster: { nodes: redis.nodes },
      drainTimeout: `${DRAIN_TIMEOUT}ms` as const,
    });
    endsInTime(
      (namespace) => ({ resolve: RedisLockingProvider, options: options(namespace) }),
      () => redis.cluster.nodes.map(({ server }) => server),
    );
  });

  describe('on a quorum', () => {
    const servers = useRedisNodes(3);
    const options = (namespace: string) => ({
      namespace,
      nodes: servers.map(({ url }) => url),
      nodeTimeout: '2s' as const,
      drainTimeout: `${DRAIN_TIMEOUT}ms` as const,
    });
    endsInTime(
      (namespace) => ({ resolve: RedisQuorumLockingProvider, options: options(namespace) }),
      () => servers,
    );
  });
});
