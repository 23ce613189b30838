import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { createHash } from 'node:crypto';
import {
  CheckpointService,
  isLockLostError,
  isLockTimeoutError,
  LockingService,
  RecordService,
  type Checkpoint,
  type CheckpointInfo,
} from '../../../lib/index.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { onEveryStore } from '../../support/stores.js';

const sequencesOf = (infos: readonly CheckpointInfo[]): number[] => infos.map(({ sequence }) => sequence);

afterEach(() => {
  jest.restoreAllMocks();
});

describe('checkpoints of a lock', () => {
  onEveryStore((store) => {
    it('the next holder goes on from the last checkpoint, in another instance', async () => {
      const [one, two] = [await store.open(), await store.open()];
      const token = await one.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<{ row: number }>();
        expect(await checkpoints.loadLatest()).toBeNull();
        expect(await checkpoints.list()).toEqual([]);
        for (const row of [10, 20]) await checkpoints.save({ row }, { progress: row / 100 });
        return lock.fencingToken;
      });
      await two.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<{ row: number }>();
        const latest = (await checkpoints.loadLatest()) as Checkpoint<{ row: number }>;
        expect(latest).toEqual({
          sequence: 2,
          data: { row: 20 },
          progress: 0.2,
          version: 1,
          fencingToken: token,
          savedAt: expect.any(Date),
        });
        expect(Math.abs(Date.now() - latest.savedAt.getTime())).toBeLessThan(60_000);
        expect((await checkpoints.load(1))?.data).toEqual({ row: 10 });
        expect(await checkpoints.load(3)).toBeNull();
        expect(await checkpoints.save({ row: 30 })).toMatchObject({ sequence: 3, progress: undefined });
      });
    });

    it('the late save of a former holder is refused, although the next one has only loaded', async () => {
      const [one, two] = [await store.open(), await store.open()];
      const late = await one.acquire('import');
      const former = late.checkpoints<string>();
      await former.save('one');
      await two.forceRelease('import');
      await two.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<string>();
        expect((await checkpoints.loadLatest())?.data).toBe('one');
        for (const call of [former.save('late'), former.flush(), former.cleanup({ keep: 1 }), former.deleteAll()]) {
          await call.catch((error: unknown) => {
            expect(isLockLostError(error)).toBe(true);
          });
        }
        expect((await checkpoints.loadLatest())?.data).toBe('one');
        expect(sequencesOf(await checkpoints.list())).toEqual([1]);
      });
    });

    it('a former holder that does not know of its loss is refused by the store', async () => {
      const [one, two] = [await store.openApplication(), await store.openApplication()];
      // A lock of an owner that two instances share is not ended in the first by the second.
      const options = { ownerId: 'importer', expire: '1m' } as const;
      const late = await one.get(LockingService).acquire('import', options);
      await late.checkpoints<string>().save('one');
      const next = await two.get(LockingService).acquire('import', options);
      expect(next.fencingToken).toBeGreaterThan(late.fencingToken);
      await next.checkpoints<string>().loadLatest();
      const error = await rejectionOf(late.checkpoints<string>().save('late'));
      expect(isLockLostError(error)).toBe(true);
      expect(error.message).toMatch(/^The checkpoint of "import" was refused: a later holder/);
      expect((await next.checkpoints<string>().loadLatest())?.data).toBe('one');
      await next.release();
    });

    it('keeps as many as it is asked to, and deletes those before', async () => {
      const locking = await store.open();
      await locking.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<number>({ keep: 2 });
        for (let step = 1; step <= 5; step += 1) await checkpoints.save(step);
        expect(sequencesOf(await checkpoints.list())).toEqual([4, 5]);
        expect(await checkpoints.load(3)).toBeNull();
        await checkpoints.cleanup({ keep: 1 });
        expect(sequencesOf(await checkpoints.list())).toEqual([5]);
        await checkpoints.deleteAll();
        expect(await checkpoints.loadLatest()).toBeNull();
        expect(await checkpoints.save(6)).toMatchObject({ sequence: 1 });
      });
    });

    it('saves that come too early are kept in memory, and written by flush and at the release', async () => {
      const [one, two] = [await store.openApplication(), await store.openApplication()];
      const outside = two.get(CheckpointService);
      {
        await using lock = await one.get(LockingService).acquire('import');
        const checkpoints = lock.checkpoints<number>({ every: '1h' });
        expect(await checkpoints.save(1)).toMatchObject({ sequence: 1 });
        expect(await checkpoints.save(2)).toBeNull();
        expect(await checkpoints.save(3)).toBeNull();
        expect((await outside.loadLatest('import'))?.data).toBe(1);
        await checkpoints.flush();
        expect((await outside.loadLatest('import'))?.data).toBe(3);
        await checkpoints.flush();
        await checkpoints.save(4);
        expect(sequencesOf(await outside.list('import'))).toEqual([1, 2]);
      }
      expect((await outside.loadLatest('import'))?.data).toBe(4);
    });

    it('what is kept in memory is written at the release although the job has failed', async () => {
      const application = await store.openApplication();
      const locking = application.get(LockingService);
      await expect(
        locking.execute('import', async (lock) => {
          const checkpoints = lock.checkpoints<number>({ every: '1h' });
          await checkpoints.save(1);
          await checkpoints.save(2);
          throw new Error('row 2 is broken');
        }),
      ).rejects.toThrow('row 2 is broken');
      expect((await application.get(CheckpointService).loadLatest('import'))?.data).toBe(2);
    });

    it('what was saved does not change with the object', async () => {
      const locking = await store.open();
      await locking.execute('import', async (lock) => {
        const state = { rows: [1] };
        const checkpoints = lock.checkpoints<typeof state>({ every: '1h' });
        const first = checkpoints.save(state);
        state.rows.push(2);
        await first;
        await checkpoints.save(state);
        state.rows.push(3);
        await checkpoints.flush();
        expect((await checkpoints.load(1))?.data).toEqual({ rows: [1] });
        expect((await checkpoints.loadLatest())?.data).toEqual({ rows: [1, 2] });
      });
    });

    it('saves are written in the order of the calls', async () => {
      const locking = await store.open();
      await locking.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<number>({ keep: 20 });
        const saves = Array.from({ length: 10 }, async (_, index) =>
          lock.checkpoints<number>({ keep: 20 }).save(index),
        );
        expect(sequencesOf((await Promise.all(saves)) as CheckpointInfo[])).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        expect((await checkpoints.loadLatest())?.data).toBe(9);
      });
    });

    it('data of another version is migrated, or refused', async () => {
      const locking = await store.open();
      await locking.execute('import', async (lock) => {
        await lock.checkpoints<string>().save('7');
        const error = await rejectionOf(lock.checkpoints<number>({ version: 2 }).loadLatest());
        expect(error.message).toMatch(/^Checkpoint 1 of "import" has version 1, and this program expects version 2/);
        const migrate = (data: unknown, version: number): number => Number(data) + version;
        expect(await lock.checkpoints<number>({ version: 2, migrate }).loadLatest()).toMatchObject({
          data: 8,
          version: 1,
        });
      });
    });

    it('a key and the key with a number behind it have checkpoints apart', async () => {
      const locking = await store.open();
      const hash = `sha256:${createHash('sha256').update('k'.repeat(5000)).digest('hex')}`;
      for (const key of ['x/1', 'x', 'x/1/1', 'k'.repeat(5000), hash]) {
        await locking.execute(key, async (lock) => {
          expect(await lock.checkpoints().loadLatest()).toBeNull();
          await lock.checkpoints<string>().save(key);
        });
      }
      for (const key of ['x', 'x/1', 'x/1/1', 'k'.repeat(5000), hash]) {
        await locking.execute(key, async (lock) => {
          expect((await lock.checkpoints().loadLatest())?.data).toBe(key);
          expect((await lock.checkpoints().load(1))?.data).toBe(key);
        });
      }
    });

    it('the locks of one holder share its checkpoints', async () => {
      const application = await store.openApplication();
      const [locking, service] = [application.get(LockingService), application.get(CheckpointService)];
      await locking.execute('import', async (outer) => {
        const checkpoints = outer.checkpoints<number>({ every: '1h' });
        await checkpoints.save(1);
        await checkpoints.save(2);
        await locking.execute('import', async (inner) => {
          expect((await inner.checkpoints<number>().save(3))?.sequence).toBe(2);
        });
        expect((await checkpoints.loadLatest())?.data).toBe(3);
        await locking.execute(['import', 'other'], async (inner) => {
          expect((await inner.checkpoints<number>({ name: 'import' }).save(4))?.sequence).toBe(3);
        });
        await locking.execute('import', async () => {
          expect((await service.loadLatest('import'))?.data).toBe(4);
          expect((await service.save('import', 5))?.sequence).toBe(4);
        });
        expect(sequencesOf(await checkpoints.list())).toEqual([2, 3, 4]);
      });
      expect((await service.loadLatest('import'))?.data).toBe(5);
    });

    it('what an inner lock keeps in memory is written at its release', async () => {
      const application = await store.openApplication();
      const locking = application.get(LockingService);
      await locking.execute('import', async (outer) => {
        await outer.checkpoints<number>().save(1);
        await locking.execute('import', async (inner) => {
          expect(await inner.checkpoints<number>({ every: '1h' }).save(2)).toBeNull();
        });
        await eventually(async () => (await outer.checkpoints<number>().loadLatest())?.data === 2);
      });
    });

    it('checkpoints of one of several keys go by the token of that key', async () => {
      const locking = await store.open();
      for (let count = 0; count < 5; count += 1) await locking.execute('other', () => undefined);
      await locking.execute(['import', 'other'], async (lock) => {
        const saved = await lock.checkpoints<number>({ name: 'import' }).save(1);
        expect(saved?.fencingToken).toBe(lock.fencingTokenFor('import'));
      });
      await locking.execute('import', async (lock) => {
        expect((await lock.checkpoints().loadLatest())?.data).toBe(1);
      });
    });

    it('the service finds the lock of the key around other locks', async () => {
      const application = await store.openApplication();
      const [locking, service] = [application.get(LockingService), application.get(CheckpointService)];
      const late = await locking.execute('import', async ({ fencingToken }) =>
        locking.execute('row', async () => {
          await service.save('import', 1);
          await service.save('import', 2);
          expect((await service.load('import', 1))?.data).toBe(1);
          await service.cleanup('import', { keep: 1 });
          expect(sequencesOf(await service.list('import'))).toEqual([2]);
          return fencingToken;
        }),
      );
      await locking.execute('import', async ({ fencingToken }) =>
        locking.execute('row', async () => {
          expect((await service.loadLatest('import'))?.data).toBe(2);
          // Claimed by that: an earlier holder writes nothing any more.
          const records = application.get(RecordService);
          expect((await records.read('checkpoint/import'))?.token).toBe(fencingToken);
          expect(late).toBeLessThan(fencingToken);
          await service.deleteAll('import');
        }),
      );
      expect(await service.loadLatest('import')).toBeNull();
    });

    it('the option lock must be a lock of the key', async () => {
      const application = await store.openApplication();
      const [locking, service] = [application.get(LockingService), application.get(CheckpointService)];
      await using lock = await locking.acquire('other');
      for (const call of [service.save('import', 1, { lock }), service.loadLatest('import', { lock })]) {
        expect((await rejectionOf(call)).message).toMatch(/^The option lock is a lock of "other", not of "import"/);
      }
    });

    it('the job of another application around the call is not taken for the holder', async () => {
      const [one, two] = [await store.openApplication(), await store.openApplication()];
      await one.get(LockingService).execute('import', async (lock) => {
        await lock.checkpoints<number>({ every: '1h' }).save(1);
        const error = await rejectionOf(two.get(CheckpointService).save('import', 2));
        expect(error.message).toMatch(/does not hold "import"/);
        expect((await two.get(CheckpointService).loadLatest('import'))?.data).toBe(1);
      });
    });

    it('checkpoints of several keys need a name, and other names are other checkpoints', async () => {
      const locking = await store.open();
      await locking.execute(['a', 'b'], async (lock) => {
        expect(() => lock.checkpoints()).toThrow(/a lock of 2 keys need a name/);
        await lock.checkpoints<number>({ name: 'both' }).save(1);
        expect(await lock.checkpoints({ name: 'other' }).loadLatest()).toBeNull();
        expect((await lock.checkpoints<number>({ name: 'both' }).loadLatest())?.data).toBe(1);
      });
    });

    it.each(['nul\0', '\0"nul\\u0000"', 'a/b:c <d> "e" \n é 💶', '__proto__', 'checkpoint/import'])(
      'the key %j has checkpoints of its own',
      async (key) => {
        const locking = await store.open();
        await locking.execute(key, async (lock) => lock.checkpoints().save(key));
        await locking.execute(`${key}\0`, async (lock) => expect(await lock.checkpoints().loadLatest()).toBeNull());
        await locking.execute(key, async (lock) => {
          expect((await lock.checkpoints().loadLatest())?.data).toBe(key);
          await lock.checkpoints().deleteAll();
        });
      },
    );

    it('long keys have checkpoints of their own', async () => {
      const locking = await store.open();
      for (const last of ['x', 'y']) {
        await locking.execute('k'.repeat(5000) + last, async (lock) => {
          expect(await lock.checkpoints().loadLatest()).toBeNull();
          await lock.checkpoints<string>().save(last);
        });
      }
    });

    it('the service saves under the lock of the call chain, and refuses to save without', async () => {
      const application = await store.openApplication();
      const [locking, checkpoints] = [application.get(LockingService), application.get(CheckpointService)];
      await locking.execute('import', async () => {
        await checkpoints.save('import', 1, { progress: 'half' });
        expect((await checkpoints.loadLatest<number>('import'))?.data).toBe(1);
      });
      expect((await rejectionOf(checkpoints.save('import', 2))).message).toMatch(/does not hold "import"/);
      await using lock = await locking.acquire('import');
      await checkpoints.save('import', 3, { lock });
      expect((await checkpoints.load<number>('import', 2))?.data).toBe(3);
      expect((await checkpoints.list('import')).map(({ progress }) => progress)).toEqual(['half', undefined]);
    });

    it('from outside, checkpoints are only deleted while no other caller holds the key', async () => {
      const [one, two] = [await store.openApplication(), await store.openApplication()];
      const outside = two.get(CheckpointService);
      {
        await using lock = await one.get(LockingService).acquire('import');
        await lock.checkpoints<number>().save(1);
        await lock.checkpoints<number>().save(2);
        expect(isLockTimeoutError(await rejectionOf(outside.deleteAll('import')))).toBe(true);
        expect(isLockTimeoutError(await rejectionOf(outside.cleanup('import', { keep: 1 })))).toBe(true);
      }
      await outside.cleanup('import', { keep: 1 });
      expect(sequencesOf(await outside.list('import'))).toEqual([2]);
      await outside.deleteAll('import');
      expect(await outside.loadLatest('import')).toBeNull();
    });

    it('a flush at the release that is refused is logged, and the lock is released', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      const [one, two] = [await store.openApplication(), await store.openApplication()];
      const options = { ownerId: 'importer', expire: '1m' } as const;
      const late = await one.get(LockingService).acquire('import', options);
      await late.checkpoints<number>({ every: '1h' }).save(1);
      await late.checkpoints<number>({ every: '1h' }).save(2);
      const next = await two.get(LockingService).acquire('import', options);
      await next.checkpoints<number>().loadLatest();
      await late.release();
      expect(warn.mock.calls.flat().join('\n')).toMatch(/The last checkpoint of "import" could not be saved/);
      await next.release();
    });

    it('the release of a lost lock logs nothing where nothing is kept in memory', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      const [one, two] = [await store.open(), await store.open()];
      const lock = await one.acquire('import', { expire: '1s', renew: true });
      await lock.checkpoints<number>().save(1);
      await two.forceRelease('import');
      await eventually(() => lock.signal.aborted);
      await lock.release();
      expect(warn.mock.calls.flat().join('\n')).not.toContain('checkpoint');
    });

    it.each([
      ['keep', { keep: 0 }, /^keep must be a whole number from 1 to 100, not 0/],
      ['version', { version: 1.5 }, /^version must be a whole number, 1 or more, not 1\.5/],
      ['migrate', { migrate: 'x' as never }, /^migrate must be a function/],
      ['every', { every: 5000 }, /^every: a bare number is seconds/],
      ['ttl', { ttl: 'soon' as never }, /^ttl: "soon" is not a length of time/],
    ])('refuses an unusable %s', async (_, options, message) => {
      const locking = await store.open();
      await locking.execute('import', (lock) => {
        expect(() => lock.checkpoints(options)).toThrow(message);
      });
    });

    it('refuses data that cannot be kept at the call, also if it were kept in memory', async () => {
      const locking = await store.open();
      await locking.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<unknown>({ every: '1h', maxSize: 100 });
        await checkpoints.save('first');
        expect((await rejectionOf(checkpoints.save('x'.repeat(200)))).message).toMatch(/at most 100 are allowed/);
        expect((await rejectionOf(checkpoints.save(1n))).message).toMatch(/cannot be written as JSON/);
        for (const lossy of [new Map([[1, 2]]), { done: new Set([1]) }, [new ArrayBuffer(8)]]) {
          const error = await rejectionOf(checkpoints.save(lossy));
          expect(error.message).toMatch(/it has a (Map|Set|ArrayBuffer), of which JSON keeps nothing/);
        }
        const options = { progress: 'x'.repeat(2000) };
        expect((await rejectionOf(checkpoints.save('data', options))).message).toMatch(/^progress has 2002 bytes/);
        expect((await rejectionOf(checkpoints.load(0))).message).toMatch(/^The sequence of a checkpoint/);
      });
    });
  });
});
