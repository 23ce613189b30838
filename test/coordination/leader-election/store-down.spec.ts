import { describe, expect, it } from '@jest/globals';
import {
  LockBackendError,
  LockingModule,
  RedisLockingProvider,
  type LeaderElectionOptions,
  type LeaderTerm,
} from '../../../lib/index.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { useRawRedis } from '../../support/raw-redis.js';
import { leaderOf, said, short, TIMEOUT, useInstances, type Instance } from './support.js';

const redis = useRawRedis();
const start = useInstances();

const open = async (more: Partial<LeaderElectionOptions> = {}): Promise<Instance> =>
  start({
    imports: [
      LockingModule.forRoot({ providers: [{ resolve: RedisLockingProvider, options: { redisUrl: redis.url } }] }),
      LockingModule.forFeature({ leaders: [short(more)] }),
    ],
  });

const failures = (instance: Instance): string[] =>
  said(instance, 'error').filter((text) => text.includes('It goes on trying'));

describe('an election whose store is down', () => {
  // The lease is renewed by the heartbeat, or by the engine.
  it.each(['200ms', '600ms'] as const)(
    'an election whose store is down has no leader once the lease may have expired, and says so once; heartbeat %s',
    async (heartbeatInterval) => {
      const instance = await open({ heartbeatInterval });
      await leaderOf([instance]);
      const { signal, fencingToken } = instance.election();
      redis.server.kill('SIGKILL');
      const since = performance.now();
      await eventually(() => !instance.election().isLeader());
      expect(performance.now() - since).toBeLessThan(TIMEOUT + 100);
      expect(signal.aborted).toBe(true);
      const until = Date.now() + 2 * TIMEOUT;
      await eventually(() => {
        expect(instance.election().isLeader()).toBe(false);
        return Date.now() > until;
      });
      expect(await rejectionOf(instance.election().leaderId())).toBeInstanceOf(LockBackendError);
      expect(failures(instance)).toHaveLength(1);

      const terms: LeaderTerm[] = [];
      instance.election().events.on('leader', (term) => terms.push(term));
      await redis.server.restart();
      const back = performance.now();
      await leaderOf([instance]);
      expect(performance.now() - back).toBeLessThan(1000 + 3000);
      expect(terms[0]!.fencingToken).toBeGreaterThan(fencingToken!);
      await eventually(() => said(instance, 'log').some((text) => text.includes('the store answers again')));
      await eventually(async () => (await instance.election().instances()).length === 1);
    },
  );

  it('a leader goes on through an outage that is shorter than its lease', async () => {
    const instance = await open();
    await leaderOf([instance]);
    const { fencingToken } = instance.election();
    await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'normal');
    const until = Date.now() + 2 * TIMEOUT;
    await eventually(() => {
      expect(instance.election().fencingToken).toBe(fencingToken);
      return Date.now() > until;
    });
  });

  it('an application starts without the store, and its election begins once the store is there', async () => {
    redis.server.kill('SIGKILL');
    const instance = await open();
    expect(instance.election().isLeader()).toBe(false);
    await eventually(() => failures(instance).length === 1);
    await redis.server.restart();
    await leaderOf([instance]);
    expect(failures(instance)).toHaveLength(1);
  });

  it('an election whose store is down does not keep the application from closing', async () => {
    const instance = await open();
    await leaderOf([instance]);
    redis.server.kill('SIGKILL');
    const since = performance.now();
    await instance.app.close();
    expect(performance.now() - since).toBeLessThan(TIMEOUT + 3000);
    await redis.server.restart();
  });
});
