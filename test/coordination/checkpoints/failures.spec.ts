import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger, type INestApplicationContext } from '@nestjs/common';
import {
  CheckpointService,
  isLockLostError,
  LockBackendError,
  LockingService,
  RecordService,
  type Lock,
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

describe('reads of checkpoints by a former holder', () => {
  // Of an owner that two instances share, the first does not hear of the second.
  const options = { ownerId: 'importer', expire: '1m' } as const;

  const reads = (lock: Lock): (() => Promise<unknown>)[] => {
    const checkpoints = lock.checkpoints<unknown>();
    return [
      async () => checkpoints.loadLatest(),
      async () => checkpoints.load(1),
      async () => checkpoints.load(2),
      async () => checkpoints.list(),
    ];
  };

  /** A new form of the data takes the name of the old one: sequences begin anew. */
  const saveAnew = async (lock: Lock): Promise<void> => {
    const checkpoints = lock.checkpoints<unknown>({ version: 2 });
    await checkpoints.deleteAll();
    await checkpoints.save({ form: 'new' });
  };

  onEveryStore((store) => {
    it.each([0, 1, 2])('are refused once the next holder has saved (with %s checkpoints before)', async (before) => {
      for (const call of [0, 1, 2, 3]) {
        const key = `import ${String(call)}`;
        const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
        const former = await one.locking.acquire(key, options);
        for (let step = 1; step <= before; step += 1) await former.checkpoints<unknown>().save(step);
        expect(await former.checkpoints().list()).toHaveLength(before);
        const next = await two.locking.acquire(key, options);
        await next.checkpoints<unknown>().save('next');
        expect(isLockLostError(await rejectionOf(reads(former)[call]!()))).toBe(true);
        await next.release();
      }
    });

    it.each(['loadLatest', 'load'] as const)(
      'never get the data of the next holder: it deleted all and saved anew (before %s)',
      async (call) => {
        const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
        const former = await one.locking.acquire('import', options);
        await former.checkpoints<unknown>().save({ form: 'old' });
        const next = await two.locking.acquire('import', options);
        await saveAnew(next);
        const checkpoints = former.checkpoints();
        const loading = call === 'load' ? checkpoints.load(1) : checkpoints.loadLatest();
        expect(isLockLostError(await rejectionOf(loading))).toBe(true);
        await next.release();
      },
    );

    it.each(['loadLatest', 'load'] as const)(
      'never get the data of the next holder: it deleted all and saved anew (in the midst of %s)',
      async (call) => {
        const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
        const former = await one.locking.acquire('import', options);
        await former.checkpoints<unknown>().save({ form: 'old' });
        const { asked, goOn } = holdReads(one.records);
        const checkpoints = former.checkpoints();
        const loading = rejectionOf(call === 'load' ? checkpoints.load(1) : checkpoints.loadLatest());
        await asked;
        const next = await two.locking.acquire('import', options);
        await saveAnew(next);
        goOn();
        expect(isLockLostError(await loading)).toBe(true);
        await next.release();
      },
    );

    it('are refused when the lock was revoked after the claim was written and before its answer', async () => {
      const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
      const former = await one.locking.acquire('import');
      const write = one.records.write.bind(one.records);
      jest.spyOn(one.records, 'write').mockImplementation(async (name, value, writeOptions) => {
        const change = await write(name, value, writeOptions);
        await one.locking.forceRelease('import');
        await two.locking.execute('import', async (lock) => lock.checkpoints<unknown>().save('next'));
        await eventually(async () => Promise.resolve(former.signal.aborted));
        return change;
      });
      expect(isLockLostError(await rejectionOf(former.checkpoints().loadLatest()))).toBe(true);
    });

    it.each(['loadLatest', 'load'] as const)(
      'from outside, %s does not join an entry with the data that the holder has saved anew',
      async (call) => {
        const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
        const lock = await one.locking.acquire('import');
        await lock.checkpoints<unknown>().save({ form: 'old' }, { progress: 'old' });
        const { asked, goOn } = holdReads(two.records);
        const settings = { version: 2, migrate: () => 'migrated' };
        const loading =
          call === 'load' ? two.outside.load('import', 1, settings) : two.outside.loadLatest('import', settings);
        await asked;
        await saveAnew(lock);
        goOn();
        expect(await loading).toMatchObject({ version: 2, progress: undefined, data: { form: 'new' } });
        await lock.release();
      },
    );

    it('the latest is the one before when the store has lost its last writes', async () => {
      const { locking, records } = open(await store.openApplication());
      await locking.execute('import', async (lock) => {
        const checkpoints = lock.checkpoints<number>();
        await checkpoints.save(1);
        const head = (await records.read('checkpoint/import'))!;
        await checkpoints.save(2);
        await records.write('checkpoint/import', head.value, { token: lock.fencingToken, ttl: '1h' });
        await records.delete('checkpoint-data/import/2', { token: lock.fencingToken, keepTokenFor: '0ms' });
        expect((await checkpoints.loadLatest())?.data).toBe(1);
        expect(await checkpoints.list()).toHaveLength(1);
      });
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
