import { isLockConfigurationError, LockConfigurationError } from '../../errors/index.js';
import type { LockingProviderClass } from '../../provider-api/index.js';
import { InMemoryLockingProvider } from '../../providers/memory/in-memory-locking.provider.js';
import { PostgresLockingProvider } from '../../providers/postgres/postgres-locking.provider.js';
import { RedisLockingProvider } from '../../providers/redis/redis-locking.provider.js';
import { RedisQuorumLockingProvider } from '../../providers/redis-quorum/redis-quorum-locking.provider.js';
import { nearestOf } from '../nearest.js';
import type { LockingModuleOptions } from '../module-options.interface.js';
import { readModuleOptions } from '../read-module-options.js';
import {
  contradicts,
  lowerCase,
  missingVariable,
  needsAnother,
  refused,
  severalStores,
  unknownProvider,
  unknownVariable,
  variableOfOther,
} from './environment.messages.js';
import { isServiceVariable } from './service-variables.js';
import { ADDRESSES, flag, PROVIDER_NAMES, VARIABLES, type ProviderName } from './variables.js';

const PREFIX = 'LOCKING_';
const PROVIDER = 'LOCKING_PROVIDER';
const INSTANCE_ID = 'LOCKING_INSTANCE_ID';
const DEBUG_LOG = 'LOCKING_DEBUG_LOG';
/** Those that are of no provider. */
const OF_MODULE = [PROVIDER, INSTANCE_ID, DEBUG_LOG];
const SENTINELS = 'LOCKING_REDIS_SENTINELS';
const CLUSTER = 'LOCKING_REDIS_CLUSTER';
const TLS = 'LOCKING_REDIS_TLS';
const TLS_DETAILS = Object.keys(VARIABLES).filter((name) => name.startsWith(`${TLS}_`));

const CLASSES: Readonly<Record<ProviderName, LockingProviderClass>> = {
  memory: InMemoryLockingProvider,
  redis: RedisLockingProvider,
  'redis-quorum': RedisQuorumLockingProvider,
  postgres: PostgresLockingProvider,
};

/**
 * The options of the module from environment variables: `LOCKING_REDIS_URL`, `LOCKING_EXPIRE` and so on; all are listed in
 * docs/environment.md. Without any, locks are in memory. A variable that is empty counts as not set, and so do
 * those that Kubernetes sets for a Service whose name begins with `locking`.
 *
 * @param env - where to look
 * @throws LockConfigurationError for a variable that begins with `LOCKING_`, in capitals or not, and is unknown, belongs to
 * another provider, or has a value that cannot be one; it names the variable, and never a password
 *
 * @example
 * \@Module({ imports: [LockingModule.forRoot(lockingOptionsFromEnv())] })
 * export class AppModule {}
 */
export function lockingOptionsFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
): LockingModuleOptions {
  const set = Object.entries(env).flatMap(([name, value]): [string, string][] => {
    const trimmed = name.toUpperCase().startsWith(PREFIX) ? (value ?? '').trim() : '';
    return trimmed === '' || isServiceVariable(name, env) ? [] : [[name, trimmed]];
  });
  const values = new Map(set);
  for (const name of values.keys()) {
    if (!name.startsWith(PREFIX)) throw new LockConfigurationError(lowerCase(name, nearestTo(name.toUpperCase())));
  }
  const provider = chooseProvider(values);
  const options: Record<string, unknown> = {};
  for (const [name, value] of values) {
    if (!OF_MODULE.includes(name)) put(options, provider, name, value, values);
  }
  completeTls(options, values);
  const instanceId = values.get(INSTANCE_ID);
  const debugLog = values.get(DEBUG_LOG);
  const chosen = {
    providers: [{ resolve: CLASSES[provider], options }],
    ...(instanceId !== undefined && { instanceId }),
    ...(debugLog !== undefined && { debugLog: flag(debugLog, DEBUG_LOG) }),
  };
  assertAccepted(chosen, values);
  return chosen;
}

