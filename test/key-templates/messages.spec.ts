import { describe, expect, it } from '@jest/globals';
import { onOneLine, quote } from '../../lib/errors/quote.js';
import { InMemoryLockingProvider, type LockingError } from '../../lib/index.js';
import { readModuleOptions } from '../../lib/module/read-module-options.js';
import { rejectionOf } from '../support/poll.js';
import { onEveryStore } from '../support/stores.js';

/** Characters that begin a new line or a terminal command, or that make text look like another one. */
const DANGEROUS = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u;
const FORGERY = '\r\n2026-01-01 ERROR all is lost\u001b[2J\u009b31m\u0085\u2028\u2029\u202E\u0000\u007f';

describe('a text from outside in a message', () => {
  it.each([
    ['a"b', '"a\\"b"'],
    ['\n\t', '"\\n\\t"'],
    ['\u001b[0m\u009b\u007f', '"\\u001b[0m\\u009b\\u007f"'],
    ['\u2028\u202E\uFEFF', '"\\u2028\\u202e\\ufeff"'],
    ['\uD800', '"\\ud800"'],
    ['\u{E0001}', '"\\u{e0001}"'],
    ['schlüssel ✓ 😀', '"schlüssel ✓ 😀"'],
    [`${'x'.repeat(99)}😀y`, `"${'x'.repeat(99)}\\ud83d…"`],
  ])('%j is shown as %j', (text, shown) => {
    expect(quote(text)).toBe(shown);
  });

  it('the text of another error stays on one line, and is cut short', () => {
    expect(onOneLine('a\nb\u001b')).toBe('a\\u000ab\\u001b');
    expect(onOneLine('x'.repeat(10_000))).toHaveLength(501);
  });
});

describe('the names of options and providers in messages', () => {
  it.each([
    { [FORGERY]: 1 },
    { providers: [{ resolve: InMemoryLockingProvider, id: 'a', [FORGERY]: 1 }] },
    { providers: [{ resolve: InMemoryLockingProvider, id: FORGERY, is_default: 'x' }] },
    { providers: [{ resolve: InMemoryLockingProvider, id: FORGERY, options: { expire: FORGERY } }] },
    { providers: [1, 2].map(() => ({ resolve: InMemoryLockingProvider, id: FORGERY })) },
  ])('dangerous names of options and providers are escaped in messages (%#)', (options) => {
    let message = '';
    try {
      readModuleOptions(options as never);
    } catch (error) {
      ({ message } = error as Error);
    }
    expect(message).toMatch(/^(LockingModule|Provider)/);
    expect(message).not.toMatch(DANGEROUS);
  });
});

onEveryStore((store) => {
  it.each([
    ['a forgery', FORGERY],
    ['64 KiB', 'k'.repeat(65_536)],
    ['64 KiB of control characters', '\u0001'.repeat(65_536)],
  ])('every error about a key of %s is one short line, and keeps the whole key', async (_, key) => {
    const locking = await store.open();
    const another = { reentrant: false } as const;
    const lock = await locking.acquire(key);
    const waiting = rejectionOf(locking.acquire(key, { ...another, timeout: '100ms' }));
    const crowded = rejectionOf(locking.acquire(key, { ...another, maxWaiters: 1 }));
    const impatient = rejectionOf(locking.acquire(key, { ...another, timeout: 0 }));
    const errors = [await waiting, await crowded, await impatient] as LockingError[];
    await lock.release();
    const lost = rejectionOf(locking.execute(key, () => locking.forceRelease(key)));
    errors.push((await lost) as LockingError);
    expect(errors.map(({ code }) => code)).toEqual(['LOCK_TIMEOUT', 'LOCK_TIMEOUT', 'LOCK_TIMEOUT', 'LOCK_LOST']);
    for (const error of errors) {
      expect(error.message).not.toMatch(DANGEROUS);
      expect(error.message.length).toBeLessThan(1500);
      expect(error.keys).toEqual([key]);
    }
  });

  it('dangerous names of options and providers of a call are escaped in messages', async () => {
    const locking = await store.open();
    const calls = [
      locking.acquire('k', { [FORGERY]: 1 } as object),
      locking.acquire('k', { provider: FORGERY }),
      locking.acquire('k', { timeout: FORGERY as '1s' }),
    ];
    for (const call of calls) expect((await rejectionOf(call)).message).not.toMatch(DANGEROUS);
  });
});
