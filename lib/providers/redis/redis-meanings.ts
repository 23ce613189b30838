/** What an answer of Redis means for locks. */
export interface Meaning {
  /** The meaning of an error, for the brackets after the server's own words. */
  readonly means: string;

  /** What to do about it, in whole sentences. */
  readonly remedy: string;

  /** Whether a script that is answered so has changed nothing. */
  readonly untouched?: boolean;
}

const NOT_PRIMARY =
  'After a failover a new connection leads to the new primary; otherwise correct redisUrl, or have it found through Sentinel (redisOptions.sentinels).';
const IN_CLUSTER = 'Give the option cluster, or the URL of a standalone server.';
const ALLOW =
  'Allow it the commands, keys and channels under "A user with few rights" in docs/redis.md, or give the password of another user.';

/** By the first word of an error reply. */
const BY_CODE: Readonly<Record<string, Meaning>> = {
  READONLY: { means: 'the server is a replica, or has become one', remedy: NOT_PRIMARY, untouched: true },
  MASTERDOWN: { means: 'the server is a replica that has lost its primary', remedy: NOT_PRIMARY, untouched: true },
  NOREPLICAS: {
    means: 'fewer replicas are connected to the server than its min-replicas-to-write asks for',
    remedy: 'Bring the replicas back, or lower min-replicas-to-write.',
    untouched: true,
  },
  OOM: {
    means: 'the server has no memory left',
    remedy:
      'Raise its maxmemory or free some; best give locks a server of their own, with maxmemory-policy noeviction.',
    untouched: true,
  },
  LOADING: {
    means: 'the server is still reading its data',
    remedy: 'Wait until it is done: locks then come back by themselves.',
    untouched: true,
  },
  MISCONF: {
    means: 'the server takes no writes because it cannot save its data',
    remedy: 'Look into its log: most likely the disk is full, or its directory cannot be written.',
    untouched: true,
  },
  BUSY: {
    means: 'another script has been running on the server for too long',
    remedy: 'Find out whose it is; SCRIPT KILL (or FUNCTION KILL) ends it.',
    untouched: true,
  },
  CLUSTERDOWN: {
    means: 'the Redis Cluster is not in working order',
    remedy: 'Check it with CLUSTER INFO: slots are not assigned, or a primary is down without a replica in its place.',
    untouched: true,
  },
  TRYAGAIN: {
    means: 'the Redis Cluster is just moving these keys',
    remedy: 'Try again when it is done.',
    untouched: true,
  },
  MOVED: { means: 'the server is one of a Redis Cluster', remedy: IN_CLUSTER, untouched: true },
  ASK: { means: 'the server is one of a Redis Cluster', remedy: IN_CLUSTER, untouched: true },
  CROSSSLOT: { means: 'the server is one of a Redis Cluster', remedy: IN_CLUSTER, untouched: true },
  NOAUTH: {
    means: 'the server wants a password, and none was given',
    remedy: 'Give it in redisUrl (redis://user:password@host) or in redisOptions.',
    untouched: true,
  },
  WRONGPASS: {
    means: 'the server knows no such user, or the password is wrong',
    remedy:
      'Correct it in redisUrl or redisOptions, or in client.options.password; for one that changes give the option credentials. ACL LIST on the server shows its users.',
    untouched: true,
  },
  NOPERM: { means: 'the user of this connection lacks a right that locks need', remedy: ALLOW },
  DENIED: {
    means: 'the server is in protected mode',
    remedy: 'Give it a password, then set protected-mode no, or connect over the loopback interface.',
    untouched: true,
  },
  WRONGTYPE: {
    means: 'another program has written a key of the namespace',
    remedy:
      'Find out which, and give locks a namespace of their own. Then delete the key with DEL; forceRelease deletes that of a lock.',
  },
  BADFENCE: {
    means: 'the token counter of the namespace, nestjs-locking:fence, holds something else than this package writes',
    remedy: 'Find out what else writes there. Once that key is deleted, tokens go on from the clock of the server.',
    untouched: true,
  },
};

/** By what stands in an error of the code ERR, which says nothing. */
const BY_TEXT: readonly (readonly [RegExp, Meaning])[] = [
  [
    // The latter since Redis 7.2.
    /^ERR (?:The user executing the script|ACL failure in script)/,
    { means: 'the user of this connection lacks a right that locks need', remedy: ALLOW },
  ],
  [
    /^ERR max number of clients/,
    {
      means: 'the server has as many connections as it accepts',
      remedy: 'Raise its maxclients, or find out who leaves connections open.',
      untouched: true,
    },
  ],
  [
    /^ERR unknown command/i,
    {
      means: 'the server, or a proxy before it, does not know a command that locks need',
      remedy: 'Use Redis 7.0 or later, or Valkey, without a proxy that forbids scripts.',
      untouched: true,
    },
  ],
  [
    /script killed/i,
    {
      means: 'somebody has killed the script',
      remedy: 'Try again. If it happens more than once, find out what makes the server so slow.',
      untouched: true,
    },
  ],
];

/** `undefined` for what says enough by itself. */
export function meaningOf(text: string): Meaning | undefined {
  const [code] = /^[A-Z]+(?= |$)/.exec(text) ?? [''];
  return Object.hasOwn(BY_CODE, code) ? BY_CODE[code] : BY_TEXT.find(([pattern]) => pattern.test(text))?.[1];
}

/** Of bytes that no Redis would send. */
export const NOT_REDIS: Meaning = {
  means: 'what answers there does not speak the protocol of Redis',
  remedy: 'Check host and port, and whether TLS is meant: rediss:// and redis:// are not the same port.',
};
