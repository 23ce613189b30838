import { COMMON_OPTION_NAMES, readEngineSettings, type EngineSettings } from '../engine/options/engine-settings.js';
import { assertInstanceId } from '../engine/options/lock-names.js';
import { isLockConfigurationError, LockConfigurationError } from '../errors/index.js';
import type { LockingProviderClass } from '../provider-api/index.js';
import type { LockingModuleOptions, LockingProviderDefinition } from './module-options.interface.js';
import { PROVIDER_ID_PREFIX } from './locking.constants.js';
import {
  badDebugLog,
  entryNotObject,
  idNotString,
  inProvider,
  missingId,
  moduleOptionsMissing,
  noDefault,
  notBoolean,
  optionsNotObject,
  providersNotArray,
  repeatedId,
  resolveNotClass,
  severalDefaults,
  unknownEntryField,
  unknownModuleOption,
  unknownProviderOption,
} from './locking.messages.js';
import { InMemoryLockingProvider } from '../providers/memory/in-memory-locking.provider.js';

/** A provider as it is to be built. */
export interface ProviderPlan {
  readonly id: string;
  readonly isDefault: boolean;
  readonly resolve: LockingProviderClass;
  readonly options: Record<string, unknown>;
  readonly settings: EngineSettings;
  readonly failFast: boolean;
}

const OPTION_NAMES = ['providers', 'instanceId', 'debugLog'];
const ENTRY_FIELDS = ['resolve', 'id', 'is_default', 'options'];

/** `lp_locking-redis` and `locking-redis` mean the same. */
export function normalizeProviderId(id: string): string {
  return id.startsWith(PROVIDER_ID_PREFIX) ? id.slice(PROVIDER_ID_PREFIX.length) : id;
}

/**
 * The providers to build, exactly one of them the default.
 *
 * @throws LockConfigurationError naming the ids and the remedy; nothing is ever chosen silently.
 */
export function readModuleOptions(options: LockingModuleOptions): ProviderPlan[] {
  if (!isObject(options)) throw new LockConfigurationError(moduleOptionsMissing());
  const unknown = Object.keys(options).find((name) => !OPTION_NAMES.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(unknownModuleOption(unknown));
  const { providers = [], instanceId, debugLog } = options;
  if (instanceId !== undefined) assertInstanceId(instanceId);
  if (debugLog !== undefined && typeof (debugLog as unknown) !== 'boolean') {
    throw new LockConfigurationError(badDebugLog());
  }
  if (!Array.isArray(providers)) throw new LockConfigurationError(providersNotArray());
  const entries = providers.length > 0 ? providers : [{ resolve: InMemoryLockingProvider }];
  const plans = entries.map(readEntry);
  const ids = plans.map(({ id }) => id);
  const repeated = ids.find((id, index) => ids.indexOf(id) !== index);
  if (repeated !== undefined) throw new LockConfigurationError(repeatedId(repeated));
  return withOneDefault(plans);
}

function withOneDefault(plans: ProviderPlan[]): ProviderPlan[] {
  const [only, ...others] = plans;
  if (only && others.length === 0) return [{ ...only, isDefault: true }];
  const flagged = plans.filter(({ isDefault }) => isDefault).map(({ id }) => id);
  if (flagged.length === 0) throw new LockConfigurationError(noDefault(plans.map(({ id }) => id)));
  if (flagged.length > 1) throw new LockConfigurationError(severalDefaults(flagged));
  return plans;
}

function readEntry(entry: LockingProviderDefinition, position: number): ProviderPlan {
  if (!isObject(entry)) throw new LockConfigurationError(entryNotObject(position));
  const unknown = Object.keys(entry).find((name) => !ENTRY_FIELDS.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(unknownEntryField(unknown));
  const { resolve, is_default = false } = entry;
  if (!isClass(resolve)) throw new LockConfigurationError(resolveNotClass(position));
  const { identifier } = resolve as Partial<LockingProviderClass>;
  const name: unknown = entry.id ?? identifier ?? '';
  if (typeof name !== 'string') throw new LockConfigurationError(idNotString(position));
  const id = normalizeProviderId(name);
  if (id === '') throw new LockConfigurationError(missingId(position));
  const options = readOptions((entry.options ?? {}) as object, id, resolve.optionNames);
  return {
    id,
    isDefault: readFlag(is_default, 'is_default', id),
    resolve,
    options,
    settings: readSettings(options, id),
    failFast: readFlag(options.failFast ?? false, 'failFast', id),
  };
}

function readOptions(options: object, id: string, own: readonly string[] | undefined): Record<string, unknown> {
  if (!isObject(options)) throw new LockConfigurationError(optionsNotObject(id));
  const known = own && [...own, ...COMMON_OPTION_NAMES];
  const unknown = known && Object.keys(options).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new LockConfigurationError(unknownProviderOption(id, unknown, known ?? []));
  return options as Record<string, unknown>;
}

/** A text such as 'false', out of an environment variable, must not count as true, nor 'true' as false. */
function readFlag(value: unknown, name: string, id: string): boolean {
  if (typeof value !== 'boolean') throw new LockConfigurationError(notBoolean(id, name));
  return value;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

/** Arrow functions, which `new` refuses, have no prototype. */
function isClass(value: unknown): boolean {
  return typeof value === 'function' && value.prototype !== undefined;
}

function readSettings(options: object, id: string): EngineSettings {
  try {
    return readEngineSettings(options);
  } catch (error) {
    if (!isLockConfigurationError(error)) throw error;
    throw new LockConfigurationError(inProvider(id, error.message));
  }
}
