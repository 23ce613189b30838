import { asKeyTemplate, resolveCallOptions } from '../engine/options/call-options.js';
import { readEngineSettings } from '../engine/options/engine-settings.js';
import { LockConfigurationError } from '../errors/index.js';
import type { ExecuteOptions } from '../interfaces/index.js';
import type { OnUnavailable, WithLockOptions } from './with-lock-options.interface.js';

/** A decorator's options, taken apart. */
export interface CheckedOptions {
  readonly execute: ExecuteOptions;
  readonly onUnavailable: OnUnavailable;
}

/** The same options for a lock that is called `template` in metrics, unless the user has named it otherwise. */
export function calledBy<Checked extends { readonly execute: ExecuteOptions }>(
  checked: Checked,
  template: string,
): Checked {
  const keyTemplate = checked.execute.keyTemplate ?? asKeyTemplate(template);
  return { ...checked, execute: Object.freeze({ ...checked.execute, keyTemplate }) };
}

/** @throws LockConfigurationError at decoration already, for options that could only fail at every call */
export function checkOptions({ onUnavailable = 'throw', ...execute }: WithLockOptions<OnUnavailable>): CheckedOptions {
  resolveCallOptions(execute, 'job', readEngineSettings());
  if (onUnavailable !== 'throw' && onUnavailable !== 'skip' && typeof onUnavailable !== 'function') {
    throw new LockConfigurationError(`onUnavailable: must be 'throw', 'skip' or a function.`);
  }
  return { execute: Object.freeze(execute), onUnavailable };
}
