import assert from 'node:assert/strict';
import type { RecordAnswer, RecordStore, RecordWrite, StoredRecord } from '../../provider-api/index.js';
import type { ConformanceCase } from './provider-under-test.js';
import { assertAbout } from './requests.js';

interface Stores {
  readonly provider: RecordStore;
  readonly other: RecordStore;
  readonly pass: (milliseconds: number) => Promise<void>;
}

function recordCase(name: string, run: (stores: Stores) => Promise<void>): ConformanceCase {
  // The suite leaves these cases out for a store without records.
  return { name, run: async ({ provider, other, pass }) => run({ provider, other, pass } as never) };
}

let versions = 0;

function writing(name: string, value: unknown, more: Partial<RecordWrite> = {}): RecordWrite {
  versions += 1;
  return { name, value: JSON.stringify(value), token: 0, version: `v${String(versions)}`, ttl: 60_000, ...more };
}

async function read(store: RecordStore, name: string): Promise<StoredRecord | null> {
  const [found] = await store.readRecords([name]);
  assert.notEqual(found, undefined);
  return found ?? null;
}

async function valueOf(store: RecordStore, name: string): Promise<unknown> {
  const found = await read(store, name);
  return found ? (JSON.parse(found.value) as unknown) : undefined;
}

async function namesIn(store: RecordStore, prefix: string): Promise<string[]> {
  const names: string[] = [];
  for await (const { name } of store.listRecords(prefix)) names.push(name);
  return names.sort();
}

function assertRefused(answer: RecordAnswer, reason: 'token' | 'version', value?: unknown): void {
  assert.equal(answer.changed, false);
  assert.equal(answer.reason, reason);
  assert.deepEqual(answer.record ? JSON.parse(answer.record.value) : undefined, value);
}

const DAY = 86_400_000;

