import type { Redis } from 'ioredis';
import { FLOOR, OURS } from '../contenders/participants.js';
import { median } from '../statistics.js';
import { atLeast, atMost } from './goals.js';
import type { Figure, Row, Stage } from './row.js';
import type { Sample } from './sample.js';

const FEW = 1_000;
const STAGES = [1, FEW, 100_000, 1_000_000];
const WIDTH = 100;

/** Locks per call: a call has a time limit. */
const AT_ONCE = 50_000;
const PAIRS = 25;

/** Anything kept for a key takes at least one pointer. */
const POINTER = 8;

export const manyKeys: Row = {
  id: 'many-keys',
  title: 'keys that were used once, a million of them (quick: 100,000)',
  meaning:
    'Whether the process and the server forget keys that are no longer needed, so that nothing grows or slows down.',
  rounds: { full: 1, quick: 1 },
  takesPart: ({ kind }) => kind === 'ours',
  measure: useMany,
  figures: [
    ...STAGES.map((keys): Figure => ({
      id: speedId(keys),
      title: `locks/s against the floor, after ${keys.toLocaleString('en')}`,
      unit: '×',
      better: 'more',
      detail: true,
    })),
    {
      id: 'flatness',
      title: 'locks/s after all of them, against after 1,000',
      unit: '×',
      better: 'more',
      goal: atLeast(0.9),
    },
    { id: 'heap', title: 'heap kept for each', unit: 'bytes', better: 'less', goal: atMost(POINTER, ' bytes') },
    {
      id: 'redis',
      title: 'Redis memory kept for each',
      unit: 'bytes',
      better: 'less',
      goal: atMost(POINTER, ' bytes'),
    },
    { id: 'keysLeft', title: 'keys left in Redis', unit: '', better: 'less', goal: atMost(1) },
  ],
};

async function useMany(stage: Stage): Promise<Sample> {
  const { crew, redis, plan, newKey } = stage;
  const worker = await crew.workerOf(OURS);
  const stages = STAGES.slice(0, plan.choose(STAGES.length, STAGES.length - 1));
  const last = stages.at(-1) ?? NaN;
  const speeds: Record<string, number> = {};
  let used = 0;
  let before = { heap: NaN, memory: NaN, keys: NaN };
  for (const keys of stages) {
    while (used < keys) {
      const count = Math.min(keys - used, AT_ONCE);
      await worker.call('cycle', { prefix: newKey(), width: Math.min(WIDTH, count), count });
      used += count;
    }
    if (keys === last) continue;
    speeds[speedId(keys)] = await speed(stage);
    // After the first few keys, all code has run and all buffers have their size.
    if (keys === FEW) before = { heap: await worker.call('usedHeap'), ...(await usageOf(redis)) };
  }
  const after = { heap: await worker.call('usedHeap'), ...(await usageOf(redis)) };
  const lastSpeed = await speed(stage);
  return {
    ...speeds,
    [speedId(last)]: lastSpeed,
    flatness: lastSpeed / (speeds[speedId(FEW)] ?? NaN),
    heap: Math.max(0, after.heap - before.heap) / (last - FEW),
    redis: Math.max(0, after.memory - before.memory) / (last - FEW),
    keysLeft: Math.max(0, after.keys - before.keys),
  };
}

/** Alternates with the floor, as the speed of the machine may change over so many locks. */
async function speed({ crew, plan, newKey }: Stage): Promise<number> {
  const ratios: number[] = [];
  for (let pair = 0; pair < PAIRS; pair++) {
    const rates: number[] = [];
    for (const participant of [OURS, FLOOR]) {
      const worker = await crew.workerOf(participant);
      const { locks, ms } = await worker.call('cycle', { prefix: newKey(), width: WIDTH, ms: plan.choose(80, 30) });
      rates.push(locks / ms);
    }
    ratios.push((rates[0] ?? NaN) / (rates[1] ?? NaN));
  }
  return median(ratios);
}

function speedId(keys: number): string {
  return `after${String(keys)}`;
}

async function usageOf(redis: Redis): Promise<{ memory: number; keys: number }> {
  const info = await redis.info('memory');
  return { memory: Number(/used_memory:(\d+)/.exec(info)?.[1]), keys: await redis.dbsize() };
}
