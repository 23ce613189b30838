import { beforeEach, describe, expect, it } from '@jest/globals';
import { LockingModule, LockingService, LockLostError, WithLock } from '../../lib/index.js';
import { track } from '../support/faulty-provider.js';
import { useApplications } from '../support/applications.js';
import { SharedStore, type StoreProcess } from '../support/shared-store.js';

let world: SharedStore;
let process: StoreProcess;

beforeEach(() => {
  world = new SharedStore();
  process = world.process();
});

const SENT = { awaitRelease: false } as const;

describe('with awaitRelease: false', () => {
  it('the call ends once the release is sent, not once it is answered', async () => {
    process.wire.fail('release', 'hold');
    const waiting = track(process.execute('k', () => 'waits for it'));
    const going = track(process.execute('l', () => 'goes on', SENT));
    await world.settle();
    expect(waiting.outcome).toBeUndefined();
    expect(going.outcome).toEqual({ status: 'fulfilled', value: 'goes on' });
    process.wire.letGo();
    await world.settle();
    expect(waiting.outcome).toEqual({ status: 'fulfilled', value: 'waits for it' });
  });

  it('what the job threw is thrown', async () => {
    const failing = new Error('the job failed');
    await expect(process.execute('k', () => Promise.reject(failing), SENT)).rejects.toBe(failing);
  });

  it('a release that fails is repeated until the store has answered', async () => {
    process.wire.fail('release', 'refuse');
    expect(await process.execute('k', () => 1, SENT)).toBe(1);
    await world.settle();
    expect(await world.process().tryAcquire('k')).toBeNull();
    process.wire.mend();
    await world.clock.advance('1s');
    expect(await world.process().tryAcquire('k')).not.toBeNull();
  });

  it('the next call of this process finds the key free', async () => {
    await process.execute('k', () => 1, SENT);
    expect(await process.execute('k', () => 2, { timeout: 0 })).toBe(2);
  });

  it('a lock that was lost while the job ran is told of; one taken away in its last moment is not', async () => {
    const lost = process.execute('k', async () => world.clock.advance('31s'), { ...SENT, renew: false });
    await expect(lost).rejects.toThrow(LockLostError);
    const taken = async (): Promise<void> => {
      await world.observer.revoke(['k']);
    };
    await expect(process.execute('k', taken)).rejects.toThrow(LockLostError);
    await expect(process.execute('k', taken, SENT)).resolves.toBeUndefined();
  });

  it('a shutdown still waits for the release', async () => {
    process.wire.fail('release', 'hold');
    await process.execute('k', () => 1, SENT);
    const closing = track(process.engine.close());
    await world.settle();
    expect(closing.outcome).toBeUndefined();
    process.wire.letGo();
    await world.settle();
    expect(closing.outcome).toEqual({ status: 'fulfilled', value: { unfinished: 0 } });
  });
});

describe('awaitRelease', () => {
  const applications = useApplications();

  class Reports {
    @WithLock('report:<0>', SENT)
    async build(id: string): Promise<string> {
      return Promise.resolve(`report ${id}`);
    }
  }

  it('is an option of decorated methods and of execute, true or false', async () => {
    const app = await applications.start({ imports: [LockingModule.forRoot()], providers: [Reports] });
    const locking = app.get(LockingService);
    expect(await app.get(Reports).build('7')).toBe('report 7');
    await expect(locking.execute('k', () => 1, { awaitRelease: 'no' as never })).rejects.toThrow(
      'awaitRelease: must be true or false.',
    );
  });

  it('is refused by acquire, which leaves the release to its caller', async () => {
    const { locking } = await applications.withLocks();
    await expect(locking.acquire('k', SENT as never)).rejects.toThrow(
      'awaitRelease: is for execute and decorated methods. Call lock.release() without await instead.',
    );
  });
});
