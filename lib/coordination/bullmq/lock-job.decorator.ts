import type { Job } from 'bullmq';
import { calledBy } from '../../decorators/check-options.js';
import { injectLockingService, lockingServiceOf } from '../../decorators/inject-locking-service.js';
import type { TakesKeyArguments } from '../../decorators/key-arguments.js';
import { wrapMethod } from '../../decorators/wrap-method.js';
import { asLabel } from '../../engine/options/lock-names.js';
import { checkJobOptions } from './check-job-options.js';
import { compileJobKey } from './job-keys.js';
import type { LockJobKey, LockJobOptions } from './lock-job-options.interface.js';
import { LockedJobs } from './locked-job.js';

/** The decorator that `@LockJob` makes: for a method whose first parameter is such a job. */
type LockJobDecorator<J extends Job, Self> = <Decorated extends (...args: never[]) => Promise<unknown>>(
  target: Self,
  propertyKey: string | symbol,
  descriptor: TypedPropertyDescriptor<Decorated> & TakesKeyArguments<Decorated, [J, ...unknown[]]>,
) => void;

/**
 * Runs the jobs of a BullMQ processor one at a time per key, over all workers of all instances. For the `process` method
 * of a `WorkerHost`.
 *
 * A job whose key is taken is put back as delayed and tried again later, when the key is released: it uses up no attempt,
 * nothing fails, and the worker's slot is free at once. An override that calls `super` joins the lock of its job. A job
 * that lost its lock while it ran fails with a `LockLostError`, so that the queue
 * retries it as its `attempts` say.
 *
 * The key is a template over the arguments (`<0.data.paymentId>`, `<0.name>`, `<0.data.lines[].sku>` for several keys)
 * or a function of the job. The method gets as its third argument a signal that aborts when the lock is lost or BullMQ
 * cancels the job; `LockingService.current()` is the lock, whose `fencingToken` goes with what it writes.
 *
 * A lock does not remember: a worker that dies after its work and before the queue hears of it leaves a job that is
 * run again. Ask under the lock whether the work is done, and refuse writes with an older fencing token.
 *
 * @param options - `retryDelay` (default `'30s'`, or `'1s'` where the job cannot be woken), `ready`, `timeout` (default 0), `expire` (default 30 s), `maxHold`,
 * `provider`, `onStoreDown` (default `'delay'`)
 * @throws LockKeyError at decoration for a malformed template; the job fails with it for a placeholder without a value
 * @throws LockConfigurationError at decoration for options that cannot work; at the call when no worker makes it
 *
 * @example
 * \@Processor('payments', { concurrency: 10 })
 * export class PaymentsProcessor extends WorkerHost {
 *   \@LockJob('payment:<0.data.paymentId>', { expire: '10s', retryDelay: '500ms' })
 *   async process(job: Job<Payment>, token?: string, signal?: AbortSignal): Promise<Receipt> { … }
 * }
 */
export function LockJob<J extends Job = Job, Self = object>(
  key: LockJobKey<J>,
  options: LockJobOptions<J, Self> = {},
): LockJobDecorator<J, Self> {
  const keysOf = compileJobKey('@LockJob', key);
  const checked = checkJobOptions('@LockJob', options);
  return (target, propertyKey, descriptor: PropertyDescriptor) => {
    wrapMethod('@LockJob', propertyKey, target as object, descriptor, (original, name) => {
      injectLockingService(target as object);
      const label = `${(target as object).constructor.name}.${String(name)}`;
      const jobs = new LockedJobs('@LockJob', keysOf, calledBy(checked, typeof key === 'string' ? key : label));
      return async function (...args) {
        return jobs.run({
          locking: lockingServiceOf(this, '@LockJob'),
          self: this,
          label: asLabel(label),
          args,
          process: (token, signal) => original.call(this, args[0], token, signal),
        });
      };
    });
    // BullMQ makes a signal only for processors that declare three parameters.
    Object.defineProperty(descriptor.value, 'length', { value: 3, configurable: true });
  };
}
