import fc from 'fast-check';
import type { Fault } from './faults.js';
import type { Step } from './steps.js';

/** So many callers, one after the other, run a job of so many milliseconds under `key`. */
function queue(process: number, key: string, count: number, lasts: number): Step {
  return { do: 'crowd', process, keys: [key], options: { timeout: '24h' }, count, lasts, nested: false };
}

/** Somebody who gets `key` runs a job of so many milliseconds under it. */
function runs(process: number, key: string, lasts: number): Step {
  return { do: 'execute', process, keys: [key], options: { timeout: '24h' }, lasts, nested: false };
}

const index = fc.nat({ max: 5 });
const cast = fc.record({
  key: fc.constantFrom('a', 'b'),
  processes: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
});

/** Two processes have more callers than the first will serve at a stretch. */
const rivalry = (crowd: number) =>
  fc
    .record({
      cast,
      count: fc.constantFrom(5, crowd),
      lasts: fc.constantFrom(0, 1, 15),
      ms: fc.constantFrom(20, 100, 490),
    })
    .map(({ cast: { key, processes }, count, lasts, ms }): Step[] => [
      ...processes.slice(0, 2).map((process) => queue(process, key, count, lasts)),
      { do: 'advance', ms },
    ]);

/** A holder's renewals do not get through until little is left of its lease, which is to be handed on then. */
const exhaustion = fc
  .record({ cast, how: fc.constantFrom<Fault>('hold', 'delay', 'fail'), end: fc.constantFrom('abort', 'mend'), index })
  .map(({ cast: { key, processes }, how, end, index }): Step[] => {
    const [process = 0] = processes;
    return [
      queue(process, key, 2, 4480),
      { do: 'fail', process, call: 'extend', how, times: 6 },
      { do: 'advance', ms: 4550 },
      end === 'abort' ? { do: 'abort', index } : { do: 'mend', process },
      { do: 'letGo', process, index },
      { do: 'letGo', process, index },
      { do: 'advance', ms: 20 },
    ];
  });

/** Word of a grant comes only when another process has the key. */
const lateWord = fc.record({ cast, index }).map(({ cast: { key, processes }, index }): Step[] => {
  const [first = 0, second = 1, third = 2] = processes;
  return [
    runs(first, key, 100),
    runs(second, key, 2500),
    runs(third, key, 2500),
    { do: 'fail', process: second, call: 'message', how: 'delay', times: 1 },
    { do: 'advance', ms: 490 },
    { do: 'forceRelease', process: first, keys: [key] },
    { do: 'advance', ms: 1000 },
    { do: 'letGo', process: second, index },
    { do: 'advance', ms: 20 },
  ];
});

/** A process sleeps through its turn. */
const sleeper = fc
  .record({ cast, first: fc.constantFrom<'timers' | 'answers'>('timers', 'answers') })
  .map(({ cast: { key, processes }, first: order }): Step[] => {
    const [first = 0, second = 1, third = 2] = processes;
    return [
      runs(first, key, 100),
      runs(second, key, 300),
      { do: 'freeze', process: second },
      { do: 'advance', ms: 490 },
      runs(third, key, 9000),
      { do: 'advance', ms: 5000 },
      { do: 'advance', ms: 1000 },
      { do: 'thaw', process: second, first: order },
      { do: 'advance', ms: 20 },
    ];
  });

/** A process whose callers have the key in turn cannot hear that another one joins the line. */
const deafness = cast.map(({ key, processes }): Step[] => {
  const [first = 0, second = 1] = processes;
  return [
    queue(first, key, 20, 15),
    { do: 'advance', ms: 20 },
    { do: 'interrupt', process: first, noticed: true },
    runs(second, key, 10),
    { do: 'advance', ms: 100 },
    { do: 'restore', process: first },
  ];
});

/** What seldom comes about by chance, where nobody is woken. */
export const pollingScenes: fc.Arbitrary<Step[]> = fc.oneof(rivalry(10), exhaustion);

/** The same, where the store has lines. */
export const listeningScenes: fc.Arbitrary<Step[]> = fc.oneof(rivalry(80), exhaustion, lateWord, sleeper, deafness);
