import { onOneLine, quote } from '../../errors/quote.js';
import { redact } from './redact.js';

export const missingUrl = (id: string): string =>
  `Provider ${quote(id)}: redisUrl is missing. Give options: { redisUrl: 'redis://host:6379' }, or an existing client.`;

export const badUrl = (id: string, url: unknown): string =>
  `Provider ${quote(id)}: redisUrl ${quote(redact(String(url)))} is not a URL that begins with redis:// or rediss://, such as redis://user:password@host:6379/0.`;

export const badNamespace = (id: string): string =>
  `Provider ${quote(id)}: namespace must be a string without halves of surrogate pairs, such as 'lock:'.`;

export const clusterUnsupported = (id: string): string =>
  `Provider ${quote(id)}: Redis Cluster is not supported yet. Give redisUrl or a client of a standalone server.`;

export const badClient = (id: string): string =>
  `Provider ${quote(id)}: client is not a client of ioredis. Give one such as new Redis(url), or redisUrl.`;

export const clientAndUrl = (id: string): string =>
  `Provider ${quote(id)}: give either client or redisUrl and redisOptions, not both: an existing client is used as it is.`;

export const ioredisMissing = (id: string): string =>
  `Provider ${quote(id)} needs the package ioredis, which is not installed. Run: npm install ioredis`;

export const notConnected = (cause: string | undefined): string =>
  `not connected to Redis${cause === undefined ? '' : ` (${onOneLine(cause)})`}`;

export const connectionClosed = (): string => 'the connection to Redis was closed before it was made';

export const connectionBroken = (id: string, cause: string | undefined): string =>
  `Connection to Redis in ${quote(id)} provider lost${cause === undefined ? '' : `: ${onOneLine(cause)}`}. Locked calls fail with LockBackendError until it is back`;

export const connectionLost = (): string => 'the connection to Redis was lost before the answer came';

export const mayEvict = (id: string, policy: string): string =>
  `Redis behind ${quote(id)} has maxmemory-policy ${onOneLine(policy)} and may evict locks that are held when it runs out of memory. Set maxmemory-policy noeviction, or give locks a server of their own.`;

export const notReady = (): string => 'connected to Redis, which is not ready yet: it may still be reading its data';

export const nonsense = (what: string): string => `Redis answered ${what} with something that makes no sense`;
