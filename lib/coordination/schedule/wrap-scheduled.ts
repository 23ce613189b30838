import type { ResolvesWith } from '../../decorators/call-results.js';
import { injectOnce } from '../../decorators/inject-once.js';
import { isSuperCall, type MethodCall } from '../../decorators/method-call.js';
import { wrapMethod } from '../../decorators/wrap-method.js';
import type { SchedulerRegistry } from '@nestjs/schedule';
import { AsyncLocalStorage } from 'node:async_hooks';
import { LockConfigurationError } from '../../errors/index.js';
import { LockingService } from '../../module/locking.service.js';
import { rolesOf } from '../leader-election/leader-role.js';
import type { TickSettings } from './read-tick-options.js';
import { leaderOnlyBelow, notInjected } from './schedule.messages.js';
import { scheduleOnce, schedulerRegistryOf } from './scheduled-names.js';
import { tickRunnerOf } from './tick-runner.js';
import type { Tick } from './tick.js';

/** Nest shows this text when it cannot inject the property. */
const LOCKING = Symbol(
  'LockingService, which @LockedCron and @LockedInterval need: import LockingModule.forRoot() into the root module',
);

/** A call of a scheduled method whose tick this process runs. */
interface ScheduledCall extends MethodCall {
  ended: boolean;
}

const running = new AsyncLocalStorage<ScheduledCall>();

/**
 * The decorator that `@LockedCron` and `@LockedInterval` make: for a method that returns nothing, or a Promise that may be
 * one of `undefined`.
 */
export type TickDecorator = <Decorated extends (...args: never[]) => unknown>(
  target: object,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated> & ResolvesWith<Decorated, undefined>,
) => void;

/** A method that the scheduler calls, as its decorator describes it. */
export interface ScheduledMethod {
  /** The decorator, for errors. */
  readonly what: string;
  readonly kind: Tick['kind'];
  readonly name: string;
  readonly settings: TickSettings;
  /** The tick that is due, when the method is called. */
  readonly tickOf: (registry: SchedulerRegistry) => Tick;
}

/**
 * Puts a method in place of the decorated one that runs it once per tick over all instances. An override that calls
 * `super` runs the tick: the overridden method is part of that run, whatever name its own decorator gives it.
 */
export function wrapScheduled(
  { what, kind, name, settings, tickOf }: ScheduledMethod,
  target: object,
  propertyKey: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): void {
  wrapMethod(what, propertyKey, target, descriptor, (original, method) => {
    // A follower that comes first would take the tick, run nothing and mark it as done.
    if (rolesOf(original).some(({ role }) => role === 'only')) {
      throw new LockConfigurationError(leaderOnlyBelow(what, String(method)));
    }
    scheduleOnce(target, { what, kind, name, method });
    injectOnce(target, LockingService, LOCKING);
    return async function (...args) {
      const call: ScheduledCall = { self: this, name: method, body: original, ended: false };
      const outer = running.getStore();
      if (outer && !outer.ended && isSuperCall(call, outer)) return original.apply(this, args);
      const locking = (this as { [LOCKING]?: LockingService } | undefined)?.[LOCKING];
      const registry = schedulerRegistryOf(this);
      if (!locking || !registry) throw new LockConfigurationError(notInjected(what));
      // A job that is started at the very moment of a tick may fire before the scheduler has entered it in its registry.
      if (!registry.doesExist(kind, name)) await Promise.resolve();
      return tickRunnerOf(locking).run(
        tickOf(registry),
        settings,
        async () => {
          try {
            return await running.run(call, () => original.apply(this, args));
          } finally {
            call.ended = true;
          }
        },
        () => registry.doesExist(kind, name),
      );
    };
  });
}
