import { resolveCallOptions } from '../../engine/options/call-options.js';
import { readEngineSettings } from '../../engine/options/engine-settings.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { ExecuteOptions } from '../../interfaces/index.js';
import type { SingletonOptions } from './singleton-options.interface.js';
import { joinNotBoolean, notAnOption } from './singleton.messages.js';

const NAMES = ['join', 'provider', 'expire', 'maxHold', 'minHold', 'signal', 'keyTemplate', 'label', 'warnAfter'];

/** A singleton's options, taken apart. */
export interface CheckedSingletonOptions {
  readonly join: boolean;
  readonly execute: ExecuteOptions;
}

const known = new WeakMap<SingletonOptions, CheckedSingletonOptions>();

/**
 * What frozen options come to is kept, for the calls that come with the same ones.
 *
 * @throws LockConfigurationError for options that cannot work
 */
export function checkSingletonOptions(options: SingletonOptions): CheckedSingletonOptions {
  const before = known.get(options);
  if (before) return before;
  const checked = check(options);
  if (Object.isFrozen(options)) known.set(options, checked);
  return checked;
}

function check(options: SingletonOptions): CheckedSingletonOptions {
  const unknown = Object.keys(options).find((name) => !NAMES.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(notAnOption(unknown, NAMES));
  const { join = false, ...rest } = options;
  if (typeof join !== 'boolean') throw new LockConfigurationError(joinNotBoolean());
  const execute = Object.freeze({ ...rest, timeout: 0 });
  resolveCallOptions(execute, 'job', readEngineSettings());
  return { join, execute };
}
