/** Without one of these nothing works, or something that every application does fails. */
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
  'hget',
  'hset',
  'hdel',
  'hkeys',
  'lindex',
  'lrange',
  'lrem',
  'rpush',
] as const;

/** Without one of these something is slower, or one thing is missing. */
export const OPTIONAL = [
  'publish',
  'subscribe',
  'pubsub|numsub',
  'client|kill',
  'client|info',
  'info',
  'scan',
] as const;

/** What `client` and `redisOptions` may make ioredis send; it does without. */
export const BY_IOREDIS = ['client|setinfo', 'client|setname', 'select'] as const;

/** What ioredis needs besides, in a cluster: which node has what, a slot on its way, connections to replicas. */
export const BY_CLUSTER = ['cluster|slots', 'cluster|info', 'asking', 'readonly'] as const;
