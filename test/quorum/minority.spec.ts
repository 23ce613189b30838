import { describe, expect, it } from '@jest/globals';
import { LockBackendError, LockLostError } from '../../lib/index.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useQuorum } from './support.js';

const quorum = useQuorum(3);

/** Keeps the event loop busy. */
function block(milliseconds: number): void {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
}

describe.each(['SIGKILL', 'SIGSTOP'] as const)('a minority under %s', (signal) => {
  it('is not noticed by holders, nor by those who come', async () => {
    const { locking } = await quorum.open({ expire: '900ms' });
    const { locking: other } = await quorum.open();
    const lock = await locking.acquire('k');
    quorum.servers[0]?.kill(signal);

    const since = performance.now();
    await locking.execute('other', () => undefined);
    expect(await other.tryAcquire('k')).toBeNull();
    expect(performance.now() - since).toBeLessThan(1500);

    // It is renewed on the two that are left: above two thirds again after it was below, more than once.
    for (let renewal = 0; renewal < 3; renewal += 1) {
      await eventually(async () => (await quorum.raws[1]!.pttl('lock:k')) < 700);
      await eventually(async () => (await quorum.raws[1]!.pttl('lock:k')) > 800);
    }
    expect(lock.held).toBe(true);
    expect(await lock.release()).toBe(true);
    await (await other.acquire('k', { timeout: '1s' })).release();
    await quorum.nothingOn([1, 2]);
  });

  it('is told what it has missed when it is back', async () => {
    const { locking } = await quorum.open();
    const lock = await locking.acquire('k');
    await eventually(async () => (await quorum.keysOn([0, 1, 2])).every((keys) => keys.length === 1));
    quorum.servers[0]?.kill(signal);
    expect(await lock.release()).toBe(true);
    for (let count = 0; count < 20; count += 1) await locking.execute('k', () => undefined);
    if (signal === 'SIGSTOP') quorum.thaw(0);
    else await quorum.servers[0]?.restart();
    await quorum.nothingOn([0, 1, 2]);
    // And has its vote again.
    await eventually(async () => {
      const held = await locking.acquire('again');
      const [keys] = await quorum.keysOn([0]);
      await held.release();
      return keys?.length === 1;
    });
  });
});

