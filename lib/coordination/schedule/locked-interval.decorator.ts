import { Interval } from '@nestjs/schedule';
import { LockConfigurationError } from '../../errors/index.js';
import { windowStart } from './nominal-tick.js';
import { assertName, readTickOptions } from './read-tick-options.js';
import { everyMissing } from './schedule.messages.js';
import type { TickOptions } from './tick-options.interface.js';
import { wrapScheduled, type TickDecorator } from './wrap-scheduled.js';

/** What a timer of Node can wait for. */
const LONGEST_INTERVAL = 2 ** 31 - 1;

/**
 * `@Interval` for an application that runs in many instances. Each has a timer of its own, which starts when it does;
 * so that they speak of the same tick, time is cut into windows of `milliseconds`, counted from the epoch, and the method
 * runs at most once per window over all instances. Otherwise as `@LockedCron`.
 *
 * @param name - tells the instances that they mean the same job; also its name in the `SchedulerRegistry`
 * @param milliseconds - as that of `@Interval`: **milliseconds**, not a `Duration`
 * @throws LockConfigurationError at decoration, for options that cannot work; at start-up, if two jobs have one name
 *
 * @example
 * \@LockedInterval('poll-inbox', 10_000)
 * async poll(): Promise<void> { … }
 */
export function LockedInterval(name: string, milliseconds: number, options: TickOptions = {}): TickDecorator {
  const what = '@LockedInterval';
  assertName(what, name);
  if (!Number.isInteger(milliseconds) || milliseconds < 1 || milliseconds > LONGEST_INTERVAL) {
    throw new LockConfigurationError(everyMissing(what, milliseconds));
  }
  const settings = readTickOptions(what, options);
  const schedule = Interval(name, milliseconds);
  return (target, propertyKey, descriptor: PropertyDescriptor) => {
    const tickOf = () => ({
      kind: 'interval' as const,
      name,
      at: windowStart(milliseconds, Date.now()),
      mayBeLate: milliseconds,
    });
    wrapScheduled({ what, kind: 'interval', name, settings, tickOf }, target, propertyKey, descriptor);
    schedule(target, propertyKey, descriptor);
  };
}
