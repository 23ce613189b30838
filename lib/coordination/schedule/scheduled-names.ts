import { Inject } from '@nestjs/common';
import { SchedulerRegistry } from '@nestjs/schedule';
import { LockConfigurationError } from '../../errors/index.js';
import { repeatedName } from './schedule.messages.js';

/** A job of a class, as its decorator names it. */
interface NamedJob {
  readonly what: string;
  readonly kind: 'cron' | 'interval';
  readonly name: string;
  readonly method: string | symbol;
}

/** Nest shows this text when it cannot inject the property. */
const REGISTRY = Symbol(
  'SchedulerRegistry, which @LockedCron and @LockedInterval need: import ScheduleModule.forRoot() into the root module',
);

const jobsOf = new WeakMap<object, NamedJob[]>();
const registries = new WeakMap<object, SchedulerRegistry>();
const claims = new WeakMap<SchedulerRegistry, Map<string, { readonly owner: unknown; readonly label: string }>>();

/**
 * Has Nest put the `SchedulerRegistry` into every instance of the class, and refuses a second job of the same name in
 * the same application at that moment: `@nestjs/schedule` 6 would silently run only one of them.
 */
export function scheduleOnce(prototype: object, job: NamedJob): void {
  const jobs = jobsOf.get(prototype) ?? [];
  const same = jobs.find(({ kind, name }) => kind === job.kind && name === job.name);
  if (same) throw refusal(job, labelOf(prototype, same.method), labelOf(prototype, job.method));
  if (jobs.length === 0) receiveRegistry(prototype);
  jobsOf.set(prototype, [...jobs, job]);
}

/** The registry that Nest has given to `instance`. */
export function schedulerRegistryOf(instance: unknown): SchedulerRegistry | undefined {
  return typeof instance === 'object' && instance !== null ? registries.get(instance) : undefined;
}

function receiveRegistry(prototype: object): void {
  Inject(SchedulerRegistry)(prototype, REGISTRY);
  Object.defineProperty(prototype, REGISTRY, {
    configurable: true,
    get(this: object) {
      return registries.get(this);
    },
    set(this: object, registry: SchedulerRegistry | undefined) {
      // Nest from 11.1.20 to 12.1.3 gives nothing at all to some instances, where there is no module to give it.
      if (!registry) return;
      registries.set(this, registry);
      claimNames(this, registry);
    },
  });
}

function claimNames(instance: object, registry: SchedulerRegistry): void {
  const names = claims.get(registry) ?? new Map<string, { owner: unknown; label: string }>();
  claims.set(registry, names);
  const { constructor } = instance;
  for (let prototype: unknown = instance; prototype; prototype = Object.getPrototypeOf(prototype)) {
    for (const job of jobsOf.get(prototype) ?? []) {
      // A subclass may have put another method in its place.
      if (Reflect.get(instance, job.method) !== Reflect.get(prototype, job.method)) continue;
      const key = `${job.kind}:${job.name}`;
      const label = labelOf(instance, job.method);
      const first = names.get(key);
      if (first && first.owner !== constructor) throw refusal(job, first.label, label);
      names.set(key, { owner: constructor, label });
    }
  }
}

function labelOf(from: object, method: string | symbol): string {
  return `${from.constructor.name}.${String(method)}`;
}

function refusal({ what, name }: NamedJob, first: string, second: string): LockConfigurationError {
  return new LockConfigurationError(repeatedName(what, name, first, second));
}
