import { readFileSync } from 'node:fs';
import { parseDuration } from '../../engine/options/duration.js';
import { LockConfigurationError } from '../../errors/index.js';
import type { Duration } from '../../interfaces/index.js';
import { notABoolean, notADuration, notAddresses, notANumber, notReadable } from './environment.messages.js';

/** The providers that can be chosen by name. */
export const PROVIDER_NAMES = ['memory', 'redis', 'redis-quorum', 'postgres'] as const;

export type ProviderName = (typeof PROVIDER_NAMES)[number];

/** An option that is read from a variable. */
export interface Variable {
  /** The provider whose option it is; without one, every provider has it. */
  readonly providers?: readonly ProviderName[];
  /** The name of the option, with the names of the objects around it. */
  readonly option: readonly string[];
  /** The same in a Redis Cluster, where it is another one. */
  readonly inCluster?: readonly string[];
  /** Without a value it is left out. @throws LockConfigurationError for a text that cannot be a value */
  readonly read: (value: string, name: string) => unknown;
}

const text = (value: string): string => value;

const list = (value: string): string[] => value.split(',').map((part) => part.trim());

function length(value: string, name: string): Duration {
  try {
    parseDuration(value as Duration, name);
  } catch {
    throw new LockConfigurationError(notADuration(name, value));
  }
  return value as Duration;
}

export function flag(value: string, name: string): boolean {
  if (value !== 'true' && value !== 'false') throw new LockConfigurationError(notABoolean(name, value));
  return value === 'true';
}

function number(value: string, name: string): number {
  if (!/^\d+(\.\d+)?$/.test(value)) throw new LockConfigurationError(notANumber(name, value));
  return Number(value);
}

function addresses(value: string, name: string): { host: string; port: number }[] {
  return list(value).map((part) => {
    const [, host = '', port = ''] = /^(.+):(\d{1,5})$/.exec(part) ?? [];
    if (host === '') throw new LockConfigurationError(notAddresses(name));
    return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(port) };
  });
}

/** The content of a file, such as a certificate: variables hold its path. */
function file(value: string, name: string): Buffer {
  try {
    return readFileSync(value);
  } catch (error) {
    throw new LockConfigurationError(notReadable(name, value, (error as NodeJS.ErrnoException).code ?? ''), {
      cause: error,
    });
  }
}

/** Options of TLS where it is switched on, and none where it is not. */
const tls = (value: string, name: string): object | undefined => (flag(value, name) ? {} : undefined);

const REDIS = { providers: ['redis'] } as const;
const QUORUM = { providers: ['redis-quorum'] } as const;
const POSTGRES = { providers: ['postgres'] } as const;

/** An option of each server, wherever its address comes from. */
function ofServer(...names: readonly string[]): Pick<Variable, 'providers' | 'option' | 'inCluster'> {
  return {
    ...REDIS,
    option: ['redisOptions', ...names],
    inCluster: ['cluster', 'options', 'redisOptions', ...names],
  };
}

/** All variables but `LOCKING_PROVIDER`, by their names. */
export const VARIABLES: Readonly<Record<string, Variable>> = {
  LOCKING_EXPIRE: { option: ['expire'], read: length },
  LOCKING_WAIT_TIMEOUT: { option: ['waitLockingTimeout'], read: length },
  LOCKING_DRAIN_TIMEOUT: { option: ['drainTimeout'], read: length },
  LOCKING_MAX_WAITERS: { option: ['maxWaiters'], read: number },
  LOCKING_FAIL_FAST: { option: ['failFast'], read: flag },
  LOCKING_WARN_AFTER: { option: ['warnAfter'], read: length },
  LOCKING_RETRY_INTERVAL: { option: ['defaultRetryInterval'], read: length },
  LOCKING_MAX_RETRY_INTERVAL: { option: ['maximumRetryInterval'], read: length },
  LOCKING_BACKOFF_FACTOR: { option: ['backoffFactor'], read: number },
  LOCKING_NAMESPACE: { providers: ['redis', 'redis-quorum', 'postgres'], option: ['namespace'], read: text },
  LOCKING_REDIS_URL: { ...REDIS, option: ['redisUrl'], read: text },
  LOCKING_REDIS_SENTINELS: { ...REDIS, option: ['redisOptions', 'sentinels'], read: addresses },
  LOCKING_REDIS_SENTINEL_NAME: { ...REDIS, option: ['redisOptions', 'name'], read: text },
  LOCKING_REDIS_SENTINEL_USERNAME: { ...REDIS, option: ['redisOptions', 'sentinelUsername'], read: text },
  LOCKING_REDIS_SENTINEL_PASSWORD: { ...REDIS, option: ['redisOptions', 'sentinelPassword'], read: text },
  LOCKING_REDIS_SENTINEL_TLS: { ...REDIS, option: ['redisOptions', 'sentinelTLS'], read: tls },
  LOCKING_REDIS_USERNAME: { ...ofServer('username'), read: text },
  LOCKING_REDIS_PASSWORD: { ...ofServer('password'), read: text },
  LOCKING_REDIS_TLS: { ...ofServer('tls'), read: tls },
  LOCKING_REDIS_TLS_CA: { ...ofServer('tls', 'ca'), read: file },
  LOCKING_REDIS_TLS_CERT: { ...ofServer('tls', 'cert'), read: file },
  LOCKING_REDIS_TLS_KEY: { ...ofServer('tls', 'key'), read: file },
  LOCKING_REDIS_TLS_SERVERNAME: { ...ofServer('tls', 'servername'), read: text },
  LOCKING_REDIS_CLUSTER: { ...REDIS, option: ['cluster', 'nodes'], read: addresses },
  LOCKING_REDIS_MIN_REPLICAS: { ...REDIS, option: ['minReplicas'], read: number },
  LOCKING_QUORUM_URLS: { ...QUORUM, option: ['nodes'], read: list },
  LOCKING_QUORUM_NODE_TIMEOUT: { ...QUORUM, option: ['nodeTimeout'], read: length },
  LOCKING_POSTGRES_URL: { ...POSTGRES, option: ['connectionString'], read: text },
  LOCKING_POSTGRES_LISTEN_URL: { ...POSTGRES, option: ['listenUrl'], read: text },
  LOCKING_POSTGRES_SCHEMA: { ...POSTGRES, option: ['schema'], read: text },
  LOCKING_POSTGRES_MIGRATE: { ...POSTGRES, option: ['migrate'], read: flag },
  LOCKING_POSTGRES_UNLOGGED: { ...POSTGRES, option: ['unlogged'], read: flag },
};

/** The variables of which one says where the store is, by the provider. */
export const ADDRESSES: Readonly<Record<ProviderName, readonly string[]>> = {
  memory: [],
  redis: ['LOCKING_REDIS_URL', 'LOCKING_REDIS_SENTINELS', 'LOCKING_REDIS_CLUSTER'],
  'redis-quorum': ['LOCKING_QUORUM_URLS'],
  postgres: ['LOCKING_POSTGRES_URL'],
};
