import { describe, expect, it } from '@jest/globals';
import { CircuitBreakerState, type CircuitBreakerOptions } from '../../../lib/index.js';
import { eventually } from '../../support/poll.js';
import { onEveryStore } from '../../support/stores.js';

const ROUNDS = 20;
const OPTIONS = { openFor: '1h' } as const satisfies CircuitBreakerOptions;

describe('changes of a circuit', () => {
  onEveryStore((store) => {
    it('changes reach another instance by message within 50 ms', async () => {
      const [one, two] = [await store.openApplication(), await store.openApplication()];
      const circuits = one.get(CircuitBreakerState);
      const told: { state: string; at: number }[] = [];
      await two.get(CircuitBreakerState).subscribe(
        'stripe',
        ({ state }) => {
          told.push({ state, at: performance.now() });
        },
        OPTIONS,
      );
      const delays: number[] = [];
      for (let round = 0; round < ROUNDS; round += 1) {
        const state = round % 2 === 0 ? 'open' : 'closed';
        await circuits.setState('stripe', state, OPTIONS);
        const since = performance.now();
        await eventually(() => told.length > round);
        expect(told[round]!.state).toBe(state);
        delays.push(told[round]!.at - since);
      }
      delays.sort((a, b) => a - b);
      // Without messages each would take up to a second. The machine of a test may be busy, so the quickest few count.
      expect(delays[4]).toBeLessThan(50);
    });
  });
});
