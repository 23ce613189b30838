import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  InjectLeaderElection,
  isLockLostError,
  LeaderElection,
  OnLeader,
  type LeaderTerm,
} from '../../../lib/index.js';
import { listedKeys } from '../../support/listed-keys.js';
import { eventually } from '../../support/poll.js';
import { deferred } from '../../support/deferred.js';
import { HEARTBEAT, untilWaiting, leaderOf, onEveryStore, said, short, TIMEOUT, type Instance } from './support.js';

/** Records the events of an instance. */
function events({ election }: Instance): string[] {
  const seen: string[] = [];
  election().events.on('leader', ({ fencingToken }) => seen.push(`leader ${fencingToken}`));
  election().events.on('follower', (term) => seen.push(`follower ${term?.fencingToken ?? '-'}`));
  return seen;
}

const others = (instances: readonly Instance[], one: Instance): Instance[] => instances.filter((each) => each !== one);

describe('a leader election', () => {
  onEveryStore((store) => {
    const several = async (count: number): Promise<Instance[]> => {
      const ids = Array.from({ length: count }, (_, index) => `instance-${index + 1}`);
      return Promise.all(ids.map(async (instanceId) => store.open([short({ instanceId })])));
    };

    it('all instances know the one leader and all that take part', async () => {
      const instances = await several(3);
      const leader = await leaderOf(instances);
      await untilWaiting(leader, 2);
      expect(instances.filter(({ election }) => election().isLeader())).toEqual([leader]);
      for (const { election } of instances) {
        expect(await election().leaderId()).toBe(leader.election().instanceId);
        await eventually(async () => (await election().instances()).length === 3);
        expect(await election().instances()).toEqual(['instance-1', 'instance-2', 'instance-3']);
      }
      // Longer than a lease: it is renewed, and no other instance comes to lead.
      const until = Date.now() + 2 * TIMEOUT;
      await eventually(() => {
        expect(instances.filter(({ election }) => election().isLeader())).toEqual([leader]);
        return Date.now() > until;
      });
      expect(await leader.election().instances()).toHaveLength(3);
    });

    it('every instance is told of each new leader once, also a listener that comes late', async () => {
      const instances = await several(2);
      const seen = instances.map(({ election }) => {
        const ids: string[] = [];
        election().events.on('newLeader', (id) => ids.push(id));
        return ids;
      });
      const leader = await leaderOf(instances);
      const first = leader.election().instanceId;
      await eventually(() => seen.every((ids) => ids[0] === first));
      await untilWaiting(leader, 1);
      const next = others(instances, leader)[0]!.election().instanceId;
      await leader.election().resign();
      await eventually(() => seen.every((ids) => ids.includes(next)));
      for (const ids of seen) expect(ids.slice(0, 2)).toEqual([first, next]);
    });

    it('the leader has a signal and a token, and other instances have neither', async () => {
      const instances = await several(2);
      const leader = (await leaderOf(instances)).election();
      expect(leader.signal.aborted).toBe(false);
      expect(leader.fencingToken).toBe((await instances[0]!.locking.inspect('leader:e'))?.fencingToken);
      const [follower] = others(instances, await leaderOf(instances));
      expect(follower!.election().signal.aborted).toBe(true);
      expect(follower!.election().signal.reason).toMatchObject({ name: 'AbortError' });
      expect(follower!.election().fencingToken).toBeUndefined();
    });

    it('the next instance leads at once when the leader is closed', async () => {
      const long = { name: 'e', heartbeatInterval: '20s', leaderTimeout: '60s' } as const;
      const first = await store.open([long]);
      await leaderOf([first]);
      const seen = events(first);
      const second = await store.open([long]);
      const expected = events(second);
      await untilWaiting(first, 1);
      const token = first.election().fencingToken!;
      const { signal } = first.election();
      const since = performance.now();
      await first.app.close();
      await leaderOf([second]);
      expect(performance.now() - since).toBeLessThan(5000);
      expect(signal.aborted).toBe(true);
      expect(isLockLostError(signal.reason)).toBe(false);
      expect(seen).toEqual([`follower ${token}`]);
      expect(second.election().fencingToken).toBeGreaterThan(token);
      expect(expected.at(-1)).toBe(`leader ${second.election().fencingToken}`);
    });

    it('after resign() the next instance in the queue leads, and afterwards the one that resigned', async () => {
      const instances = await several(2);
      let leader = await leaderOf(instances);
      const tokens = [leader.election().fencingToken!];
      for (let round = 0; round < 3; round += 1) {
        const [next] = others(instances, leader);
        await untilWaiting(leader, 1);
        const resigning = leader.election().resign();
        expect(leader.election().isLeader()).toBe(false);
        expect(await resigning).toBe(true);
        leader = await leaderOf([next!]);
        tokens.push(leader.election().fencingToken!);
      }
      expect(tokens).toEqual([...tokens].sort((a, b) => a - b));
      expect(new Set(tokens).size).toBe(4);
    });

    it('a leader that resigned leads again after one heartbeat if there are no others', async () => {
      const instance = await store.open();
      await leaderOf([instance]);
      const before = instance.election().fencingToken!;
      const since = performance.now();
      expect(await instance.election().resign()).toBe(true);
      expect(await instance.locking.inspect('leader:e')).toBeNull();
      expect(await instance.election().leaderId()).toBeUndefined();
      await leaderOf([instance]);
      expect(performance.now() - since).toBeGreaterThanOrEqual(HEARTBEAT - 5);
      expect(instance.election().fencingToken).toBeGreaterThan(before);
    });

    it('resign() has no effect on an instance that does not lead', async () => {
      const instances = await several(2);
      const leader = await leaderOf(instances);
      const [follower] = others(instances, leader);
      expect(await follower!.election().resign()).toBe(false);
      expect(leader.election().isLeader()).toBe(true);
    });

    it('a leader whose lock is revoked learns that its term has ended, and may lead again', async () => {
      const instance = await store.open();
      await leaderOf([instance]);
      const seen = events(instance);
      const token = instance.election().fencingToken!;
      const { signal } = instance.election();
      await instance.locking.forceRelease('leader:e');
      await eventually(() => seen.length >= 2);
      expect(isLockLostError(signal.reason)).toBe(true);
      expect(seen[0]).toBe(`follower ${token}`);
      expect(seen[1]).toBe(`leader ${instance.election().fencingToken}`);
      expect(instance.election().fencingToken).toBeGreaterThan(token);
      expect(said(instance, 'warn').join('\n')).toContain('has lost the leadership');
    });

    it('an instance that starts as a follower gets one event for that', async () => {
      const first = await store.open();
      await leaderOf([first]);
      const told: (LeaderTerm | undefined)[] = [];

      @Injectable()
      class Listener {
        constructor(@InjectLeaderElection('e') election: LeaderElection) {
          election.events.on('follower', (term) => told.push(term));
        }
      }
      await store.open([short()], { providers: [Listener] });
      await untilWaiting(first, 1);
      await eventually(() => told.length > 0);
      expect(told).toEqual([undefined]);
    });

    it('the handler of an instance finds it among the instances', async () => {
      const seen = deferred<string[]>();
      @Injectable()
      class Asks {
        constructor(@InjectLeaderElection('e') private readonly election: LeaderElection) {}

        @OnLeader('e')
        async lead(): Promise<void> {
          seen.resolve(await this.election.instances());
        }
      }
      await store.open([short({ instanceId: 'me' })], { providers: [Asks] });
      expect(await seen.promise).toEqual(['me']);
    });

    it('two instances with the same id are kept apart', async () => {
      const [one, two] = await Promise.all([1, 2].map(async () => store.open([short({ instanceId: 'twin' })])));
      const leader = await leaderOf([one!, two!]);
      await untilWaiting(leader, 1);
      const [other] = others([one!, two!], leader);
      expect(other!.election().isLeader()).toBe(false);
      await eventually(async () => (await one!.election().instances()).length === 2);
      expect(await one!.election().instances()).toEqual(['twin', 'twin']);
      await other!.app.close();
      expect(leader.election().isLeader()).toBe(true);
      expect(await leader.election().instances()).toEqual(['twin']);
      expect(await leader.election().leaderId()).toBe('twin');
    });

    it('instance-10 is not affected when instance-1 stops', async () => {
      const one = await store.open([short({ instanceId: 'instance-1' })]);
      await leaderOf([one]);
      const ten = await store.open([short({ instanceId: 'instance-10' })]);
      await untilWaiting(one, 1);
      await eventually(async () => (await ten.election().instances()).length === 2);
      await one.app.close();
      await leaderOf([ten]);
      expect(await ten.election().instances()).toEqual(['instance-10']);
      const again = await store.open([short({ instanceId: 'instance-1' })]);
      await untilWaiting(ten, 1);
      await again.app.close();
      expect(ten.election().isLeader()).toBe(true);
      expect(await ten.election().instances()).toEqual(['instance-10']);
    });

    it('names and ids of any characters are kept apart', async () => {
      const names = ['a', 'a:instance:b', 'a*', 'a?', '[a]', 'a/b', 'a%3A'];
      const instance = await store.open(names.map((name) => short({ name, instanceId: `${name}/x:*` })));
      await eventually(() => names.every((name) => instance.election(name).isLeader()));
      for (const name of names) {
        await eventually(async () => (await instance.election(name).instances()).length > 0);
        expect(await instance.election(name).instances()).toEqual([`${name}/x:*`]);
        expect(await instance.election(name).leaderId()).toBe(`${name}/x:*`);
      }
      expect(await listedKeys(instance.locking)).toHaveLength(2 * names.length);
    });

    it('an instance that is closed leaves nothing in the store, led or not', async () => {
      const instances = await several(2);
      const leader = await leaderOf(instances);
      await untilWaiting(leader, 1);
      const [follower] = others(instances, leader);
      await eventually(async () => (await listedKeys(leader.locking)).length === 3);
      await follower!.app.close();
      expect(await listedKeys(leader.locking)).toHaveLength(2);
      expect((await leader.locking.inspect('leader:e'))?.waiters).toBe(0);
      const watcher = await store.open([]);
      await leader.app.close();
      expect(await listedKeys(watcher.locking)).toEqual([]);
    });

    it('an instance renews its leases at heartbeatInterval', async () => {
      const instance = await store.open([short({ heartbeatInterval: '50ms', leaderTimeout: '60s' })]);
      await leaderOf([instance]);
      // Only a heartbeat renews a lease of a minute within these times.
      for (const key of await listedKeys(instance.locking)) {
        const before = (await instance.locking.inspect(key))!.ttl!;
        await eventually(async () => (await instance.locking.inspect(key))!.ttl! > before - 20);
        const sunk = before - 150;
        let lowest = Infinity;
        const until = Date.now() + 600;
        await eventually(async () => {
          lowest = Math.min(lowest, (await instance.locking.inspect(key))!.ttl!);
          return Date.now() > until;
        });
        expect(lowest).toBeGreaterThan(sunk);
      }
    });

    it('a leader keeps its leadership with the longest heartbeat that is allowed', async () => {
      const slow = short({ heartbeatInterval: '600ms', leaderTimeout: '1200ms' });
      const [one, two] = await Promise.all([store.open([slow]), store.open([slow])]);
      const leader = await leaderOf([one, two]);
      const { fencingToken } = leader.election();
      const until = Date.now() + 3000;
      await eventually(() => {
        expect(leader.election().fencingToken).toBe(fencingToken);
        return Date.now() > until;
      });
    });

    it('an instance is no longer among the instances while its application drains its locks', async () => {
      const [one, two] = await several(2);
      await eventually(async () => (await one!.election().instances()).length === 2);
      const [started, job] = [deferred(), deferred()];
      const running = one!.locking.execute('job', async () => {
        started.resolve();
        await job.promise;
      });
      await started.promise;
      const closing = one!.app.close();
      await eventually(async () => (await two!.election().instances()).length === 1);
      expect(await two!.locking.inspect('job')).not.toBeNull();
      job.resolve();
      await Promise.all([running, closing]);
    });

    it('an instance joins the instances again after its key was revoked', async () => {
      const instance = await store.open([short({ instanceId: 'me' })]);
      await leaderOf([instance]);
      await eventually(async () => (await instance.election().instances()).length === 1);
      const [key] = await listedKeys(instance.locking, 'leader:e:instance:*');
      await instance.locking.forceRelease(key!);
      await eventually(async () => (await instance.election().instances()).length === 1);
    });

    it('a listener that throws does not harm the election nor other listeners', async () => {
      const instance = await store.open();
      await leaderOf([instance]);
      let told = 0;
      instance.election().events.once('follower', () => {
        throw new Error('listener broke');
      });
      const later = (): unknown => Promise.reject(new Error('later broke'));
      instance.election().events.on('follower', later);
      instance.election().events.on('follower', () => (told += 1));
      await instance.election().resign();
      await leaderOf([instance]);
      expect(told).toBe(1);
      expect(said(instance, 'error')).toEqual([
        'Leader election "e": a listener of "follower" failed: listener broke.',
        'Leader election "e": a listener of "follower" failed: later broke.',
      ]);
    });
  });
});
