import fc from 'fast-check';
import type { AcquireOptions, Duration } from '../../lib/index.js';
import type { Fault, Primitive } from './faults.js';
import { listeningScenes, pollingScenes } from './scenes.js';

export const PROCESSES = 3;

export interface LockCall {
  readonly process: number;
  readonly keys: readonly string[];
  readonly options: AcquireOptions;
}

/** One event. An `index` picks one of the present callers, locks or calls, modulo their number. */
export type Step =
  | ({ readonly do: 'acquire' } & LockCall)
  | ({ readonly do: 'tryAcquire' } & LockCall)
  | ({ readonly do: 'execute'; readonly lasts: number; readonly nested: boolean } & LockCall)
  /** Many `execute` calls at once. */
  | ({ readonly do: 'crowd'; readonly count: number; readonly lasts: number; readonly nested: false } & LockCall)
  | { readonly do: 'abort'; readonly index: number }
  | { readonly do: 'release'; readonly index: number }
  | { readonly do: 'extend'; readonly index: number; readonly expire: Duration }
  | {
      readonly do: 'releaseKeys';
      readonly process: number;
      readonly keys: readonly string[];
      readonly ownerId?: string;
    }
  | { readonly do: 'releaseAll'; readonly process: number; readonly ownerId?: string }
  | { readonly do: 'forceRelease'; readonly process: number; readonly keys: readonly string[] }
  | { readonly do: 'extendKeys'; readonly process: number; readonly keys: readonly string[]; readonly ownerId: string }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'freeze'; readonly process: number }
  | { readonly do: 'close'; readonly process: number }
  | { readonly do: 'mend'; readonly process: number }
  | { readonly do: 'thaw'; readonly process: number; readonly first: 'timers' | 'answers' }
  | {
      readonly do: 'fail';
      readonly process: number;
      readonly call: Primitive;
      readonly how: Fault;
      readonly times: number;
    }
  | { readonly do: 'letGo'; readonly process: number; readonly index: number }
  | { readonly do: 'interrupt'; readonly process: number; readonly noticed: boolean }
  | { readonly do: 'restore'; readonly process: number };

/** A step, and the number of microtasks before the next one; without a number, the next waits until all has settled. */
export type TimedStep = Step & { readonly ticks?: number };

export interface Schedule {
  /** Whether connections keep the order of requests, of answers, and of messages. */
  readonly ordered: boolean;
  /** Whether the clocks of the processes run at different speeds. */
  readonly drifting: boolean;
  readonly steps: readonly TimedStep[];
}

const process = fc.nat({ max: PROCESSES - 1 });
const index = fc.nat({ max: 5 });
const keys = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(['a'], ['b'], ['c']) },
  { weight: 1, arbitrary: fc.subarray(['a', 'b', 'c'], { minLength: 2 }) },
);
const someOwner = fc.constantFrom('one', 'two');
/** The value in `weight` of ten cases, else undefined. */
const maybe = <T>(arbitrary: fc.Arbitrary<T>, weight = 5) =>
  fc.oneof({ weight: 10 - weight, arbitrary: fc.constant(undefined) }, { weight, arbitrary });

const options: fc.Arbitrary<AcquireOptions> = fc
  .record({
    timeout: maybe(fc.constantFrom<Duration>('100ms', '1s', '4s', '24h'), 6),
    expire: maybe(fc.constantFrom<Duration>('50ms', '500ms', '2s', '20s'), 5),
    ownerId: maybe(someOwner, 4),
    renew: maybe(fc.boolean(), 2),
    maxHold: maybe(fc.constantFrom<Duration>('300ms', '3s'), 2),
    minHold: maybe(fc.constantFrom<Duration>('200ms', '2s'), 2),
  })
  .map(compact);

function compact<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined)) as T;
}

const kind = <Name extends Step['do']>(name: Name) => ({ do: fc.constant(name) });

const how = fc.constantFrom<Fault>('refuse', 'fail', 'lose', 'delay', 'hold', 'holdAndLose', 'twice', 'resend');
const times = fc.constantFrom(1, 1, 2, 5);

interface Weighted<T> {
  readonly weight: number;
  readonly arbitrary: fc.Arbitrary<T>;
}

