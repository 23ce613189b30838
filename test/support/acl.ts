/** Commands that every application needs. */
export const REQUIRED = [
  'evalsha',
  'eval',
  'get',
  'mget',
  'set',
  'del',
  'exists',
  'pexpire',
  'pttl',
  'time',
  'incrby',
  'persist',
  'hget',
  'hmget',
  'hset',
  'hdel',
  'hkeys',
  'lindex',
  'lrange',
  'lrem',
  'rpush',
] as const;

/** Commands without which something is slower, or one feature is missing. */
export const OPTIONAL = [
  'publish',
  'subscribe',
  'pubsub|numsub',
  'client|kill',
  'client|info',
  'info',
  'scan',
] as const;

/** Commands that ioredis may send because of `client` and `redisOptions`, and can do without. */
export const BY_IOREDIS = ['client|setinfo', 'client|setname', 'select'] as const;

/** Commands that ioredis needs in a cluster: for the map of slots, slots that move, connections to replicas. */
export const BY_CLUSTER = ['cluster|slots', 'cluster|info', 'asking', 'readonly'] as const;
