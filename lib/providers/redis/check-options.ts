import type { RedisOptions } from 'ioredis';
import { isWellFormed } from '../../engine/options/well-formed.js';
import { LockConfigurationError } from '../../errors/index.js';
import { splitsPassword } from './redact.js';
import type { RedisLockingProviderOptions } from './redis-options.interface.js';
import {
  badClient,
  badCluster,
  badCredentialsOption,
  badDatabase,
  badDatabaseInUrl,
  badMinReplicas,
  badNamespace,
  badUrl,
  clientAndUrl,
  clusterAndOthers,
  credentialsAndClient,
  minReplicasInCluster,
  missingUrl,
} from './redis.messages.js';

/** @throws LockConfigurationError for what cannot work */
export function assertUsable(options: RedisLockingProviderOptions, id: string): void {
  const { redisUrl, redisOptions, client, cluster, credentials, namespace, minReplicas = 0 } = options;
  if (client !== undefined && !isClient(client)) throw new LockConfigurationError(badClient(id));
  if (credentials !== undefined && typeof credentials !== 'function') {
    throw new LockConfigurationError(badCredentialsOption(id));
  }
  if (credentials && client) throw new LockConfigurationError(credentialsAndClient(id));
  if (cluster !== undefined && (client || redisUrl !== undefined || redisOptions)) {
    throw new LockConfigurationError(clusterAndOthers(id));
  }
  if (!Number.isSafeInteger(minReplicas) || minReplicas < 0) {
    throw new LockConfigurationError(badMinReplicas(id, minReplicas));
  }
  if (minReplicas > 0 && isForCluster(options)) throw new LockConfigurationError(minReplicasInCluster(id));
  if (cluster !== undefined && !hasNodes(cluster)) throw new LockConfigurationError(badCluster(id));
  if (client && (redisUrl !== undefined || redisOptions)) throw new LockConfigurationError(clientAndUrl(id));
  if (namespace !== undefined && !isNamespace(namespace)) throw new LockConfigurationError(badNamespace(id));
  const { db } = (cluster?.options?.redisOptions ?? redisOptions ?? {}) as { db?: unknown };
  if (db !== undefined && db !== null && !isDatabase(db)) throw new LockConfigurationError(badDatabase(id, db));
  if (client || cluster || (redisUrl === undefined && isAddressed(redisOptions))) return;
  if (redisUrl === undefined || redisUrl === '') throw new LockConfigurationError(missingUrl(id));
  if (typeof redisUrl !== 'string' || !isRedisUrl(redisUrl)) {
    throw new LockConfigurationError(badUrl(id, redisUrl));
  }
  if (!namesDatabase(new URL(redisUrl))) throw new LockConfigurationError(badDatabaseInUrl(id, redisUrl));
}

export function isForCluster({ client, cluster }: RedisLockingProviderOptions): boolean {
  return cluster !== undefined || client?.isCluster === true;
}

function hasNodes(cluster: unknown): boolean {
  const { nodes } = (cluster ?? {}) as { nodes?: unknown };
  return Array.isArray(nodes) && nodes.length > 0;
}

/** Half of a surrogate pair would become the same character as every other one. */
function isNamespace(value: unknown): boolean {
  return typeof value === 'string' && isWellFormed(value);
}

function isAddressed({ sentinels, host, path }: RedisOptions = {}): boolean {
  return Boolean(sentinels) || host !== undefined || path !== undefined;
}

/** ioredis makes a number of it in any case, and its `SELECT NaN` would end the process. */
function isDatabase(value: unknown): boolean {
  return typeof value === 'string' ? /^\d+$/.test(value) : Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Whether a URL leaves the database out, or names it by its number: in the path, or as `?db=`. */
function namesDatabase({ pathname, searchParams }: URL): boolean {
  return /^\/?\d*$/.test(pathname) && searchParams.getAll('db').every(isDatabase);
}

function isClient(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'status' in value && 'duplicate' in value;
}

/** ioredis decodes the user and the password, and fails on a `%` that encodes nothing. */
function isRedisUrl(text: string): boolean {
  try {
    const url = new URL(text);
    const { protocol, username, password } = url;
    if (splitsPassword(url)) return false;
    decodeURIComponent(username + password);
    return /^rediss?:$/.test(protocol) && text.startsWith(`${protocol}//`);
  } catch {
    return false;
  }
}
