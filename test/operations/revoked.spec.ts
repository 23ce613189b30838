import { describe, expect, it } from '@jest/globals';
import type { INestApplicationContext } from '@nestjs/common';
import { LockEvents, LockingService, type LockEvent } from '../../lib/index.js';
import { eventually } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

type Ended = LockEvent<'lost' | 'revoked'>;

const endsOf = (app: INestApplicationContext): Ended[] => {
  const ends: Ended[] = [];
  app
    .get(LockEvents)
    .on('lost', 'revoked')
    .subscribe((event) => ends.push(event));
  return ends;
};

describe('a lock that another process revokes', () => {
  onEveryStore((store) => {
    it('is told of as gone, at the next renewal, in a process that never had to wait', async () => {
      const holding = await store.openApplication({ expire: '1s' });
      const operator = await store.open();
      const ends = endsOf(holding);
      const lock = await holding.get(LockingService).acquire('a');
      expect(await operator.forceRelease('a')).toBe(1);
      await eventually(() => ends.length > 0);
      expect(ends).toMatchObject([{ type: 'lost', reason: 'gone' }]);
      expect(lock.held).toBe(false);
    });

    it('is told of as revoked, at once, in a process that has waited before', async () => {
      const holding = await store.openApplication();
      const operator = await store.open();
      const ends = endsOf(holding);
      const locking = holding.get(LockingService);
      const other = await operator.acquire('other');
      const waiting = locking.acquire('other', { timeout: '1m' });
      await eventually(async () => (await operator.inspect('other'))?.queue.length === 1);
      await other.release();
      await (await waiting).release();
      // A lease that no renewal looks after in this test.
      const lock = await locking.acquire('a', { expire: '10m' });
      expect(await operator.forceRelease('a')).toBe(1);
      await eventually(() => ends.length > 0);
      expect(ends).toMatchObject([{ type: 'revoked', reason: 'revoked' }]);
      expect(lock.held).toBe(false);
    });
  });
});
