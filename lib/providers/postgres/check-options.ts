import { LockConfigurationError } from '../../errors/index.js';
import { splitsPassword } from '../redis/redact.js';
import type { PostgresLockingProviderOptions } from './postgres-options.interface.js';
import {
  badExecutor,
  badNamespace,
  badPool,
  badSchema,
  badSwitch,
  badUrl,
  missingConnection,
  tooManyConnections,
} from './postgres.messages.js';
import { encodeText } from './text-codec.js';

/** A namespace and a key together have to fit an entry of an index, in bytes. */
const LONGEST_NAMESPACE = 200;

/** PostgreSQL cuts longer names off, in bytes. */
const LONGEST_NAME = 63;

/** @throws LockConfigurationError for what cannot work */
export function assertUsable(options: PostgresLockingProviderOptions, id: string): void {
  const { connectionString, pool, executor, listenUrl, schema, namespace, migrate, unlogged } = options;
  const given = [connectionString, pool, executor].filter((one) => one !== undefined);
  if (given.length === 0 || connectionString === '') throw new LockConfigurationError(missingConnection(id));
  if (given.length > 1) throw new LockConfigurationError(tooManyConnections(id));
  for (const [option, url] of Object.entries({ connectionString, listenUrl })) {
    if (url !== undefined && !isPostgresUrl(url)) throw new LockConfigurationError(badUrl(id, option, url));
  }
  if (pool !== undefined && !hasMethods(pool, 'connect', 'query', 'on')) throw new LockConfigurationError(badPool(id));
  if (executor !== undefined && !hasMethods(executor, 'query')) throw new LockConfigurationError(badExecutor(id));
  if (schema !== undefined && !isName(schema)) throw new LockConfigurationError(badSchema(id));
  if (namespace !== undefined && !isNamespace(namespace)) throw new LockConfigurationError(badNamespace(id));
  for (const [option, value] of Object.entries({ migrate, unlogged })) {
    if (value !== undefined && typeof value !== 'boolean') throw new LockConfigurationError(badSwitch(id, option));
  }
}

/** `pg` decodes the user and the password, and fails on a `%` that encodes nothing. */
function isPostgresUrl(text: unknown): boolean {
  if (typeof text !== 'string') return false;
  try {
    const url = new URL(text);
    const { protocol, username, password } = url;
    if (splitsPassword(url)) return false;
    decodeURIComponent(username + password);
    return /^postgres(?:ql)?:$/.test(protocol) && text.startsWith(`${protocol}//`);
  } catch {
    return false;
  }
}

function hasMethods(value: unknown, ...names: string[]): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return names.every((name) => typeof (value as Record<string, unknown>)[name] === 'function');
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && /^(?!pg_)[^\0]+$/.test(value) && Buffer.byteLength(value) <= LONGEST_NAME;
}

function isNamespace(value: unknown): boolean {
  return typeof value === 'string' && Buffer.byteLength(encodeText(value)) <= LONGEST_NAMESPACE;
}
