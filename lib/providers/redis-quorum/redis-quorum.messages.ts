import { onOneLine } from '../../errors/quote.js';
import type { Finding } from '../../provider-api/operable-store.js';

const MAX_SHOWN = 200;

export const nodesMissing = (id: string): string =>
  `Provider "${id}": nodes must be an array of at least 3 Redis servers, such as ['redis://a:6379', 'redis://b:6379', 'redis://c:6379'].`;

export const tooFewNodes = (id: string, count: number): string =>
  `Provider "${id}": nodes names ${String(count)} server(s), and a quorum needs at least 3, as fewer survive no failure. Name more, or use RedisLockingProvider.`;

export const badNode = (id: string, position: number): string =>
  `Provider "${id}": nodes[${String(position)}] must be a URL, such as 'redis://host:6379', or an object, such as { redisUrl, redisOptions } or { client }.`;

export const unknownNodeOption = (id: string, position: number, name: string): string =>
  `Provider "${id}": "${name}" is not an option of nodes[${String(position)}]. Known are: redisUrl, redisOptions, client, credentials.`;

export const clusterAsNode = (id: string, position: number): string =>
  `Provider "${id}": nodes[${String(position)}] is a Redis Cluster. A node of a quorum is one server: use a cluster through RedisLockingProvider, or name servers that are independent of each other.`;

export const repeatedNode = (id: string, name: string): string =>
  `Provider "${id}": nodes names the server ${name} twice. Each has one vote: name it once, whatever its databases.`;

export const nodeTimeoutTooLong = (id: string, longest: number): string =>
  `Provider "${id}": nodeTimeout must be at most ${String(longest)} ms: a call waits for servers that hang.`;

export const evenNodes = (id: string, count: number): string =>
  `"${id}" has ${String(count)} Redis nodes, which survive no more failures than ${String(count - 1)}. Use an odd number`;

export const nodeNotConnected = (id: string, name: string, cause: string, present: string): string =>
  `Connection to Redis node ${name} in "${id}" provider failed: ${cause}. ${present}`;

export const nodeLost = (id: string, name: string, what: string, present: string): string =>
  `Connection to Redis node ${name} in "${id}" provider ${what}. ${present}`;

export const nodeLeftOut = (id: string, name: string, timeout: number): string =>
  `Redis node ${name} in "${id}" provider has not answered for ${String(timeout)} ms. It is left out until it does`;

export const nodeBack = (id: string, name: string, present: string): string =>
  `Redis node ${name} in "${id}" provider is there again. ${present}`;

export const present = (connected: number, of: number, quorum: number): string =>
  `${String(connected)} of ${String(of)} nodes are connected${connected < quorum ? `, and ${String(quorum)} are needed: locked calls fail with LockBackendError until they are there` : ''}`;

export const owesAnswer = (): string => 'it has not answered what it was asked before';

export const noAnswerYet = (timeout: number): string => `no answer within ${String(timeout)} ms`;

export const tooFewConnected = (connected: number, of: number, quorum: number, reasons: readonly string[]): string =>
  `only ${String(connected)} of ${String(of)} Redis nodes are connected, and ${String(quorum)} are needed (${reasons.join('; ')})`;

export const tooFewAnswered = (answered: number, of: number, quorum: number, reasons: readonly string[]): string =>
  `only ${String(answered)} of ${String(of)} Redis nodes answered, and ${String(quorum)} are needed (${reasons.join('; ')})`;

export const undecided = (of: number, reasons: readonly string[]): string =>
  `the ${String(of)} Redis nodes that answered do not tell whether the lock is still held (${reasons.join('; ')})`;

export const grantedTooLate = (ttl: number): string =>
  `a majority of the Redis nodes had granted it only when the lease of ${String(ttl)} ms had run out. Give a longer expire`;

export const ofNode = (name: string, error: unknown): string => {
  const text = error instanceof Error ? error.message : String(error);
  return `${name}: ${text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text}`;
};

export const nodesPresent = (answering: number, all: number, isEnough: boolean): Finding => ({
  level: answering === all ? 'ok' : isEnough ? 'warning' : 'problem',
  subject: 'nodes',
  message: `${String(answering)} of ${String(all)} nodes answer`,
  ...(answering < all && {
    remedy: 'Bring the others back: each one that is missing is one failure that is no longer survived.',
    health: isEnough ? ('degraded' as const) : ('down' as const),
  }),
});

export const nodeNotAsked = (described: string): Finding => ({
  level: 'warning',
  subject: 'nodes',
  message: `not looked at: ${onOneLine(described)}`,
});

export const clocksApart = (milliseconds: number): Finding => ({
  level: 'warning',
  subject: 'clock',
  message: `the clocks of the nodes are ${String(Math.round(milliseconds))} ms apart, so a fencing token of another majority may be smaller`,
  remedy: 'Run NTP on all of them.',
  health: 'degraded',
});
