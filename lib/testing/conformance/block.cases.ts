import assert from 'node:assert/strict';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, release, take } from './requests.js';

/** More than a clock of microseconds gives while a case runs. */
const MANY = 60_000_000;

/** Fencing tokens that are reserved for hand-offs within the holder's process. */
export const blockCases: ConformanceCase[] = [
  {
    name: 'reserves as many tokens as the request asks for, and grants none of them again',
    async run({ provider, other, pass }) {
      const used: [number, number][] = [];
      const grant = async (from: typeof provider, keys: string[], tokens: number, ttl = 30_000): Promise<void> => {
        for (const first of await take(from, keys, 'one', { tokens, ttl })) used.push([first, tokens]);
      };
      await grant(provider, ['a'], MANY);
      await release(provider, ['a'], 'one');
      await grant(other, ['a'], 2 * MANY, 300);
      await pass(400);
      await grant(provider, ['a'], 7);
      await other.revoke(['a']);
      await grant(other, ['a'], 1);
      used.reduce(([first, count], next) => {
        assert.ok(
          next[0] >= first + count,
          `${String(next[0])} is in the block of ${String(count)} from ${String(first)}`,
        );
        return next;
      });
    },
  },
  {
    name: 'answers the same attempt with the same block',
    async run({ provider, other }) {
      const ask = async (): Promise<readonly number[]> =>
        take(provider, 'a', 'one', { attemptId: 'same', tokens: MANY });
      const [first = 0] = await ask();
      assert.deepEqual(await ask(), [first]);
      await release(provider, ['a'], 'one');
      const [next = 0] = await take(other, 'a', 'two');
      assert.ok(next >= first + MANY);
    },
  },
  {
    name: 'answers that a key is not contended if no process waits for it',
    async run({ provider, other }) {
      for (const keys of ['a', ['b', 'c']]) {
        const answer = await acquire(provider, keys, 'one');
        assert.ok(answer.granted && !answer.contended);
        await acquire(other, keys, 'two');
        const again = await acquire(other, keys, 'one');
        assert.ok(again.granted && !again.contended);
      }
    },
  },
];
