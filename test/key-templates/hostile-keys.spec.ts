import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isWellFormed } from '../../lib/engine/options/well-formed.js';
import type { LockInfo, LockingService } from '../../lib/index.js';
import { onEveryStore } from '../support/stores.js';

const KEYS: readonly [string, string][] = [
  ['one byte', 'k'],
  ['64 KiB', 'k'.repeat(65_536)],
  ['64 KiB of characters of three bytes', `${'€'.repeat(21_845)}.`],
  ['every control character', String.fromCharCode(...Array.from({ length: 32 }, (_, code) => code), 127, 133, 155)],
  ['a zero alone', '\0'],
  ['zeros at both ends', '\0key\0'],
  ['line breaks', '\r\nkey\r\n*1\r\n$4\r\nPING\r\n'],
  ['spaces', '  granted 5 1 x.0 other  '],
  ['a hash tag', '{user:1}:cart'],
  ['half a hash tag', '}{'],
  ['an empty hash tag', '{}key'],
  ['glob characters', '*?[a-z]\\*[^x]'],
  ['colons', ':nl1:5:x:me:'],
  ['emoji, joined', '👩‍👩‍👧‍👦'],
  ['the character that stands for what cannot be encoded', '\uFFFD'],
  ['both forms of an umlaut', 'u\u0308ü'],
  ['direction marks', '\u202Eabc\u2066'],
  ['Lua patterns', '%d+(.-)%z$'],
  ['names of objects', '__proto__'],
];

const escapeGlob = (text: string): string => text.replace(/[\\*?[\]]/g, '\\$&');

async function listed(locking: LockingService, match?: string): Promise<LockInfo[]> {
  const found: LockInfo[] = [];
  for await (const info of locking.list({ match })) found.push(info);
  return found;
}

onEveryStore((store) => {
  describe.each(KEYS)('a key of %s', (_, key) => {
    it('a strange key is locked, handed off, shown, listed and freed like any other', async () => {
      const [here, there] = [await store.open(), await store.open()];
      const lock = await here.acquire(key, { ownerId: 'me', expire: '20s' });
      expect(await there.tryAcquire(key)).toBeNull();
      expect(await there.inspect(key)).toMatchObject({ key, ownerId: 'me', fencingToken: lock.fencingToken });
      expect(await listed(there)).toMatchObject([{ key }]);
      expect(await listed(there, escapeGlob(key))).toMatchObject([{ key }]);
      expect(await there.extend(key, { ownerId: 'me', expire: '30s' })).toBe(true);

      // The waiter gets a message that ends with the key.
      const waiting = there.acquire(key, { timeout: '20s' });
      await untilWaiting(here, key);
      const since = performance.now();
      expect(await lock.release()).toBe(true);
      const next = await waiting;
      // A poll would come later.
      expect(performance.now() - since).toBeLessThan(900);
      expect(next.fencingToken).toBeGreaterThan(lock.fencingToken);

      // The holder of a revoked key gets such a message, too.
      const lost = new Promise((resolve) => {
        next.signal.addEventListener('abort', resolve);
      });
      expect(await here.forceRelease(key)).toBe(1);
      await lost;
      expect(await here.inspect(key)).toBeNull();
      expect(await here.execute([key, `${key.slice(0, 100)}2`], () => 'both')).toBe('both');
      expect(await listed(here)).toEqual([]);
    });
  });

  it('two different keys do not exclude each other', async () => {
    const locking = await store.open();
    const unit = fc.oneof(
      fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
      fc.constantFrom('a', 'A', 'ü', 'u\u0308', '\uFFFD', '\0', '\n', ' ', '{', '}', '*', '?', ':', '%', '\u{1F600}'),
    );
    const key = fc.array(unit, { minLength: 1, maxLength: 4 }).map((units) => units.join(''));
    await fc.assert(
      fc.asyncProperty(key, key, async (one, other) => {
        fc.pre(isWellFormed(one) && isWellFormed(other));
        const lock = await locking.acquire(one);
        try {
          const second = await locking.tryAcquire(other);
          expect(second === null).toBe(one === other);
          expect(await locking.tryAcquire(one)).toBeNull();
          await second?.release();
        } finally {
          await lock.release();
        }
      }),
      { numRuns: 300 },
    );
    expect(await listed(locking)).toEqual([]);
  });
});

async function untilWaiting(locking: LockingService, key: string): Promise<void> {
  const deadline = performance.now() + 15_000;
  while ((await locking.inspect(key))?.waiters !== 1) {
    if (performance.now() > deadline) throw new Error('nobody waits');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