export const recordCases: ConformanceCase[] = [
  recordCase('reads what was written, by any process', async ({ provider, other }) => {
    const request = writing('a', { text: 'ä "quoted" \u2028 💡\0', list: [1, null, true] }, { token: 7, ttl: 5000 });
    assert.deepEqual(await provider.writeRecord(request), { changed: true });
    const [found, none] = await other.readRecords(['a', 'b']);
    assert.equal(none, null);
    assert.ok(found);
    const { age, ttl, ...rest } = found;
    assert.deepEqual(rest, { name: 'a', value: request.value, token: 7, version: request.version });
    assertAbout(ttl, 5000);
    assert.ok(age >= 0 && age < 5000, `the record is ${String(age)} ms old`);
    assert.equal(Math.floor(age), age);
  }),

  recordCase('keeps records apart from locks of the same name', async ({ provider }) => {
    await provider.writeRecord(writing('a', 1));
    const answer = await provider.acquire({
      keys: ['a'],
      ownerId: 'one',
      processId: 'p',
      attemptId: 'p.1',
      ttl: 60_000,
      onlyIfOwned: false,
    });
    assert.equal(answer.granted, true);
    assert.equal(await valueOf(provider, 'a'), 1);
    const keys: string[] = [];
    for await (const { key } of provider.list()) keys.push(key);
    assert.deepEqual(keys, ['a']);
  }),

  recordCase('a record without a ttl stays, one with a ttl expires, and a write sets the ttl anew', async (stores) => {
    const { provider, pass } = stores;
    await provider.writeRecord(writing('stays', 1, { ttl: null }));
    await provider.writeRecord(writing('goes', 1, { ttl: 300 }));
    await provider.writeRecord(writing('renewed', 1, { ttl: 300 }));
    await provider.writeRecord(writing('renewed', 2, { ttl: 60_000 }));
    await provider.writeRecord(writing('for good', 1, { ttl: 300 }));
    await provider.writeRecord(writing('for good', 2, { ttl: null }));
    await pass(400);
    assert.equal((await read(provider, 'stays'))?.ttl, null);
    assert.equal(await read(provider, 'goes'), null);
    assert.equal(await valueOf(provider, 'renewed'), 2);
    assert.equal((await read(provider, 'for good'))?.ttl, null);
  }),

  recordCase('the age of a record grows, and a write sets it back', async ({ provider, other, pass }) => {
    await provider.writeRecord(writing('a', 1));
    await pass(600);
    const old = (await read(other, 'a'))?.age ?? 0;
    assert.ok(old >= 500, `after 600 ms the record is ${String(old)} ms old`);
    await provider.writeRecord(writing('a', 2));
    const fresh = (await read(other, 'a'))?.age ?? Infinity;
    assert.ok(fresh < old, `after a write the record is ${String(fresh)} ms old`);
  }),

  recordCase('refuses a token below the greatest that wrote', async ({ provider, other }) => {
    const greatest = 2 ** 53 - 1;
    await provider.writeRecord(writing('a', 'new', { token: greatest }));
    assertRefused(await other.writeRecord(writing('a', 'late', { token: greatest - 1 })), 'token', 'new');
    assertRefused(await other.writeRecord(writing('a', 'without')), 'token', 'new');
    assertRefused(await other.deleteRecord({ name: 'a', token: greatest - 1, keepTokenFor: DAY }), 'token', 'new');
    assert.deepEqual(await other.writeRecord(writing('a', 'same', { token: greatest })), { changed: true });
    assert.equal((await read(provider, 'a'))?.token, greatest);
    assert.equal(await valueOf(provider, 'a'), 'same');
  }),

  recordCase(
    'remembers the token of a deleted record, for as long as it is asked to',
    async ({ provider, other, pass }) => {
      await provider.writeRecord(writing('a', 1, { token: 5 }));
      assert.deepEqual(await provider.deleteRecord({ name: 'a', token: 6, keepTokenFor: DAY }), { changed: true });
      assert.equal(await read(other, 'a'), null);
      assert.deepEqual(await namesIn(other, ''), []);
      assertRefused(await other.writeRecord(writing('a', 'late', { token: 5 })), 'token');
      assert.deepEqual(await other.writeRecord(writing('a', 2, { token: 6, ifVersion: null })), { changed: true });
      await provider.writeRecord(writing('short', 1, { token: 5 }));
      await provider.deleteRecord({ name: 'short', token: 5, keepTokenFor: 300 });
      await pass(400);
      assert.deepEqual(await other.writeRecord(writing('short', 2, { token: 4 })), { changed: true });
    },
  ),

  recordCase('remembers the token of a deletion that found no record', async ({ provider, other }) => {
    assert.deepEqual(await provider.deleteRecord({ name: 'a', token: 9, keepTokenFor: DAY }), { changed: true });
    assertRefused(await other.writeRecord(writing('a', 'late', { token: 8 })), 'token');
    assert.deepEqual(await provider.deleteRecord({ name: 'a', token: 3, keepTokenFor: DAY }), { changed: true });
    assertRefused(await other.writeRecord(writing('a', 'late', { token: 8 })), 'token');
  }),

  recordCase('a deletion with a lower token does not shorten the memory of the greatest', async (stores) => {
    const { provider, other, pass } = stores;
    await provider.writeRecord(writing('a', 1, { token: 5 }));
    await provider.deleteRecord({ name: 'a', token: 6, keepTokenFor: DAY });
    for (const keepTokenFor of [0, 300]) {
      assert.deepEqual(await other.deleteRecord({ name: 'a', token: 5, keepTokenFor }), { changed: true });
      assertRefused(await other.writeRecord(writing('a', 'late', { token: 5 })), 'token');
    }
    await pass(400);
    assertRefused(await other.writeRecord(writing('a', 'late', { token: 5 })), 'token');
    await provider.deleteRecord({ name: 'b', token: 6, keepTokenFor: 300 });
    await other.deleteRecord({ name: 'b', token: 5, keepTokenFor: DAY });
    await pass(400);
    assertRefused(await other.writeRecord(writing('b', 'late', { token: 4 })), 'token');
    assert.deepEqual(await other.writeRecord(writing('b', 2, { token: 6 })), { changed: true });
  }),

  recordCase('compares versions and sets', async ({ provider, other }) => {
    const first = writing('a', 1, { ifVersion: null });
    assert.deepEqual(await provider.writeRecord(first), { changed: true });
    assertRefused(await other.writeRecord(writing('a', 2, { ifVersion: null })), 'version', 1);
    const second = writing('a', 2, { ifVersion: first.version });
    assert.deepEqual(await other.writeRecord(second), { changed: true });
    assertRefused(await provider.writeRecord(writing('a', 3, { ifVersion: first.version })), 'version', 2);
    assertRefused(await provider.writeRecord(writing('b', 3, { ifVersion: first.version })), 'version');
    const stale = { name: 'a', token: 0, ifVersion: first.version, keepTokenFor: DAY };
    assertRefused(await provider.deleteRecord(stale), 'version', 2);
    assert.deepEqual(await provider.deleteRecord({ ...stale, ifVersion: second.version }), { changed: true });
    assert.equal(await read(provider, 'a'), null);
  }),

  recordCase('of many that compare and set at the same time, one wins', async ({ provider, other }) => {
    await provider.writeRecord(writing('a', 0, { version: 'start' }));
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, index) =>
        (index % 2 === 0 ? provider : other).writeRecord(writing('a', index, { ifVersion: 'start' })),
      ),
    );
    assert.equal(answers.filter(({ changed }) => changed).length, 1);
  }),

  recordCase('a request that arrives twice is answered twice the same', async ({ provider, other }) => {
    const request = writing('a', 1, { ifVersion: null, token: 3 });
    assert.deepEqual(await provider.writeRecord(request), { changed: true });
    assert.deepEqual(await other.writeRecord(request), { changed: true });
    assert.equal(await valueOf(other, 'a'), 1);
    const deletion = { name: 'a', token: 3, ifVersion: request.version, keepTokenFor: DAY };
    assert.deepEqual(await provider.deleteRecord(deletion), { changed: true });
    assert.deepEqual(await other.deleteRecord(deletion), { changed: true });
  }),

  recordCase('keeps names apart that differ in little, and lists them by prefix', async ({ provider, other }) => {
    const names = [
      'a',
      'A',
      'a ',
      'a*',
      'a?b',
      'a[b]',
      'a\\b',
      'a%',
      'a_b',
      'axb',
      'ä',
      'a\u0308',
      "a'b",
      '{a}',
      'a\n',
    ];
    for (const name of names) await provider.writeRecord(writing(name, name));
    for (const name of names) assert.equal(await valueOf(other, name), name);
    assert.deepEqual(await namesIn(other, ''), [...names].sort());
    assert.deepEqual(await namesIn(other, 'a*'), ['a*']);
    assert.deepEqual(await namesIn(other, 'a_'), ['a_b']);
    assert.deepEqual(await namesIn(other, 'a['), ['a[b]']);
    assert.deepEqual(await namesIn(other, 'a\\'), ['a\\b']);
    assert.deepEqual(await namesIn(other, 'none'), []);
  }),

  recordCase('keeps long names and large values', async ({ provider, other }) => {
    const name = `n${'ä'.repeat(511)}`;
    const value = { text: 'x'.repeat(200_000), more: 'ü'.repeat(20_000) };
    assert.deepEqual(await provider.writeRecord(writing(name, value)), { changed: true });
    assert.deepEqual(await valueOf(other, name), value);
    assert.deepEqual(await namesIn(other, 'n'), [name]);
  }),

  recordCase('lists thousands of records', async ({ provider }) => {
    const names = Array.from({ length: 2500 }, (_, index) => `many/${String(index).padStart(4, '0')}`);
    for (let start = 0; start < names.length; start += 250) {
      await Promise.all(names.slice(start, start + 250).map(async (name) => provider.writeRecord(writing(name, 1))));
    }
    await provider.writeRecord(writing('other', 1));
    assert.deepEqual(await namesIn(provider, 'many/'), names);
  }),

  recordCase('tells of writes and deletions, where it tells at all', async ({ provider, other }) => {
    if (!other.watchRecords) return;
    const told: string[] = [];
    let more: () => void = () => undefined;
    await other.watchRecords({
      changed: (name) => {
        told.push(name);
        more();
      },
      restored: () => undefined,
    });
    const untilTold = async (name: string): Promise<void> => {
      while (!told.includes(name)) await new Promise<void>((resolve) => (more = resolve));
      told.length = 0;
    };
    assert.deepEqual(await provider.writeRecord(writing('watched: ä', 1)), { changed: true });
    await untilTold('watched: ä');
    const deletion = { name: 'watched: ä', token: 0, keepTokenFor: DAY };
    assert.deepEqual(await provider.deleteRecord(deletion), { changed: true });
    await untilTold('watched: ä');
  }),
];
