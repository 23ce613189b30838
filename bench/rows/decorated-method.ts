import type { Comparison } from '../measure.js';
import type { Bench } from '../setup.js';
import { inTurn } from './batches.js';

export function decoratedMethod({ decorated }: Bench): Comparison {
  return {
    title: `memory: a method with @WithLock('order:<0>')`,
    locked: inTurn(1000, async (id) => decorated.locked(id)),
    baseline: inTurn(1000, async (id) => decorated.bare(id)),
    baselineTitle: 'the method without it',
  };
}
