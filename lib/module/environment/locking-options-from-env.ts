import { LockConfigurationError } from '../../errors/index.js';
import type { LockingProviderClass } from '../../provider-api/index.js';
import { InMemoryLockingProvider } from '../../providers/memory/in-memory-locking.provider.js';
import { PostgresLockingProvider } from '../../providers/postgres/postgres-locking.provider.js';
import { RedisLockingProvider } from '../../providers/redis/redis-locking.provider.js';
import { RedisQuorumLockingProvider } from '../../providers/redis-quorum/redis-quorum-locking.provider.js';
import { nearestOf } from '../nearest.js';
import type { LockingModuleOptions } from '../module-options.interface.js';
import {
  missingVariable,
  severalStores,
  unknownProvider,
  unknownVariable,
  variableOfOther,
} from './environment.messages.js';
import { isServiceVariable } from './service-variables.js';
import { ADDRESSES, PROVIDER_NAMES, VARIABLES, type ProviderName } from './variables.js';

const PREFIX = 'LOCKING_';
const PROVIDER = 'LOCKING_PROVIDER';
const INSTANCE_ID = 'LOCKING_INSTANCE_ID';

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
 * @throws LockConfigurationError for a variable that begins with `LOCKING_` and is unknown, belongs to another provider, or
 * has a value that cannot be one; it names the variable, and never the value of an address
 *
 * @example
 * \@Module({ imports: [LockingModule.forRoot(lockingOptionsFromEnv())] })
 * export class AppModule {}
 */
export function lockingOptionsFromEnv(
  env: Readonly<Record<string, string | undefined>> = process.env,
): LockingModuleOptions {
  const set = Object.entries(env).flatMap(([name, value]): [string, string][] => {
    const trimmed = name.startsWith(PREFIX) ? (value ?? '').trim() : '';
    return trimmed === '' || isServiceVariable(name, env) ? [] : [[name, trimmed]];
  });
  const values = new Map(set);
  const provider = chooseProvider(values);
  const options: Record<string, unknown> = {};
  for (const [name, value] of values)
    if (name !== PROVIDER && name !== INSTANCE_ID) put(options, provider, name, value);
  const instanceId = values.get(INSTANCE_ID);
  return { providers: [{ resolve: CLASSES[provider], options }], ...(instanceId !== undefined && { instanceId }) };
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

function put(options: Record<string, unknown>, provider: ProviderName, name: string, value: string): void {
  const variable = Object.hasOwn(VARIABLES, name) ? VARIABLES[name] : undefined;
  if (!variable) {
    const known = [PROVIDER, INSTANCE_ID, ...Object.keys(VARIABLES)];
    throw new LockConfigurationError(unknownVariable(name, nearestOf(name, known)));
  }
  const { providers, option, read } = variable;
  if (providers && !providers.includes(provider)) {
    throw new LockConfigurationError(variableOfOther(name, providers, provider));
  }
  let target = options;
  for (const outer of option.slice(0, -1)) target = (target[outer] ??= {}) as Record<string, unknown>;
  target[option.at(-1) ?? ''] = read(value, name);
}
