import assert from 'node:assert/strict';
import type { ConformanceCase } from './provider-under-test.js';
import { release, take } from './requests.js';

export const tokenCases: ConformanceCase[] = [
  {
    name: 'gives each grant of a key a greater token, however the last one ended',
    async run({ provider, other, pass }) {
      const tokens: number[] = [];
      const grant = async (from: typeof provider, owner: string, ttl: number): Promise<void> => {
        tokens.push(...(await take(from, 'a', owner, { ttl })));
      };
      await grant(provider, 'one', 30_000);
      await release(provider, ['a'], 'one');
      await grant(other, 'two', 300);
      await pass(400);
      await grant(provider, 'three', 30_000);
      await other.revoke(['a']);
      await grant(other, 'four', 30_000);
      await grant(provider, 'four', 30_000);
      const sorted = [...new Set(tokens)].sort((a, b) => a - b);
      assert.deepEqual(tokens, sorted);
      assert.equal(tokens.length, 5);
    },
  },
  {
    name: 'keeps tokens growing when many are granted at once, and within 2^53',
    async run({ provider }) {
      let last = 0;
      for (let round = 0; round < 50; round += 1) {
        const [token = 0] = await take(provider, 'a', 'one');
        await release(provider, ['a'], 'one');
        assert.ok(token > last, `${String(token)} after ${String(last)}`);
        assert.ok(Number.isSafeInteger(token));
        last = token;
      }
    },
  },
  {
    name: 'shows the token of the present grant',
    async run({ provider, other }) {
      const [token] = await take(provider, 'a', 'one');
      const [stored] = await other.inspect(['a']);
      assert.equal(stored?.fencingToken, token);
    },
  },
  {
    name: 'gives the same answer when the same attempt is asked again',
    async run({ provider }) {
      const first = await take(provider, ['a', 'b'], 'one', { attemptId: 'same' });
      const second = await take(provider, ['a', 'b'], 'one', { attemptId: 'same' });
      assert.deepEqual(second, first);
    },
  },
];
