import { describe, expect, it } from '@jest/globals';
import type { RunResult } from '../../sample/shop/demo/run-result.js';
import { judge } from '../../sample/shop/demo/verdict.js';

const right: RunResult = {
  inStock: 40,
  sent: 300,
  accepted: 40,
  soldOut: 260,
  failed: 0,
  recorded: 40,
  left: 0,
  tookMs: 400,
};
const raced: RunResult = { ...right, accepted: 300, soldOut: 0, recorded: 300, left: 36 };

describe('the verdict of the demo', () => {
  it('the verdict passes a locked run that sold exactly the stock', () => {
    expect(judge(raced, right)).toEqual({
      ok: true,
      text: 'PASS: without the lock 260 units were oversold; with it, 40 of 40.',
    });
  });

  it('the verdict passes, and says so, if the race did not show without the lock', () => {
    const { ok, text } = judge(right, right);
    expect(ok).toBe(true);
    expect(text).toContain('nothing was oversold without the lock');
  });

  it.each<[string, Partial<RunResult>, string]>([
    ['oversold', { accepted: 43, soldOut: 257, recorded: 43 }, '3 units were oversold'],
    ['lost an update', { left: 2 }, 'the stock is off by 2'],
    ['took more off the stock than it sold', { left: -1 }, 'the stock is off by -1'],
    ['had a request that failed', { soldOut: 259, failed: 1 }, '1 requests failed'],
    ['said sold out too early', { accepted: 39, recorded: 39, soldOut: 261, left: 1 }, 'only 39 of 40 units were sold'],
    ['recorded an order that it did not confirm', { recorded: 41 }, '40 units were confirmed but 41 recorded'],
  ])('the verdict fails a locked run that %s', (_, fault, text) => {
    const verdict = judge(raced, { ...right, ...fault });
    expect(verdict.ok).toBe(false);
    expect(verdict.text).toContain(text);
  });

  it('the verdict fails if both runs oversold', () => {
    expect(judge(raced, raced).ok).toBe(false);
  });
});
