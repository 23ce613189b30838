import type { Job } from 'bullmq';
import { checkOptions } from '../../decorators/check-options.js';
import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { ExecuteOptions } from '../../interfaces/index.js';
import { badStoreDown, notAFunction, unknownOption } from './bullmq.messages.js';
import type { LockJobOptions } from './lock-job-options.interface.js';

const KNOWN = ['provider', 'expire', 'maxHold', 'timeout', 'retryDelay', 'ready', 'onStoreDown', 'keyTemplate'];
const DEFAULT_RETRY_DELAY = 1000;
/** As long as a lease, by default: a job whose worker process died after putting it back waits as long as after a crash. */
const DELAY_IF_WOKEN = 30_000;
const JITTER = 0.2;

/** The options, checked, with every default filled in. */
export interface CheckedJobOptions {
  readonly execute: ExecuteOptions;
  /** Milliseconds until the job is tried again by itself, given whether it is woken when its key is released. */
  readonly retryDelay: (job: Job, isWoken: boolean) => number;
  readonly ready: ((job: Job, self: unknown) => boolean | Promise<boolean>) | undefined;
  readonly onStoreDown: 'delay' | 'fail';
}

/** @throws LockConfigurationError for options that could only fail at every job */
export function checkJobOptions<J extends Job, Self>(
  caller: string,
  options: LockJobOptions<J, Self>,
): CheckedJobOptions {
  const unknown = Object.keys(options).find((name) => !KNOWN.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(unknownOption(caller, unknown, KNOWN));
  const { retryDelay, ready, onStoreDown = 'delay', timeout = 0, ...lock } = options;
  if (ready !== undefined && typeof ready !== 'function') {
    throw new LockConfigurationError(notAFunction(caller, 'ready'));
  }
  if (!['delay', 'fail'].includes(onStoreDown)) throw new LockConfigurationError(badStoreDown(caller));
  const { execute } = checkOptions({ ...lock, timeout });
  return {
    execute,
    retryDelay: readRetryDelay(retryDelay),
    ready: ready as CheckedJobOptions['ready'],
    onStoreDown,
  };
}

function readRetryDelay<J extends Job>(retryDelay: LockJobOptions<J>['retryDelay']): CheckedJobOptions['retryDelay'] {
  if (retryDelay === undefined) return (_, isWoken) => spread(isWoken ? DELAY_IF_WOKEN : DEFAULT_RETRY_DELAY);
  if (typeof retryDelay === 'function') {
    return (job) => parseDuration(retryDelay(job as J), 'retryDelay', { bareUnit: 'ms', minimum: 1 });
  }
  const delay = parseDuration(retryDelay, 'retryDelay', { bareUnit: 's', minimum: 1 });
  return () => spread(delay);
}

/** Not all at the same time. */
function spread(delay: number): number {
  return Math.round(delay * (1 + JITTER * Math.random()));
}
