import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger, type INestApplicationContext } from '@nestjs/common';
import {
  CheckpointService,
  isLockLostError,
  LockBackendError,
  LockingService,
  RecordService,
} from '../../../lib/index.js';
import { deferred } from '../../support/deferred.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { onEveryStore } from '../../support/stores.js';

const open = (application: INestApplicationContext) => ({
  locking: application.get(LockingService),
  outside: application.get(CheckpointService),
  records: application.get(RecordService),
});

/** The answers to the writes of one record are lost, or its writes do not arrive. Returns a function that ends it. */
function failWrites(records: RecordService, name: string, arrives: boolean): () => void {
  const write = records.write.bind(records);
  const spy = jest.spyOn(records, 'write').mockImplementation(async (written, value, options) => {
    if (written !== name) return write(written, value, options);
    if (arrives) await write(written, value, options);
    throw new LockBackendError([name], 'no answer');
  });
  return () => {
    spy.mockRestore();
  };
}

/** From now on the data of a checkpoint is read only once `goOn` is called. */
function holdReads(records: RecordService): { readonly asked: Promise<void>; readonly goOn: () => void } {
  const [asked, gate] = [deferred(), deferred()];
  const read = records.read.bind(records);
  const spy = jest.spyOn(records, 'read').mockImplementation(async (name, options) => {
    if (name.startsWith('checkpoint-data/')) {
      asked.resolve();
      await gate.promise;
    }
    return read(name, options);
  });
  const goOn = (): void => {
    spy.mockRestore();
    gate.resolve();
  };
  return { asked: asked.promise, goOn };
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('checkpoints when requests fail', () => {
  onEveryStore((store) => {
    it.each([true, false])(
      'an older save does not follow one that failed (it reached the store: %s)',
      async (arrives) => {
        const { locking, outside, records } = open(await store.openApplication());
        await locking.execute('import', async (lock) => {
          await lock.checkpoints<number>().save(1);
          await lock.checkpoints<number>({ every: '1h' }).save(2);
          const end = failWrites(records, 'checkpoint/import', arrives);
          expect((await rejectionOf(lock.checkpoints<number>().save(3))).message).toBe('no answer');
          end();
        });
        expect((await outside.loadLatest('import'))?.data).toBe(3);
      },
    );

    it.each(['loadLatest', 'load'] as const)(
      'a holder that stood still in %s while the next one went on learns that, and does not begin anew',
      async (call) => {
        const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
        // Of an owner that two instances share, the first does not hear of the second.
        const options = { ownerId: 'importer', expire: '1m' } as const;
        const former = await one.locking.acquire('import', options);
        await former.checkpoints<number>().save(1);
        const { asked, goOn } = holdReads(one.records);
        const checkpoints = former.checkpoints<number>();
        const loading = rejectionOf(call === 'load' ? checkpoints.load(1) : checkpoints.loadLatest());
        await asked;
        const next = await two.locking.acquire('import', options);
        await next.checkpoints<number>({ keep: 1 }).save(2);
        goOn();
        expect(isLockLostError(await loading)).toBe(true);
        await next.release();
      },
    );

    it('a save that failed is written by flush, and dropped by deleteAll', async () => {
      const { locking, outside, records } = open(await store.openApplication());
      await locking.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<number>();
        let end = failWrites(records, 'checkpoint-data/import/1', false);
        await rejectionOf(checkpoints.save(1));
        end();
        await checkpoints.flush();
        expect((await outside.loadLatest('import'))?.data).toBe(1);
        end = failWrites(records, 'checkpoint-data/import/3', true);
        await rejectionOf(checkpoints.save(2));
        end();
        await checkpoints.deleteAll();
      });
      expect(await outside.list('import')).toEqual([]);
      for await (const { name } of records.list('checkpoint')) throw new Error(`${name} is still there`);
    });

    it('a save that was refused is not tried again at the release', async () => {
      const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
      const { locking, records } = open(await store.openApplication());
      await locking.execute('import', async (lock) => {
        const later = { last: 0, entries: [] };
        await records.write('checkpoint/import', later, { token: lock.fencingToken + 1, ttl: '1h' });
        const error = await rejectionOf(lock.checkpoints<number>().save(1));
        expect(isLockLostError(error)).toBe(true);
      });
      expect(warn.mock.calls.flat().join('\n')).not.toContain('checkpoint');
    });

    it('the late request of a save that failed changes nothing', async () => {
      const { locking, outside, records } = open(await store.openApplication());
      await locking.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<number>();
        await checkpoints.save(1);
        const late: (() => Promise<unknown>)[] = [];
        const write = records.write.bind(records);
        for (const delayed of ['checkpoint-data/', 'checkpoint/']) {
          const spy = jest.spyOn(records, 'write').mockImplementation(async (name, value, options) => {
            if (!name.startsWith(delayed)) return write(name, value, options);
            late.push(async () => write(name, value, options));
            throw new LockBackendError([name], 'no answer');
          });
          await rejectionOf(checkpoints.save(2));
          spy.mockRestore();
        }
        await checkpoints.save(3);
        await checkpoints.save(4);
        expect(late).toHaveLength(2);
        for (const request of late) await request();
        expect((await checkpoints.loadLatest())?.data).toBe(4);
      });
      expect((await outside.loadLatest('import'))?.data).toBe(4);
    });

    it('a holder goes on when the store has lost its last writes', async () => {
      const { locking, outside, records } = open(await store.openApplication());
      await locking.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<number>();
        await checkpoints.save(1);
        await records.delete('checkpoint/import', { token: lock.fencingToken, keepTokenFor: '0ms' });
        await checkpoints.save(2);
        expect((await checkpoints.loadLatest())?.data).toBe(2);
      });
      expect((await outside.loadLatest('import'))?.data).toBe(2);
    });

    it('from outside, the latest is found although a save deletes the one that was the latest', async () => {
      const { locking, outside, records } = open(await store.openApplication());
      const lock = await locking.acquire('import');
      const checkpoints = lock.checkpoints<number>({ keep: 1 });
      await checkpoints.save(1);
      const read = records.read.bind(records);
      let saved = false;
      jest.spyOn(records, 'read').mockImplementation(async (name, options) => {
        const record = await read(name, options);
        if (!saved) {
          saved = true;
          await checkpoints.save(2);
        }
        return record;
      });
      expect((await outside.loadLatest('import'))?.data).toBe(2);
      await lock.release();
    });
  });
});

