import fc from 'fast-check';
import type { AcquireOptions, Duration } from '../../lib/index.js';
import type { Fault, Primitive } from './faults.js';
import { listeningScenes, pollingScenes } from './scenes.js';

export const PROCESSES = 3;

export interface Wish {
  readonly process: number;
  readonly keys: readonly string[];
  readonly options: AcquireOptions;
}

/** One thing that happens. An index counts what there is at that moment, round and round. */
export type Step =
  | ({ readonly do: 'acquire' } & Wish)
  | ({ readonly do: 'tryAcquire' } & Wish)
  | ({ readonly do: 'execute'; readonly lasts: number; readonly nested: boolean } & Wish)
  /** Many at once, one after the other. */
  | ({ readonly do: 'crowd'; readonly count: number; readonly lasts: number; readonly nested: false } & Wish)
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

/** A step, and for how many microtasks the next one waits; without a number, until everything has settled. */
export type TimedStep = Step & { readonly ticks?: number };

export interface Schedule {
  /** The connections keep the order of requests, of answers, and of messages. */
  readonly ordered: boolean;
  /** The clocks of the processes run at different speeds. */
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
/** Left out, or, `weight` times of ten, not. */
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

function stepsOf(wish: { process: typeof process; keys: typeof keys; options: typeof options }): Weighted<Step>[] {
  return [
    { weight: 12, arbitrary: fc.record({ ...kind('acquire'), ...wish }) },
    { weight: 3, arbitrary: fc.record({ ...kind('tryAcquire'), ...wish }) },
    {
      weight: 7,
      arbitrary: fc.record({
        ...kind('execute'),
        ...wish,
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

/** What happens where a store polls well: everybody asks for something else. */
const pollingSteps = stepsOf({ process, keys, options });

/** Where there are lines, it is a crowd that matters: few keys, and most of the locks handed on as they are. */
const plain: fc.Arbitrary<AcquireOptions> = fc
  .record({ timeout: maybe(fc.constantFrom<Duration>('100ms', '1s', '4s', '24h'), 6) })
  .map(compact);
const crowdedWish = {
  process,
  keys: fc.oneof(
    { weight: 6, arbitrary: fc.constant(['a']) },
    { weight: 2, arbitrary: fc.constant(['b']) },
    { weight: 2, arbitrary: fc.subarray(['a', 'b', 'c'], { minLength: 2 }) },
  ),
  options: fc.oneof({ weight: 6, arbitrary: plain }, { weight: 4, arbitrary: options }),
};
const listeningSteps: Weighted<Step>[] = [
  ...stepsOf(crowdedWish),
  {
    weight: 2,
    arbitrary: fc.record({
      ...kind('crowd'),
      ...crowdedWish,
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

/** What kind of schedules. */
export interface Setting {
  /** Whether callers name their owner: then several may hold the same lock, in several processes. */
  readonly owners: boolean;
  /** Whether the store has lines, and wakes up who stands in them. */
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
