import { Cron, type CronOptions } from '@nestjs/schedule';
import { LockConfigurationError } from '../../errors/index.js';
import { nominalTick } from './nominal-tick.js';
import { assertName, readTickOptions } from './read-tick-options.js';
import { noSuchJob } from './schedule.messages.js';
import type { TickOptions } from './tick-options.interface.js';
import { wrapScheduled, type TickDecorator } from './wrap-scheduled.js';

/** Options of `@LockedCron`: those of `@Cron`, with a name, and what concerns the instances. */
export type LockedCronOptions = CronOptions &
  TickOptions & {
    /** Tells the instances that they mean the same job. Also its name in the `SchedulerRegistry`. */
    name: string;
  };

/**
 * `@Cron` for an application that runs in many instances: the method runs once per tick, in one of them, also where
 * their clocks are apart by some seconds. The others skip the tick quietly, and are stand-bys: if the instance that runs
 * it dies, one of them runs it again, with a greater fencing token.
 *
 * A tick that is due while an earlier one is still running, in whichever instance, is left out, unless `allowOverlap`.
 * A method that throws has run: the error goes to the scheduler, which logs it, and no other instance tries again.
 *
 * Inside the method `LockingService.current()` is the lock of the run and `currentTick()` the time it was due at. Each
 * call of the method is taken for the tick that is due then, so do not call it yourself to run the work at other times:
 * call a method that both call.
 *
 * @param cronTime - as that of `@Cron`
 * @param options - `name`; `provider`, `expire`, `clockSkew`, `takeOver`, `allowOverlap`, `maxHold`; and those of `@Cron`
 * @throws LockConfigurationError at decoration, for options that cannot work, and above `@LeaderOnly`; at start-up, if two
 * jobs have one name
 * @throws LockBackendError at the call, to the scheduler's log: the store cannot be asked, and the method did not run
 * @throws LockLostError at the call, to the scheduler's log: the lock was lost while the method ran
 *
 * @example
 * \@LockedCron('0 3 * * *', { name: 'nightly-report', timeZone: 'Europe/Vienna' })
 * async report(): Promise<void> { … }
 */
export function LockedCron(cronTime: Parameters<typeof Cron>[0], options: LockedCronOptions): TickDecorator {
  const what = '@LockedCron';
  const given = (options as LockedCronOptions | undefined) ?? ({} as Partial<LockedCronOptions>);
  const { provider, expire, clockSkew, takeOver, allowOverlap, maxHold, ...cron } = given;
  const { name } = cron;
  assertName(what, name);
  const settings = readTickOptions(what, { provider, expire, clockSkew, takeOver, allowOverlap, maxHold });
  const schedule = Cron(cronTime, cron);
  return (target, propertyKey, descriptor: PropertyDescriptor) => {
    const job = {
      what,
      kind: 'cron',
      name,
      settings,
      tickOf: (registry) => {
        if (!registry.doesExist('cron', name)) throw new LockConfigurationError(noSuchJob(what, name));
        const at = nominalTick(registry.getCronJob(name).cronTime, Date.now());
        return { kind: 'cron', name, at, mayBeLate: settings.clockSkew };
      },
    } satisfies Parameters<typeof wrapScheduled>[0];
    wrapScheduled(job, target, propertyKey, descriptor);
    schedule(target, propertyKey, descriptor);
  };
}
