import assert from 'node:assert/strict';
import type { ConformanceCase } from './provider-under-test.js';
import { acquire, release, take } from './requests.js';

/** More than a clock of microseconds gives while a case runs. */
const MANY = 60_000_000;

/** Fencing tokens set aside for whoever hands a key on by itself. */
export const blockCases: ConformanceCase[] = [
  {
    name: 'sets aside as many tokens as are asked for: none of them is ever given again',
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
      await other.forceRelease(['a']);
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
    name: 'sets tokens aside for each request of a batch',
    async run({ provider }) {
      const keys = ['a', 'b', 'c'];
      const request = { ownerId: 'one', ttl: 30_000, onlyIfOwned: false, tokens: MANY };
      const answers = await Promise.all(
        provider.acquire(keys.map((key) => ({ ...request, keys: [key], attemptId: `batch.${key}` }))),
      );
      const firsts = answers.flatMap((answer) => (answer.granted ? answer.fencingTokens : []));
      for (const [index, key] of keys.entries()) {
        await release(provider, [key], 'one');
        const [next = 0] = await take(provider, key, 'two');
        assert.ok(
          next >= (firsts[index] ?? 0) + MANY,
          `${key}: ${String(next)} after a block from ${firsts.join(', ')}`,
        );
      }
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
    name: 'says that nobody waits where nobody does',
    async run({ provider, other }) {
      for (const keys of ['a', ['b', 'c']]) {
        const answer = await acquire(provider, keys, 'one');
        assert.ok(answer.granted && !answer.wanted);
        await acquire(other, keys, 'two');
        const again = await acquire(other, keys, 'one');
        assert.ok(again.granted && !again.wanted);
      }
    },
  },
];
