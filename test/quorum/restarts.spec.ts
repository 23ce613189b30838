import { describe, expect, it } from '@jest/globals';
import type { AcquireOptions, Lock } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { useQuorum } from './support.js';

const quorum = useQuorum(3);
const EVERYWHERE = [0, 1, 2];

async function valueOn(index: number): Promise<string | null> {
  return quorum.raws[index]!.get('lock:k');
}

/** Restarts a node, which comes back empty. */
async function restart(index: number): Promise<void> {
  await quorum.servers[index]!.restart();
}

async function isOnAll(lock: Lock): Promise<boolean> {
  const values = await Promise.all(EVERYWHERE.map(valueOn));
  return values.every((value) => value?.endsWith(`:${lock.ownerId}`));
}

const KINDS: [string, AcquireOptions, boolean][] = [
  ['a renewed lease', { expire: '3s', renew: true }, false],
  ['a lock that never expires', { ownerId: 'me' }, false],
  // The holder checks it after a third of its length, or every second while a caller of its process waits for it.
  ['a fixed lease', { expire: '60s', renew: false }, true],
];

describe.each(KINDS)('%s', (_, options, withLocalWaiter) => {
  async function hold(): Promise<{ lock: Lock; isLetIn: () => boolean; finish: () => Promise<void> }> {
    const { locking } = await quorum.open({ expire: '3s' });
    const { locking: other } = await quorum.open();
    const lock = await locking.acquire('k', options);
    let letIn = 0;
    const contenders = [other, ...(withLocalWaiter ? [locking] : [])].map(async (contender) =>
      contender.execute('k', () => (letIn += 1), { timeout: '100s' }),
    );
    return {
      lock,
      isLetIn: () => letIn > 0,
      finish: async () => {
        expect(await lock.release()).toBe(true);
        await Promise.all(contenders);
        await quorum.nothingOn(EVERYWHERE);
      },
    };
  }

  it('a lock is written to a node that was down when it was granted, so that another node may lose it', async () => {
    quorum.servers[2]!.kill('SIGKILL');
    const { lock, isLetIn, finish } = await hold();
    await restart(2);
    await eventually(async () => isOnAll(lock));
    await restart(0);
    await eventually(async () => isOnAll(lock));
    expect([lock.held, isLetIn()]).toEqual([true, false]);
    await finish();
  });

  it('a lock outlives the restart of all nodes without data, one after another, twice', async () => {
    const { lock, isLetIn, finish } = await hold();
    for (const index of [...EVERYWHERE, ...EVERYWHERE]) {
      await eventually(async () => isOnAll(lock));
      await restart(index);
    }
    await eventually(async () => isOnAll(lock));
    expect([lock.held, isLetIn()]).toEqual([true, false]);
    await finish();
  });
});

describe('a node that has lost its data', () => {
  it('a node that has lost its data is not given a lock that was revoked meanwhile', async () => {
    const { locking } = await quorum.open();
    const { locking: operator } = await quorum.open();
    const lock = await locking.acquire('k', { expire: '3s', renew: true });
    await eventually(async () => isOnAll(lock));
    await restart(1);
    expect(await operator.forceRelease('k')).toBe(1);
    await eventually(() => lock.signal.aborted, 25_000);
    await quorum.nothingOn(EVERYWHERE);
    expect(lock.held).toBe(false);
  });

  it('a node that has lost its data grants greater tokens than that of the restored lock', async () => {
    const ahead = (Date.now() + 3_600_000) * 1000;
    await quorum.raws[0]!.set('lock:nestjs-locking:fence', String(ahead));
    const { locking } = await quorum.open();
    const lock = await locking.acquire('k', { expire: '3s', renew: true });
    expect(lock.fencingToken).toBeGreaterThan(ahead);
    await eventually(async () => isOnAll(lock));
    await restart(1);
    await eventually(async () => isOnAll(lock));
    await lock.release();
    await quorum.nothingOn(EVERYWHERE);
    quorum.servers[0]!.kill('SIGKILL');
    expect(await locking.execute('k', ({ fencingToken }) => fencingToken)).toBeGreaterThan(lock.fencingToken);
  });
});
