import fc from 'fast-check';
import type { AcquireOptions, Duration } from '../../lib/index.js';
import type { Fault, Primitive } from './wire.js';

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
  | { readonly do: 'letGo'; readonly process: number; readonly index: number };

/** A step, and for how many microtasks the next one waits; without a number, until everything has settled. */
export type TimedStep = Step & { readonly ticks?: number };

export interface Schedule {
  /** The connections keep the order of requests and of answers. */
  readonly ordered: boolean;
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
const wish = { process, keys, options };

const step: fc.Arbitrary<Step> = fc.oneof(
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
      how: fc.constantFrom<Fault>('refuse', 'fail', 'lose', 'delay', 'hold', 'holdAndLose', 'twice', 'resend'),
      times: fc.constantFrom(1, 1, 2, 5),
    }),
  },
  { weight: 6, arbitrary: fc.record({ ...kind('letGo'), process, index }) },
);

const timedStep = fc
  .tuple(step, maybe(fc.nat({ max: 14 }), 3))
  .map(([one, ticks]): TimedStep => compact({ ...one, ticks }));

/** @param owners - whether callers name their owner: then several may hold the same lock, in several processes */
export function schedules(owners: boolean): fc.Arbitrary<Schedule> {
  const anonymous = (one: TimedStep): TimedStep[] => {
    if ('options' in one) return [{ ...one, options: compact({ ...one.options, ownerId: undefined }) }];
    return 'ownerId' in one ? [] : [one];
  };
  return fc.record({
    ordered: fc.boolean(),
    steps: fc
      .array(timedStep, { maxLength: 40, size: 'max' })
      .map((steps) => (owners ? steps : steps.flatMap(anonymous))),
  });
}
