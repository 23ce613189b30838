import { describe, expect, it } from '@jest/globals';
import { LockingService } from '../../lib/index.js';
import { setImmediate as turn } from 'node:timers/promises';
import { deferred } from '../support/deferred.js';
import { eventually } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

describe('shutdown', () => {
  onEveryStore((store) => {
    it('a shutdown releases locks, rejects waiters, and refuses new calls', async () => {
      const application = await store.openApplication();
      const locking = application.get(LockingService);
      const other = await store.open();
      const theirs = await other.acquire('theirs');
      const lock = await locking.acquire(['a', 'b']);
      const waiting = locking.acquire('theirs', { timeout: '20s' });
      const refused = expect(waiting).rejects.toMatchObject({
        code: 'LOCK_BACKEND',
        message: expect.stringContaining('shutting down'),
      });
      await application.close();
      await refused;
      expect(lock.held).toBe(false);
      expect(lock.signal.aborted).toBe(true);
      expect(await other.inspect('a')).toBeNull();
      expect(await other.inspect('b')).toBeNull();
      expect(theirs.held).toBe(true);
      await expect(locking.acquire('c')).rejects.toMatchObject({ code: 'LOCK_BACKEND' });
    });

    it('a shutdown waits for running jobs', async () => {
      const application = await store.openApplication();
      const locking = application.get(LockingService);
      const goOn = deferred();
      const inside = deferred();
      const run = locking.execute('a', async ({ signal }) => {
        inside.resolve();
        await goOn.promise;
        return signal.aborted;
      });
      await inside.promise;
      let closed = false;
      const closing = application.close().then(() => (closed = true));
      const refused = async (): Promise<boolean> =>
        locking.acquire('b').then(
          async (lock) => !(await lock.release()),
          () => true,
        );
      while (!(await refused())) await turn();
      expect(closed).toBe(false);
      goOn.resolve();
      expect(await run).toBe(false);
      await closing;
    });

    it('a shutdown ends the locks of jobs that take longer than drainTimeout, and aborts their signals', async () => {
      const application = await store.openApplication({ drainTimeout: '100ms' });
      const locking = application.get(LockingService);
      const other = await store.open();
      let aborted = false;
      const inside = deferred();
      const run = locking.execute('a', async ({ signal }) => {
        inside.resolve();
        await eventually(() => signal.aborted);
        aborted = true;
      });
      await inside.promise;
      const lost = expect(run).rejects.toThrow('the application has shut down');
      await application.close();
      expect(await other.inspect('a')).toBeNull();
      await lost;
      expect(aborted).toBe(true);
    });
  });
});
