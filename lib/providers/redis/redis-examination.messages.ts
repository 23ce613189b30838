import { onOneLine } from '../../errors/quote.js';
import type { Finding } from '../../provider-api/operable-store.js';

/** What the look at a Redis server says. */
export const redisFindings = {
  /** @param code - the first word of the refusal: the rest may name the user */
  notTold: (code: string): Finding => ({
    level: 'note',
    subject: 'server',
    message: `the server refuses INFO (${onOneLine(code)}), so version, memory and replication are not looked at`,
    remedy: 'If the user of this connection lacks the right, allow it with ACL SETUSER <user> +info.',
    health: 'up',
  }),

  version: (name: string, version: string): Finding => ({
    level: 'ok',
    subject: 'version',
    message: `${onOneLine(name)} ${onOneLine(version)}`,
  }),

  tooOld: (name: string, version: string): Finding => ({
    level: 'problem',
    subject: 'version',
    message: `${onOneLine(name)} ${onOneLine(version)} is older than 7.0, on which locks were never tried`,
    remedy: 'Use Redis 7.0 or later, or Valkey.',
  }),

  replica: (): Finding => ({
    level: 'problem',
    subject: 'role',
    message: 'the server is a replica, which takes no writes',
    remedy: 'Give the address of the primary, or have it found through Sentinel (LOCKING_REDIS_SENTINELS).',
    health: 'down',
  }),

  evicts: (policy: string): Finding => ({
    level: 'problem',
    subject: 'eviction',
    message: `maxmemory-policy is ${onOneLine(policy)}: a server without memory may evict locks that are held`,
    remedy: 'Set maxmemory-policy noeviction, or give locks a server of their own.',
    health: 'degraded',
  }),

  keeps: (): Finding => ({ level: 'ok', subject: 'eviction', message: 'maxmemory-policy is noeviction' }),

  nearlyFull: (percent: number): Finding => ({
    level: 'warning',
    subject: 'memory',
    message: `${String(percent)} % of maxmemory is used: a full server refuses new locks`,
    remedy: 'Raise maxmemory, or give locks a server of their own.',
    health: 'degraded',
  }),

  notSaved: (what: string): Finding => ({
    level: 'problem',
    subject: 'persistence',
    message: `the last write to disk failed (${what}): the server may refuse writes`,
    remedy: 'Look into its log: most likely the disk is full.',
    health: 'degraded',
  }),

  noAppendLog: (): Finding => ({
    level: 'note',
    subject: 'persistence',
    message: 'appendonly is off: a restart of the server forgets the locks of the time since its last snapshot',
    remedy: 'Set appendonly yes where two holders after a restart are worse than slower writes; see docs/redis.md.',
  }),

  appendLog: (): Finding => ({ level: 'ok', subject: 'persistence', message: 'appendonly is on' }),

  tooFewReplicas: (connected: number, minReplicas: number): Finding => ({
    level: 'problem',
    subject: 'replication',
    message: `${String(connected)} replicas are connected, and minReplicas asks for ${String(minReplicas)}: no lock can be acquired`,
    remedy: 'Bring the replicas back, or lower minReplicas.',
    health: 'down',
  }),

  laggingReplica: (address: string, seconds: number): Finding => ({
    level: 'warning',
    subject: 'replication',
    server: onOneLine(address),
    message: `a replica has acknowledged nothing for ${String(seconds)} s`,
    remedy: 'Look at the replica and the network between: a failover to it would lose locks.',
    health: 'degraded',
  }),

  mayLose: (replicas: number): Finding => ({
    level: 'note',
    subject: 'replication',
    message: `${String(replicas)} replicas, and minReplicas is 0: a failover can lose the locks of the last moments`,
    remedy: 'Set LOCKING_REDIS_MIN_REPLICAS, or refuse older fencing tokens; see docs/redis.md.',
  }),

  replicas: (replicas: number): Finding => ({
    level: 'ok',
    subject: 'replication',
    message: replicas === 0 ? 'no replicas' : `${String(replicas)} replicas are connected`,
  }),

  manyClients: (clients: number, most: number): Finding => ({
    level: 'warning',
    subject: 'connections',
    message: `${String(clients)} of at most ${String(most)} clients are connected`,
    remedy: 'Raise maxclients, or find out who leaves connections open.',
  }),

  badCounter: (): Finding => ({
    level: 'problem',
    subject: 'tokens',
    message: 'the token counter of the namespace, nestjs-locking:fence, holds something else than this package writes',
    remedy: 'Find out what else writes there. Once that key is deleted, tokens go on from the clock of the server.',
  }),

  counterAhead: (seconds: number): Finding => ({
    level: 'note',
    subject: 'tokens',
    message: `fencing tokens are ${String(seconds)} s ahead of the clock of the server, which was set back: they go on by one`,
    remedy: 'Do not delete the token counter (nestjs-locking:fence) until the clock has caught up.',
  }),
};