describe('checkpoints that expire', () => {
  onEveryStore((store) => {
    it('checkpoints without a ttl stay without one after any cleanup or load', async () => {
      const { locking, outside, records } = open(await store.openApplication());
      await locking.execute('import', async (lock) => {
        for (const data of [1, 2]) await lock.checkpoints<number>({ ttl: null }).save(data);
      });
      await outside.cleanup('import', { keep: 1 });
      await locking.execute('import', async (lock) => lock.checkpoints().loadLatest());
      expect((await records.read('checkpoint/import'))?.ttl).toBeNull();
      expect((await outside.loadLatest('import'))?.data).toBe(2);
    });

    it('a checkpoint whose data has expired is not listed', async () => {
      const { locking, outside, records } = open(await store.openApplication());
      await locking.execute('import', async (lock) => {
        await lock.checkpoints<number>({ ttl: '500ms' }).save(1);
        await lock.checkpoints<number>().save(2);
        await eventually(async () => (await records.read('checkpoint-data/import/1')) === null);
        await eventually(async () => (await lock.checkpoints().list()).length === 1);
        await eventually(async () => (await locking.runOutsideLocks(async () => outside.list('import'))).length === 1);
        await lock.checkpoints<number>().save(3);
        expect((await lock.checkpoints().list()).map(({ sequence }) => sequence)).toEqual([2, 3]);
      });
      expect((await outside.list('import')).map(({ sequence }) => sequence)).toEqual([2, 3]);
    });

    it('a checkpoint that was only loaded is not listed after its time', async () => {
      const { locking, outside, records } = open(await store.openApplication());
      await locking.execute('import', async (lock) => lock.checkpoints<number>({ ttl: '500ms' }).save(1));
      await locking.execute('import', async (lock) => lock.checkpoints().loadLatest());
      await eventually(async () => (await records.read('checkpoint-data/import/1')) === null);
      await eventually(async () => (await outside.list('import')).length === 0);
      expect(await outside.loadLatest('import')).toBeNull();
    });
  });
});