function stepsOf(call: { process: typeof process; keys: typeof keys; options: typeof options }): Weighted<Step>[] {
  return [
    { weight: 12, arbitrary: fc.record({ ...kind('acquire'), ...call }) },
    { weight: 3, arbitrary: fc.record({ ...kind('tryAcquire'), ...call }) },
    {
      weight: 7,
      arbitrary: fc.record({
        ...kind('execute'),
        ...call,
        lasts: fc.constantFrom(0, 10, 300, 2500, 9000),
        nested: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ ...kind('abort'), index }) },
    { weight: 10, arbitrary: fc.record({ ...kind('release'), index }) },
    { weight: 2, arbitrary: fc.record({ ...kind('extend'), index, expire: fc.constantFrom<Duration>('1s', '8s') }) },
    {
      weight: 1,
      arbitrary: fc.record({ ...kind('releaseKeys'), process, keys, ownerId: maybe(someOwner) }).map(compact),
    },
    { weight: 1, arbitrary: fc.record({ ...kind('releaseAll'), process, ownerId: maybe(someOwner) }).map(compact) },
    { weight: 1, arbitrary: fc.record({ ...kind('forceRelease'), process, keys }) },
    { weight: 1, arbitrary: fc.record({ ...kind('extendKeys'), process, keys, ownerId: someOwner }) },
    {
      weight: 12,
      arbitrary: fc.record({ ...kind('advance'), ms: fc.constantFrom(1, 20, 100, 490, 1000, 2000, 5000, 7000) }),
    },
    { weight: 2, arbitrary: fc.record({ ...kind('freeze'), process }) },
    { weight: 3, arbitrary: fc.record({ ...kind('thaw'), process, first: fc.constantFrom('timers', 'answers') }) },
    { weight: 1, arbitrary: fc.record({ ...kind('close'), process }) },
    { weight: 2, arbitrary: fc.record({ ...kind('mend'), process }) },
    {
      weight: 9,
      arbitrary: fc.record({
        ...kind('fail'),
        process,
        call: fc.constantFrom<Primitive>('acquire', 'acquire', 'release', 'release', 'extend', 'other'),
        how,
        times,
      }),
    },
    { weight: 6, arbitrary: fc.record({ ...kind('letGo'), process, index }) },
  ];
}

/** Steps on a store without queues, where callers with different options matter. */
const pollingSteps = stepsOf({ process, keys, options });

/** On a store with queues, crowds matter: few keys, and mostly locks that can be handed off as they are. */
const plain: fc.Arbitrary<AcquireOptions> = fc
  .record({ timeout: maybe(fc.constantFrom<Duration>('100ms', '1s', '4s', '24h'), 6) })
  .map(compact);
const crowdedCall = {
  process,
  keys: fc.oneof(
    { weight: 6, arbitrary: fc.constant(['a']) },
    { weight: 2, arbitrary: fc.constant(['b']) },
    { weight: 2, arbitrary: fc.subarray(['a', 'b', 'c'], { minLength: 2 }) },
  ),
  options: fc.oneof({ weight: 6, arbitrary: plain }, { weight: 4, arbitrary: options }),
};
const listeningSteps: Weighted<Step>[] = [
  ...stepsOf(crowdedCall),
  {
    weight: 2,
    arbitrary: fc.record({
      ...kind('crowd'),
      ...crowdedCall,
      options: plain,
      nested: fc.constant(false),
      count: fc.constantFrom(2, 5, 80),
      lasts: fc.constantFrom(0, 1, 15),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      ...kind('fail'),
      process,
      call: fc.constantFrom<Primitive>('message', 'message', 'message', 'listen'),
      how,
      times,
    }),
  },
  { weight: 2, arbitrary: fc.record({ ...kind('interrupt'), process, noticed: fc.boolean() }) },
  { weight: 3, arbitrary: fc.record({ ...kind('restore'), process }) },
];

/** The kind of schedules. */
export interface Setting {
  /** Whether callers name their owner: several of them may then hold the same lock, in several processes. */
  readonly owners: boolean;
  /** Whether the store has queues and wakes waiting processes. */
  readonly listening: boolean;
}

export function schedules({ owners, listening }: Setting): fc.Arbitrary<Schedule> {
  const timedStep = fc
    .tuple(fc.oneof(...(listening ? listeningSteps : pollingSteps)), maybe(fc.nat({ max: 14 }), 3))
    .map(([one, ticks]): TimedStep[] => [compact({ ...one, ticks })]);
  const next = fc.oneof(
    { weight: 30, arbitrary: timedStep },
    { weight: 1, arbitrary: listening ? listeningScenes : pollingScenes },
  );
  const anonymous = (one: TimedStep): TimedStep[] => {
    if ('options' in one) return [{ ...one, options: compact({ ...one.options, ownerId: undefined }) }];
    return 'ownerId' in one ? [] : [one];
  };
  return fc.record({
    ordered: fc.boolean(),
    drifting: fc.boolean(),
    steps: fc
      .array(next, { maxLength: 40, size: 'max' })
      .map((steps) => (owners ? steps.flat() : steps.flat().flatMap(anonymous))),
  });
}
