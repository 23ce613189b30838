import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger, type INestApplicationContext } from '@nestjs/common';
import { LockingService, RecordService } from '../../lib/index.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

const open = (application: INestApplicationContext) => ({
  locking: application.get(LockingService),
  records: application.get(RecordService),
});

afterEach(() => {
  jest.restoreAllMocks();
});

describe('RecordService', () => {
  onEveryStore((store) => {
    it('a record is read back as it was written, by every instance', async () => {
      const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
      const value = { text: 'ä', nested: [1, { deep: null }], missing: undefined };
      const { changed, version } = (await one.records.write('a', value, { ttl: '1m', token: 4 })) as {
        changed: true;
        version: string;
      };
      expect(changed).toBe(true);
      const record = await two.records.read('a');
      expect(record).toEqual({
        name: 'a',
        value: { text: 'ä', nested: [1, { deep: null }] },
        token: 4,
        version,
        age: expect.any(Number),
        ttl: expect.any(Number),
      });
      expect(await two.records.read('b')).toBeNull();
    });

    it('a former holder of a lock writes and deletes nothing any more', async () => {
      const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
      const late = await one.locking.acquire('job');
      await one.records.write('job/state', 'one', { ttl: null, token: late.fencingToken });
      await two.locking.forceRelease('job');
      await two.locking.execute('job', async ({ fencingToken }) => {
        expect(await two.records.write('job/state', 'two', { ttl: null, token: fencingToken })).toMatchObject({
          changed: true,
        });
      });
      const options = { ttl: null, token: late.fencingToken };
      expect(await one.records.write('job/state', 'late', options)).toMatchObject({
        changed: false,
        reason: 'token',
        record: { value: 'two' },
      });
      expect(await one.records.delete('job/state', options)).toMatchObject({ changed: false, reason: 'token' });
      expect((await two.records.read('job/state'))?.value).toBe('two');
    });

    it('a version that was read is replaced only if it still stands', async () => {
      const { records } = open(await store.openApplication());
      await records.write('count', 0, { ttl: '1m' });
      const increment = async (): Promise<void> => {
        for (;;) {
          const { value, version } = (await records.read<number>('count'))!;
          if ((await records.write('count', value + 1, { ttl: '1m', ifVersion: version })).changed) return;
        }
      };
      await Promise.all(Array.from({ length: 10 }, increment));
      expect((await records.read('count'))?.value).toBe(10);
      expect(await records.write('count', 0, { ttl: '1m', ifVersion: null })).toMatchObject({ reason: 'version' });
    });

    it('lists records by prefix, and deletes them', async () => {
      const { records } = open(await store.openApplication());
      for (const name of ['x/1', 'x/2', 'y/1']) await records.write(name, name, { ttl: '1m' });
      const found: unknown[] = [];
      for await (const { value } of records.list('x/')) found.push(value);
      expect(found.sort()).toEqual(['x/1', 'x/2']);
      expect(await records.delete('x/1')).toEqual({ changed: true, version: null });
      expect(await records.delete('x/1')).toEqual({ changed: true, version: null });
      expect(await records.read('x/1')).toBeNull();
    });

    it('watchers of a record are told of its changes until they end their watch', async () => {
      const [one, two] = [open(await store.openApplication()), open(await store.openApplication())];
      const told: string[] = [];
      const end = await one.records.watch('a', () => told.push('first'));
      await one.records.watch('a', () => told.push('second'));
      await one.records.watch('b', () => told.push('other'));
      await two.records.write('a', 1, { ttl: '1m' });
      await eventually(() => told.includes('first') && told.includes('second'));
      end();
      told.length = 0;
      await two.records.delete('a');
      await eventually(() => told.includes('second'));
      expect(told).not.toContain('first');
      expect(told).not.toContain('other');
    });

    it('a listener that fails is logged, and the others are told', async () => {
      const logged = jest.spyOn(Logger.prototype, 'error').mockImplementation(() => undefined);
      const { records } = open(await store.openApplication());
      let told = 0;
      await records.watch('a', () => {
        throw new Error('thrown at once');
      });
      // eslint-disable-next-line @typescript-eslint/no-misused-promises -- users do so all the same
      await records.watch('a', async () => Promise.reject(new Error('thrown later')));
      await records.watch('a', () => (told += 1));
      await records.write('a', 1, { ttl: '1m' });
      await eventually(() => told > 0 && logged.mock.calls.length >= 2);
      const lines = logged.mock.calls.flat().join('\n');
      expect(lines).toMatch(/A listener of RecordService\.watch for the record "a" failed: Error: thrown at once/);
      expect(lines).toMatch(/failed: Error: thrown later/);
    });

    it.each([
      ['an empty name', ['', 1, { ttl: 1 }], /name of a record must not be empty/],
      ['a name that is no string', [7, 1, { ttl: 1 }], /must be a string, not number/],
      ['half a surrogate pair', ['\ud800', 1, { ttl: 1 }], /half a surrogate pair/],
      ['a long name', ['ä'.repeat(513), 1, { ttl: 1 }], /has 1026 bytes; at most 1024/],
      ['a value that is not JSON', ['a', undefined, { ttl: 1 }], /of type undefined\. Nothing was written/],
      ['a function', ['a', () => 1, { ttl: 1 }], /of type function/],
      ['a bigint', ['a', 1n, { ttl: 1 }], /BigInt/],
      ['a large value', ['a', 'x'.repeat(262_143), { ttl: 1 }], /has 262145 bytes as JSON; at most 262144/],
      ['a value above maxSize', ['a', 'abc', { ttl: 1, maxSize: 4 }], /has 5 bytes as JSON; at most 4/],
      ['no ttl', ['a', 1, {}], /needs a ttl/],
      ['a ttl in milliseconds', ['a', 1, { ttl: 60_000 }], /bare number is seconds/],
      ['a token that is none', ['a', 1, { ttl: 1, token: -1 }], /must be the fencingToken of a lock, not -1/],
      ['a version that is none', ['a', 1, { ttl: 1, ifVersion: '' }], /ifVersion of the record "a"/],
    ])('refuses %s before anything is written', async (_, parameters, message) => {
      const { records } = open(await store.openApplication());
      const error = await rejectionOf(records.write(...(parameters as Parameters<typeof records.write>)));
      expect(error.message).toMatch(message);
      for await (const { name } of records.list('')) throw new Error(`${name} was written`);
    });
  });
});
