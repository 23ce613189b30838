import { resolveCallOptions } from '../engine/options/call-options.js';
import { readEngineSettings } from '../engine/options/engine-settings.js';
import { LockConfigurationError } from '../errors/index.js';
import type { ExecuteOptions } from '../interfaces/index.js';
import type { OnUnavailable, WithLockOptions } from './with-lock-options.interface.js';

/** A decorator's options, taken apart. */
export interface CheckedOptions {
  readonly execute: ExecuteOptions;
  readonly onUnavailable: OnUnavailable;
}

/** @throws LockConfigurationError at decoration already, for options that could only fail at every call */
export function checkOptions({ onUnavailable = 'throw', ...execute }: WithLockOptions<OnUnavailable>): CheckedOptions {
  resolveCallOptions(execute, 'job', readEngineSettings());
  if (onUnavailable !== 'throw' && onUnavailable !== 'skip' && typeof onUnavailable !== 'function') {
    throw new LockConfigurationError(`onUnavailable: must be 'throw', 'skip' or a function.`);
  }
  return { execute: Object.freeze(execute), onUnavailable };
}
