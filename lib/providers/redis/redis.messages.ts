import { onOneLine, quote } from '../../errors/quote.js';
import { passwordHint, redact } from './redact.js';

export const missingUrl = (id: string): string =>
  `Provider ${quote(id)}: redisUrl is missing. Give options: { redisUrl: 'redis://host:6379' }, redisOptions with a host, or an existing client.`;

export const badUrl = (id: string, url: unknown): string =>
  `Provider ${quote(id)}: redisUrl ${quote(redact(String(url)))} is not a URL that begins with redis:// or rediss://, such as redis://user:password@host:6379/0.${passwordHint(String(url))}`;

/** The path itself may be a part of a password, and is not shown. */
export const badDatabaseInUrl = (id: string, url: string): string =>
  `Provider ${quote(id)}: redisUrl ${quote(redact(url.replace(/(?<=^\w+:\/\/[^/?#]*)[/?#].*/s, '')))} is followed by what is no number of a database. Write the number after the host, such as redis://host:6379/0, or nothing.`;

export const badDatabase = (id: string, value: unknown): string =>
  `Provider ${quote(id)}: redisOptions.db is ${quote(String(value))}. It must be the number of a database: a whole number, 0 or more.`;

export const badNamespace = (id: string): string =>
  `Provider ${quote(id)}: namespace must be a string without halves of surrogate pairs, such as 'lock:'.`;

export const badCluster = (id: string): string =>
  `Provider ${quote(id)}: cluster needs the nodes to begin with, such as cluster: { nodes: [{ host: 'node-1', port: 6379 }] }.`;

export const clusterAndOthers = (id: string): string =>
  `Provider ${quote(id)}: give either cluster, or client, or redisUrl and redisOptions. What applies to each node of a cluster goes into cluster.options.redisOptions.`;

export const untaggable = (id: string, prefix: string): string =>
  `Provider ${quote(id)}: in a Redis Cluster the namespace (with the client's keyPrefix) may hold no "{" but that of a hash tag such as {locks}. It is ${quote(prefix)}.`;

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

export const silent = (seconds: number): string =>
  `it answered nothing for ${String(seconds)} s, so the connection is made anew`;

export const badCredentialsOption = (id: string): string =>
  `Provider ${quote(id)}: credentials must be a function that returns { username?, password } or a promise of it.`;

export const credentialsAndClient = (id: string): string =>
  `Provider ${quote(id)}: credentials do not go with client, which logs in by itself. Give redisUrl or cluster, or leave credentials out and set client.options.password when it changes.`;

export const badCredentials = (): string => 'it must return { username?, password }, both strings, or a promise of it';

export const credentialsFailed = (cause: string): string => `the function given as credentials failed: ${cause}`;

export const noCredentialsYet = (): string => 'the function given as credentials has named none yet';

export const loginRefused = (id: string, what: string, cause: string, remedy: string): string =>
  `Redis behind ${quote(id)} refuses ${what}: ${onOneLine(cause)}. ${remedy} It is tried again until then`;

export const forCommands = (): string => 'the connection for commands, so that locked calls fail with LockBackendError';

export const forWakeUps = (): string =>
  'the connection for wake-ups, so that waiters ask again and again instead of being told';

export const clientEnded = (): string =>
  'the given client has ended and does not connect again, as its retryStrategy gave up or it was closed; call connect() on it';

export const silentForGood = (id: string): string =>
  `The client given to ${quote(id)} provider has not been answered for a while, although the server answers others: its connection is most likely dead. It has no retryStrategy, so the provider does not close it. Give the client a retryStrategy, or connect it again.`;

export const connectionLost = (): string => 'the connection to Redis was lost before the answer came';

export const serverNotTrusted = (cause: string): string =>
  `${cause}: no authority that is known here vouches for the server's certificate; give the one that signed it as redisOptions.tls.ca`;

export const clientCertificateMissing = (cause: string): string =>
  `${cause}: the server most likely asks for a client certificate; give one as redisOptions.tls.cert and key`;

export const clientCertificateRefused = (cause: string): string =>
  `${cause}: the server does not accept the client certificate in redisOptions.tls`;

export const tlsExpected = (cause: string): string =>
  `${cause}: if the server expects TLS, give a redisUrl that begins with rediss://`;

export const notSubscribed = (id: string, prefix: string, cause: string): string =>
  `Redis behind ${quote(id)} does not let this user subscribe (${onOneLine(cause)}). Locks work, but whoever waits for one here asks again and again, out of turn, instead of being told. Allow it: ACL SETUSER <user> +subscribe ${quote(`&${prefix}*`)}`;
export const clusterFails = (): string =>
  'the cluster is down (cluster_state:fail): see CLUSTER INFO for the slots that nobody serves';

export const partlyTaken = (cause: string): string => `some of the keys could not be asked for: ${cause}`;

export const noSecondStep = (): string => 'the cluster took too long to tell whether the keys are held';

export const mayEvict = (id: string, policy: string): string =>
  `Redis behind ${quote(id)} has maxmemory-policy ${onOneLine(policy)} and may evict locks that are held when it runs out of memory. Set maxmemory-policy noeviction, or give locks a server of their own.`;

export const notReplicated = (count: number, minReplicas: number, timeout: number): string =>
  `only ${String(count)} of the ${String(minReplicas)} replicas that minReplicas asks for had it after ${String(timeout)} ms, so it would not have survived a failover`;

export const connectionBusy = (): string => 'the connection to Redis was busy for too long';

export const badMinReplicas = (id: string, value: unknown): string =>
  `Provider ${quote(id)}: minReplicas must be a whole number, 0 or more, not ${typeof value === 'number' ? String(value) : ((JSON.stringify(value) as string | undefined) ?? typeof value)}.`;

export const minReplicasInCluster = (id: string): string =>
  `Provider ${quote(id)}: minReplicas does not work with a Redis Cluster yet. Leave it out, or give redisUrl or sentinels.`;

export const notReady = (): string => 'connected to Redis, which is not ready yet: it may still be reading its data';

export const nonsense = (what: string): string => `Redis answered ${what} with something that makes no sense`;
