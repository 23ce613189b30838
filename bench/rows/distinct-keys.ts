import { FLOOR, isOurs } from '../contenders/participants.js';
import { atLeast, type Goal } from './goals.js';
import type { Figure, Row } from './row.js';

export const oneAtATime = distinctKeys({
  id: 'one-at-a-time',
  title: 'acquire + release, distinct keys, one at a time',
  meaning: 'What a lock costs that no other caller wants: two round trips.',
  width: 1,
  goal: atLeast(0.95, '× floor'),
});

export const hundredAtATime = distinctKeys({
  id: 'hundred-at-a-time',
  title: 'acquire + release, distinct keys, 100 at a time',
  meaning: 'The same under load, where what is asked for at the same time can share a round trip.',
  width: 100,
  goal: atLeast(2.5, '× floor'),
});

export const oneAtATimePostgres = distinctKeys({
  id: 'one-at-a-time',
  title: 'acquire + release, distinct keys, one at a time',
  meaning: 'What a lock costs that no other caller wants, against an `INSERT … ON CONFLICT` and a `DELETE`.',
  width: 1,
  goal: atLeast(0.8, '× floor'),
});

export const thirtyTwoAtATime = distinctKeys({
  id: 'thirty-two-at-a-time',
  title: 'acquire + release, distinct keys, 32 at a time',
  meaning: 'The same under load, where what is asked for at the same time can share a round trip and a commit.',
  width: 32,
  goal: atLeast(1, '× floor'),
});

function distinctKeys({
  width,
  goal,
  ...texts
}: Pick<Row, 'id' | 'title' | 'meaning'> & { width: number; goal: Goal }): Row {
  const figures: Figure[] = [
    { id: 'rate', title: 'locks/s against the floor', unit: '×', better: 'more', relativeTo: FLOOR, goal },
    { id: 'rate', title: 'locks/s', unit: '/s', better: 'more', detail: true },
  ];
  return {
    ...texts,
    rounds: { full: 61, quick: 15 },
    takesPart: (participant) => isOurs(participant) || participant.kind === 'peer' || participant.kind === 'floor',
    async measure({ crew, plan, newKey }, participant) {
      const worker = await crew.workerOf(participant);
      const { locks, ms } = await worker.call('cycle', { prefix: newKey(), width, ms: plan.choose(60, 30) });
      return { rate: (locks * 1000) / ms };
    },
    figures,
  };
}