describe('a node that hangs', () => {
  it('is named once, and again when it is back', async () => {
    const { locking, log } = await quorum.open({ nodeTimeout: '400ms' });
    await locking.execute('k', () => undefined);
    quorum.freeze(2);
    const name = `127.0.0.1:${String(quorum.servers[2]?.port)}`;
    await eventually(async () => {
      await locking.execute('k', () => undefined);
      return log.of('warn').length > 0;
    });
    for (let count = 0; count < 5; count += 1) await locking.execute('k', () => undefined);
    expect(log.of('warn')).toEqual([
      `Redis node ${name} in "locking-redis-quorum" provider has not answered for 400 ms. It is left out until it does`,
    ]);
    quorum.thaw(2);
    await eventually(() => log.of('warn').length === 2);
    expect(log.of('warn')[1]).toBe(
      `Redis node ${name} in "locking-redis-quorum" provider is there again. 3 of 3 nodes are connected`,
    );
  });

  it('is asked nothing more, so that nothing piles up there', async () => {
    const { locking, log } = await quorum.open({ nodeTimeout: '400ms' });
    await locking.execute('k', () => undefined);
    await quorum.raws[2]!.config('RESETSTAT');
    quorum.freeze(2);
    let asked = 0;
    await eventually(async () => {
      await locking.execute('k', () => undefined);
      asked += 2;
      return log.of('warn').length > 0;
    });
    for (let count = 0; count < 300; count += 1) await locking.execute('k', () => undefined);
    quorum.thaw(2);
    await quorum.nothingOn([0, 1, 2]);
    await eventually(() => log.of('warn').length === 2);
    const stats = await quorum.raws[2]!.info('commandstats');
    const scripts = Number(/cmdstat_evalsha:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    // Those before it was left out, and what it has missed, many releases to a call.
    expect(scripts).toBeLessThan(asked + 100);
  });
});

describe('a process that is busy for longer than nodeTimeout', () => {
  it('takes the answers that came meanwhile', async () => {
    const { locking, log } = await quorum.open({ nodeTimeout: '300ms' });
    // A script that a server does not know yet takes a second round trip.
    await locking.execute('k', async (lock) => lock.extend());
    const taking = locking.acquire('k');
    // Sent, and then nothing is read for a while.
    await Promise.resolve();
    block(700);
    const lock = await taking;
    const extending = lock.extend();
    await Promise.resolve();
    block(700);
    expect(await extending).toBe(true);
    expect(await lock.release()).toBe(true);
    expect(log.of('warn')).toEqual([]);
  });
});

describe.each(['SIGKILL', 'SIGSTOP'] as const)('a majority under %s', (signal) => {
  it('fails calls, and nothing runs', async () => {
    const { locking } = await quorum.open({ nodeTimeout: '300ms' });
    await locking.execute('k', () => undefined);
    quorum.servers[0]?.kill(signal);
    quorum.servers[2]?.kill(signal);
    let ran = false;
    const call = async (): Promise<unknown> => locking.execute('k', () => (ran = true));
    const error = await rejectionOf(call());
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toMatch(
      /^Could not lock "k": only 1 of 3 Redis nodes answered, and 2 are needed \(127\.0\.0\.1:\d+: .+; 127\.0\.0\.1:\d+: .+\)/,
    );
    for (const task of [locking.tryAcquire('k'), locking.inspect('k'), locking.forceRelease('k')]) {
      expect(await rejectionOf(task)).toBeInstanceOf(LockBackendError);
    }
    expect(await rejectionOf(locking.releaseAll({ ownerId: 'x' }))).toBeInstanceOf(LockBackendError);
    expect(ran).toBe(false);
    // Nothing is left of it on the one that has answered.

    await quorum.nothingOn([1]);
  });

  it('ends the trust of holders with their lease, not later, and calls work when it is back', async () => {
    const { locking } = await quorum.open({ nodeTimeout: '200ms', expire: '800ms' });
    const lock = await locking.acquire('k');
    const latest = performance.now() + 800;
    quorum.servers[0]?.kill(signal);
    quorum.servers[2]?.kill(signal);
    await new Promise((resolve) => {
      lock.signal.addEventListener('abort', resolve);
    });
    expect(lock.signal.reason).toBeInstanceOf(LockLostError);
    // It may have been renewed once, on its way into the fault.
    expect(performance.now()).toBeLessThan(latest + 400);
    if (signal === 'SIGSTOP') quorum.thaw(0, 2);
    else await Promise.all([quorum.servers[0]?.restart(), quorum.servers[2]?.restart()]);
    await eventually(async () => (await locking.execute('k', () => 'ran').catch(() => '')) === 'ran');
  });
});

describe('a node that comes back without its data', () => {
  it('costs nobody the lock, as long as it is one', async () => {
    const { locking } = await quorum.open({ expire: '900ms' });
    const { locking: other } = await quorum.open();
    const lock = await locking.acquire('k');
    await quorum.servers[1]?.restart();
    expect(await lock.extend('10s')).toBe(true);
    expect(await other.tryAcquire('k')).toBeNull();
    expect(lock.held).toBe(true);
    expect(await lock.release()).toBe(true);
    await quorum.nothingOn([0, 1, 2]);
  });

  it('is one of a majority that has lost the lock: its holder learns of it', async () => {
    const { locking } = await quorum.open({ expire: '600ms' });
    const lock = await locking.acquire('k');
    await eventually(async () => (await quorum.keysOn([0, 1])).every((keys) => keys.length === 1));
    await Promise.all([quorum.raws[0]!.flushall(), quorum.raws[1]!.flushall()]);
    await new Promise((resolve) => {
      lock.signal.addEventListener('abort', resolve);
    });
    expect(lock.held).toBe(false);
    expect(await lock.release()).toBe(false);
    await quorum.nothingOn([0, 1, 2]);
  });

  it('gets a lock again with the next grant of its owner', async () => {
    const { locking } = await quorum.open();
    const { locking: other } = await quorum.open();
    const first = await locking.acquire('k', { ownerId: 'me', expire: '20s' });
    await eventually(async () => (await quorum.keysOn([0])).every((keys) => keys.length === 1));
    await quorum.raws[0]!.flushall();
    const second = await other.acquire('k', { ownerId: 'me', expire: '20s' });
    await eventually(async () => (await quorum.keysOn([0])).every((keys) => keys.length === 1));
    expect(second.fencingToken).toBeGreaterThan(first.fencingToken);
    expect(first.held).toBe(true);
    expect(await other.release('k', { ownerId: 'me' })).toBe(true);
    await quorum.nothingOn([0, 1, 2]);
  });
});
