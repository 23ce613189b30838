import type { Comparison } from '../measure.js';
import type { Bench } from '../setup.js';
import { inTurn } from './batches.js';

export function inMemoryExecute({ inMemory }: Bench): Comparison {
  let calls = 0;
  const job = async (): Promise<number> => Promise.resolve(++calls);
  return {
    title: 'memory: execute, distinct keys, an empty job',
    locked: inTurn(1000, async (i) => inMemory.execute(`key-${String(i)}`, job)),
    baseline: inTurn(1000, job),
    baselineTitle: 'the job alone',
  };
}
