import fc from 'fast-check';
import type { Fault } from './faults.js';
import type { Step } from './steps.js';

/** `count` callers, one after the other, run a job of `lasts` milliseconds under `key`. */
function crowd(process: number, key: string, count: number, lasts: number): Step {
  return { do: 'crowd', process, keys: [key], options: { timeout: '24h' }, count, lasts, nested: false };
}

/** One caller runs a job of `lasts` milliseconds under `key`. */
function caller(process: number, key: string, lasts: number): Step {
  return { do: 'execute', process, keys: [key], options: { timeout: '24h' }, lasts, nested: false };
}

const index = fc.nat({ max: 5 });
const cast = fc.record({
  key: fc.constantFrom('a', 'b'),
  processes: fc.shuffledSubarray([0, 1, 2], { minLength: 3 }),
});

/** Two processes have more callers than the first may serve within its budget. */
const rivalry = (most: number) =>
  fc
    .record({
      cast,
      count: fc.constantFrom(5, most),
      lasts: fc.constantFrom(0, 1, 15),
      ms: fc.constantFrom(20, 100, 490),
    })
    .map(({ cast: { key, processes }, count, lasts, ms }): Step[] => [
      ...processes.slice(0, 2).map((process) => crowd(process, key, count, lasts)),
      { do: 'advance', ms },
    ]);

/** Renewals of a shared lease fail until little of it is left, just when it should be handed off. */
const exhaustion = fc
  .record({ cast, how: fc.constantFrom<Fault>('hold', 'delay', 'fail'), end: fc.constantFrom('abort', 'mend'), index })
  .map(({ cast: { key, processes }, how, end, index }): Step[] => {
    const [process = 0] = processes;
    return [
      crowd(process, key, 2, 4480),
      { do: 'fail', process, call: 'extend', how, times: 6 },
      { do: 'advance', ms: 4550 },
      end === 'abort' ? { do: 'abort', index } : { do: 'mend', process },
      { do: 'letGo', process, index },
      { do: 'letGo', process, index },
      { do: 'advance', ms: 20 },
    ];
  });

/** The message of a grant arrives only when another process has the key. */
const lateWord = fc.record({ cast, index }).map(({ cast: { key, processes }, index }): Step[] => {
  const [first = 0, second = 1, third = 2] = processes;
  return [
    caller(first, key, 100),
    caller(second, key, 2500),
    caller(third, key, 2500),
    { do: 'fail', process: second, call: 'message', how: 'delay', times: 1 },
    { do: 'advance', ms: 490 },
    { do: 'forceRelease', process: first, keys: [key] },
    { do: 'advance', ms: 1000 },
    { do: 'letGo', process: second, index },
    { do: 'advance', ms: 20 },
  ];
});

/** A process is frozen while it is granted the key. */
const sleeper = fc
  .record({ cast, first: fc.constantFrom<'timers' | 'answers'>('timers', 'answers') })
  .map(({ cast: { key, processes }, first: order }): Step[] => {
    const [first = 0, second = 1, third = 2] = processes;
    return [
      caller(first, key, 100),
      caller(second, key, 300),
      { do: 'freeze', process: second },
      { do: 'advance', ms: 490 },
      caller(third, key, 9000),
      { do: 'advance', ms: 5000 },
      { do: 'advance', ms: 1000 },
      { do: 'thaw', process: second, first: order },
      { do: 'advance', ms: 20 },
    ];
  });

/** A process hands a key off to its callers and cannot hear that another process joins the queue. */
const deafness = cast.map(({ key, processes }): Step[] => {
  const [first = 0, second = 1] = processes;
  return [
    crowd(first, key, 20, 15),
    { do: 'advance', ms: 20 },
    { do: 'interrupt', process: first, noticed: true },
    caller(second, key, 10),
    { do: 'advance', ms: 100 },
    { do: 'restore', process: first },
  ];
});

/** Scenes that seldom happen by chance, on a store without wake-ups. */
export const pollingScenes: fc.Arbitrary<Step[]> = fc.oneof(rivalry(10), exhaustion);

/** Scenes that seldom happen by chance, on a store with queues. */
export const listeningScenes: fc.Arbitrary<Step[]> = fc.oneof(rivalry(80), exhaustion, lateWord, sleeper, deafness);
