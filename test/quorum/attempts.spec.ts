import { describe, expect, it } from '@jest/globals';
import { setTimeout as delay } from 'node:timers/promises';
import {
  LockTimeoutError,
  RedisLockingProvider,
  RedisQuorumLockingProvider,
  type LeaseStore,
} from '../../lib/index.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useQuorum } from './support.js';

const quorum = useQuorum(5);
const EVERYWHERE = [0, 1, 2, 3, 4];

/** Acts on one server alone, to leave the state of a process that died half-way. */
async function onNode(index: number, act: (node: LeaseStore) => Promise<unknown>): Promise<void> {
  const context = { id: 'one', warn: () => undefined };
  const node = new RedisLockingProvider({ redisUrl: quorum.servers[index]!.url }, context);
  await node.connect(() => undefined);
  try {
    await act(node);
  } finally {
    await node.close();
  }
}

async function take(indexes: readonly number[], ownerId: string, ttl: number): Promise<void> {
  for (const index of indexes) {
    await onNode(index, async (node) =>
      node.acquire({ keys: ['k'], ownerId, attemptId: `${ownerId}.1`, processId: ownerId, ttl, onlyIfOwned: false }),
    );
  }
}

describe('an attempt that fails', () => {
  it('a failed attempt leaves nothing on any node if others hold a majority', async () => {
    await take([1, 2, 3], 'other', 60_000);
    const { locking } = await quorum.open();
    expect(await locking.tryAcquire('k')).toBeNull();
    expect(await locking.tryAcquire(['a', 'k', 'z'])).toBeNull();
    expect(await rejectionOf(locking.acquire('k', { timeout: '200ms' }))).toBeInstanceOf(LockTimeoutError);
    await quorum.nothingOn([0, 4]);
    expect(await quorum.keysOn([1, 2, 3])).toEqual([['lock:k'], ['lock:k'], ['lock:k']]);
  });

  it('a failed attempt leaves nothing on a node that hung meanwhile, once it goes on', async () => {
    await take([1, 2, 3], 'other', 60_000);
    const { locking } = await quorum.open({ nodeTimeout: '300ms' });
    quorum.freeze(0, 4);
    expect(await locking.tryAcquire('k')).toBeNull();
    expect(await locking.tryAcquire(['a', 'k'])).toBeNull();
    await quorum.raws[1]!.config('RESETSTAT');
    quorum.thaw(0, 4);
    // The attempts have arrived there by now, and were cancelled.
    await eventually(async () => (await quorum.raws[0]!.exists('lock:nestjs-locking:fence')) === 1);
    await quorum.nothingOn([0, 4]);
  });

  it('an attempt that is cancelled for want of a majority leaves nothing', async () => {
    const { locking } = await quorum.open({ nodeTimeout: '200ms' });
    quorum.freeze(0, 1, 2);
    await Promise.all(['a', 'b', ['c', 'd']].map(async (keys) => rejectionOf(locking.acquire(keys))));
    await quorum.nothingOn([3, 4]);
    quorum.thaw(0, 1, 2);
    await eventually(async () => (await quorum.raws[0]!.exists('lock:nestjs-locking:fence')) === 1);
    await quorum.nothingOn(EVERYWHERE);
    await eventually(async () => (await locking.execute('a', () => 'ran').catch(() => '')) === 'ran');
  });

  it('a grant whose lease had expired on the way counts as failed', async () => {
    const context = { id: 'quorum', warn: () => undefined };
    const provider = new RedisQuorumLockingProvider({ nodes: quorum.urls(), nodeTimeout: '2s' }, context);
    await provider.connect(() => undefined);
    const request = { keys: ['k'], ownerId: 'me', attemptId: 'me.1', processId: 'me', ttl: 100, onlyIfOwned: false };
    try {
      quorum.freeze(0, 1, 2);
      const answers = provider.acquire(request);
      answers.catch(() => undefined);
      await delay(200);
      quorum.thaw(0, 1, 2);
      expect((await rejectionOf(answers)).message).toMatch(/only when the lease of 100 ms had run out/);
      await quorum.nothingOn(EVERYWHERE);
    } finally {
      await provider.close();
    }
  });

  it('an attempt leaves nothing if every connection is cut during it', async () => {
    const { locking } = await quorum.open();
    for (let round = 0; round < 3; round += 1) {
      const calls = Array.from({ length: 20 }, async (_, index) => locking.execute(`k${index}`, () => 'ran'));
      const cut = quorum.raws.map(async (raw) => raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
      await Promise.all([Promise.allSettled(calls), ...cut]);
      await eventually(async () => (await locking.execute('after', () => 1).catch(() => 0)) === 1);
    }
    await quorum.nothingOn(EVERYWHERE);
  });
});

describe('nodes split 2, 2 and 1', () => {
  it('a key split among dead processes is free when their leases have expired', async () => {
    await take([0, 1], 'one', 700);
    await take([2, 3], 'two', 700);
    await take([4], 'three', 700);
    const { locking } = await quorum.open();
    expect(await locking.tryAcquire('k')).toBeNull();
    expect(await locking.inspect('k')).toBeNull();
    const lock = await locking.acquire('k', { timeout: '10s' });
    expect(lock.held).toBe(true);
    await lock.release();
    await quorum.nothingOn(EVERYWHERE);
  });

  it('a remaining process gets a split key after one of its rivals has gone', async () => {
    await take([0, 1], 'one', 500);
    await take([2, 3], 'two', 60_000);
    await take([4], 'three', 500);
    const { locking } = await quorum.open();
    const lock = await locking.acquire('k', { timeout: '10s' });
    expect((await locking.inspect('k'))?.ownerId).toBe(lock.ownerId);
    await lock.release();
    expect(await quorum.keysOn([2, 3])).toEqual([['lock:k'], ['lock:k']]);
  });
});

describe('many contenders', () => {
  it.each([
    ['all nodes', []],
    ['one node dead, where ties are possible', [3]],
  ])('many contenders in several processes are all served, one at a time, with %s', async (_, dead) => {
    for (const index of dead) quorum.servers[index]?.kill('SIGKILL');
    const applications = await Promise.all(Array.from({ length: 4 }, async () => quorum.open()));
    let value = 0;
    let inside = 0;
    let last = 0;
    const increment = async ({ fencingToken }: { fencingToken: number }): Promise<void> => {
      inside += 1;
      expect(inside).toBe(1);
      expect(fencingToken).toBeGreaterThan(last);
      last = fencingToken;
      const read = value;
      await new Promise(setImmediate);
      value = read + 1;
      inside -= 1;
    };
    const turns = applications.flatMap(({ locking }) =>
      Array.from({ length: 10 }, async () => locking.execute('k', increment, { timeout: '25s' })),
    );
    await Promise.all(turns);
    expect(value).toBe(40);
    await quorum.nothingOn(EVERYWHERE.filter((index) => !dead.includes(index)));
  });
});

describe('fencing tokens', () => {
  it('tokens rise although the counter of one node is far ahead, as long as it answers', async () => {
    const ahead = (Date.now() + 3_600_000) * 1000;
    await quorum.raws[2]!.set('lock:nestjs-locking:fence', String(ahead));
    const { locking } = await quorum.open();
    let last = ahead;
    for (const dead of [undefined, 0, 4]) {
      if (dead !== undefined) quorum.servers[dead]?.kill('SIGKILL');
      for (let round = 0; round < 20; round += 1) {
        const token = await locking.execute('k', (lock) => lock.fencingToken);
        expect(token).toBeGreaterThan(last);
        last = token;
      }
    }
  });
});

describe('several keys, on different majorities', () => {
  it('several keys on different majorities are extended together', async () => {
    const { locking } = await quorum.open();
    await locking.acquire(['a', 'b'], { ownerId: 'me', expire: '5s' });
    await eventually(async () => (await quorum.keysOn(EVERYWHERE)).every((keys) => keys.length === 2));
    await Promise.all([0, 1].map(async (index) => quorum.raws[index]!.del('lock:a')));
    await Promise.all([2, 3].map(async (index) => quorum.raws[index]!.del('lock:b')));
    expect(await locking.extend(['a', 'b'], { ownerId: 'me', expire: '60s' })).toBe(true);
    for (const key of ['a', 'b']) expect((await locking.inspect(key))?.ttl).toBeGreaterThan(50_000);
    // Nodes that lacked a key have it again.
    await eventually(async () => (await quorum.keysOn(EVERYWHERE)).every((keys) => keys.length === 2));
    await Promise.all([0, 1, 2].map(async (index) => quorum.raws[index]!.del('lock:a')));
    expect(await locking.extend(['a', 'b'], { ownerId: 'me', expire: '90s' })).toBe(false);
  });
});