/** ioredis uses `tls` for servers that sentinels name only if told so, and other options for the sentinels. */
function completeTls(options: Record<string, unknown>, values: ReadonlyMap<string, string>): void {
  const { redisOptions } = options as { redisOptions?: Record<string, unknown> };
  const sentinelVariables = [...values.keys()].filter((name) => name.startsWith(`${SENTINELS.slice(0, -1)}_`));
  const [lonely] = sentinelVariables;
  if (lonely !== undefined && !values.has(SENTINELS)) throw new LockConfigurationError(needsAnother(lonely, SENTINELS));
  const detail = TLS_DETAILS.find((name) => values.has(name));
  if (detail !== undefined && values.get(TLS) === 'false') throw new LockConfigurationError(contradicts(TLS, detail));
  if (!redisOptions || !values.has(SENTINELS)) return;
  if (redisOptions.tls) redisOptions.enableTLSForSentinelMode = true;
  // The same authority vouches for both.
  if (redisOptions.sentinelTLS) redisOptions.sentinelTLS = { ...(redisOptions.tls as object | undefined) };
}

/** What a provider refuses, it refuses here, where the variable is known. None of them connects by being made. */
function assertAccepted(chosen: LockingModuleOptions, values: ReadonlyMap<string, string>): void {
  try {
    for (const { resolve, options, id } of readModuleOptions(chosen))
      new resolve(options, { id, warn: () => undefined });
  } catch (error) {
    if (!isLockConfigurationError(error)) throw error;
    const { message } = error;
    const optionOf = (name: string): readonly string[] => VARIABLES[name]?.option ?? ['instanceId'];
    const names = [...values.keys()].filter((name) => name !== PROVIDER && isAbout(message, optionOf(name)));
    throw new LockConfigurationError(refused(names, message));
  }
}

/** Whether a message names the option, or what is inside of it. */
function isAbout(message: string, option: readonly string[]): boolean {
  return new RegExp(`(?<![\\w'".:/])${option.at(-1) ?? ''}(?![\\w'"@])`).test(message);
}

function chooseProvider(values: ReadonlyMap<string, string>): ProviderName {
  const chosen = values.get(PROVIDER);
  const known = PROVIDER_NAMES.find((name) => name === chosen);
  if (chosen !== undefined && !known) throw new LockConfigurationError(unknownProvider(chosen, PROVIDER_NAMES));
  const addressed = PROVIDER_NAMES.filter((name) => ADDRESSES[name].some((variable) => values.has(variable)));
  if (!known) {
    const [only = 'memory', ...others] = addressed;
    if (others.length === 0) return only;
    const names = addressed.flatMap((name) => ADDRESSES[name].filter((variable) => values.has(variable)));
    throw new LockConfigurationError(severalStores(names));
  }
  const addresses = ADDRESSES[known];
  if (addresses.length > 0 && !addressed.includes(known)) {
    throw new LockConfigurationError(missingVariable(known, addresses));
  }
  return known;
}

function put(
  options: Record<string, unknown>,
  provider: ProviderName,
  name: string,
  value: string,
  values: ReadonlyMap<string, string>,
): void {
  const variable = Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined;
  if (!variable) throw new LockConfigurationError(unknownVariable(name, nearestTo(name)));
  const { providers, read } = variable;
  if (providers && !providers.includes(provider)) {
    throw new LockConfigurationError(variableOfOther(name, providers, provider));
  }
  const found = read(value, name);
  if (found === undefined) return;
  const option = values.has(CLUSTER) ? (variable.inCluster ?? variable.option) : variable.option;
  let target = options;
  for (const outer of option.slice(0, -1)) target = (target[outer] ??= {}) as Record<string, unknown>;
  // TLS that is switched on may have got its details already.
  target[option.at(-1) ?? ''] ??= found;
}

const nearestTo = (name: string): string => nearestOf(name, [...OF_MODULE, ...Object.keys(VARIABLES)]);
