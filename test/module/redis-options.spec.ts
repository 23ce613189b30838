import { describe, expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { inspect } from 'node:util';
import { LockConfigurationError, RedisLockingProvider, RedisQuorumLockingProvider } from '../../lib/index.js';
import { useRedisServer } from '../support/redis.js';
import { useApplications } from '../support/applications.js';
import { rejectionOf } from '../support/poll.js';

const applications = useApplications();
const redis = useRedisServer();

async function refusalError(options: object): Promise<Error> {
  const providers = [{ resolve: RedisLockingProvider, id: 'lp_shop', options }];
  const error = await rejectionOf(applications.withLocks({ providers }));
  expect(error).toBeInstanceOf(LockConfigurationError);
  return error;
}

async function refusal(options: object): Promise<string> {
  return (await refusalError(options)).message;
}

const MISSING =
  'Provider "shop": redisUrl is missing. Give options: { redisUrl: \'redis://host:6379\' }, redisOptions with a host, or an existing client.';

describe('redisUrl', () => {
  it.each([{}, { redisUrl: undefined }, { redisUrl: '' }, { redisOptions: { port: 6379, db: 1 } }])(
    'the error says that redisUrl is missing in %j',
    async (options) => {
      expect(await refusal(options)).toBe(MISSING);
    },
  );

  it('redisUrl is not needed if redisOptions name the host', async () => {
    const options = { redisOptions: { host: '127.0.0.1', port: redis.port }, failFast: true };
    const { locking } = await applications.withLocks({ providers: [{ resolve: RedisLockingProvider, options }] });
    expect(await locking.execute('host', ({ held }) => held)).toBe(true);
  });

  it('the error says that redisUrl is missing without options', async () => {
    const providers = [{ resolve: RedisLockingProvider }];
    const error = await rejectionOf(applications.withLocks({ providers }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toBe(MISSING.replace('shop', 'locking-redis'));
  });

  it.each(['localhost:6379', 'http://host', 'redis//host', 'redis://ho st', 6379, null])(
    'refuses %j',
    async (redisUrl) => {
      expect(await refusal({ redisUrl })).toBe(
        `Provider "shop": redisUrl "${redisUrl}" is not a URL that begins with redis:// or rediss://, such as redis://user:password@host:6379/0.`,
      );
    },
  );

  it.each([
    'http://user:S3cret@host:6379',
    'redis://user:S3cret@ho st:6379',
    'redis://user:S3cret/x@host:6379',
    'redis://user:S3@S3cret@ho st:6379',
    'redis://user:S3cret@host:port',
    'redis:/user:S3cret@host:6379',
    'redis:user:S3cret@host',
    'user:S3cret@host:6379',
    ':S3cret@host:6379',
    'redis://:S3cret',
    'redis://host:6379x?password=S3cret',
    'redis://host:6379x?a=1&Password=S3cret&b=2',
    'redis://user:S3cret%@host:6379',
    'redis://user:S3cret',
    'redis://user:12/S3cret@host:6379',
    'redis://user:12#S3cret@host:6379',
    'redis://user:12?S3cret@host:6379',
    'redis://S3cret#x@host:6379',
  ])('the error does not show the password of %s', async (redisUrl) => {
    const error = await refusalError({ redisUrl });
    expect(error.message).toMatch(/^Provider "shop": redisUrl ".*\*\*\*.*" is not a URL.* %2F %3F %23 %40 and %25\.$/);
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain('S3cret');
    expect(JSON.stringify(error)).not.toContain('S3cret');
  });
});

describe('the database', () => {
  it.each(['/abc', '/-1', '/1.5', '/0/1', '//', '/0x1', '/%31', '/0/', '?db=abc', '/0?db=-1', '?db=', '/S3cret'])(
    'a URL that ends with %j is refused before anything connects, without what stands there',
    async (end) => {
      const redisUrl = `redis://:S3cret@127.0.0.1:1${end}`;
      const expected =
        'Provider "shop": redisUrl "redis://***@127.0.0.1:1" is followed by what is no number of a database. Write the number after the host, such as redis://host:6379/0, or nothing.';
      expect(await refusal({ redisUrl })).toBe(expected);
      expect(await refusal({ redisUrl, redisOptions: { sentinels: [{ host: '127.0.0.1', port: 1 }] } })).toBe(expected);
    },
  );

  it('a URL of a quorum that names no database is refused', async () => {
    const nodes = ['redis://127.0.0.1:1/abc', 'redis://127.0.0.1:2', 'redis://127.0.0.1:3'];
    const providers = [{ resolve: RedisQuorumLockingProvider, options: { nodes } }];
    const error = await rejectionOf(applications.withLocks({ providers }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toContain('"redis://127.0.0.1:1" is followed by what is no number of a database');
  });

  it.each([NaN, -1, 1.5, 'abc', ''])('redisOptions.db must be its number, not %p', async (db) => {
    const redisOptions = { host: '127.0.0.1', port: 1, db };
    const expected = `Provider "shop": redisOptions.db is "${String(db)}". It must be the number of a database: a whole number, 0 or more.`;
    expect(await refusal({ redisOptions })).toBe(expected);
    expect(await refusal({ redisUrl: 'redis://127.0.0.1:1', redisOptions: { db } })).toBe(expected);
    expect(await refusal({ redisOptions: { sentinels: [{ host: '127.0.0.1', port: 1 }], db } })).toBe(expected);
    const cluster = { nodes: [{ host: '127.0.0.1', port: 1 }], options: { redisOptions: { db } } };
    expect(await refusal({ cluster })).toBe(expected);
  });

  it.each(['', '/', '/0', '/3', '?db=2'])('a URL that ends with %j is used', async (end) => {
    const redisUrl = new URL(end, redis.url).href;
    const { locking } = await applications.withLocks({
      providers: [{ resolve: RedisLockingProvider, options: { redisUrl, failFast: true } }],
    });
    expect(await locking.execute('database', ({ held }) => held)).toBe(true);
  });
});

describe('namespace', () => {
  it.each([null, 5, ['lock:'], () => 'x'])('must be a string, not %p', async (namespace) => {
    expect(await refusal({ redisUrl: 'redis://127.0.0.1', namespace })).toBe(
      'Provider "shop": namespace must be a string without halves of surrogate pairs, such as \'lock:\'.',
    );
  });
});

describe('client', () => {
  const client = new Redis({ lazyConnect: true });

  it.each([
    { redisUrl: 'redis://127.0.0.1' },
    { redisOptions: { db: 1 } },
    { redisUrl: 'redis://h', redisOptions: {} },
  ])('the connection options %j are refused together', async (options) => {
    expect(await refusal({ client, ...options })).toBe(
      'Provider "shop": give either client or redisUrl and redisOptions, not both: an existing client is used as it is.',
    );
    expect(client.status).toBe('wait');
  });

  it.each(['redis://h', {}, 5])('must be one of ioredis, not %j', async (value) => {
    expect(await refusal({ client: value })).toBe(
      'Provider "shop": client is not a client of ioredis. Give one such as new Redis(url), or redisUrl.',
    );
  });
});

describe('Redis Cluster', () => {
  const cluster = { nodes: [{ host: '127.0.0.1', port: 7000 }] };

  it.each([{}, { nodes: [] }, { nodes: 'redis://h' }, null, 'redis://h'])('needs nodes: %j', async (value) => {
    expect(await refusal({ cluster: value })).toBe(
      'Provider "shop": cluster needs the nodes to begin with, such as cluster: { nodes: [{ host: \'node-1\', port: 6379 }] }.',
    );
  });

  it.each([{ redisUrl: 'redis://h' }, { redisOptions: {} }])(
    'the connection options %j are refused together',
    async (options) => {
      expect(await refusal({ cluster, ...options })).toBe(
        'Provider "shop": give either cluster, or client, or redisUrl and redisOptions. What applies to each node of a cluster goes into cluster.options.redisOptions.',
      );
    },
  );

  it.each(['a{', '{}', 'a{}b{c}', '{'])(
    'refuses the namespace %j, which leaves no room for a tag',
    async (namespace) => {
      const message = `Provider "shop": in a Redis Cluster the namespace (with the client's keyPrefix) may hold no "{" but that of a hash tag such as {locks}. It is "p:${namespace}".`;
      expect(await refusal({ cluster: { ...cluster, options: { keyPrefix: 'p:' } }, namespace })).toBe(message);
      const client = new Cluster(cluster.nodes, { lazyConnect: true, redisOptions: { keyPrefix: 'p:' } });
      expect(await refusal({ client, namespace })).toBe(message);
      expect(client.status).toBe('wait');
      client.disconnect();
    },
  );
});

describe('unknown options', () => {
  it('the error names unknown options of Redis, and the known ones', async () => {
    expect(await refusal({ redisUrl: 'redis://127.0.0.1', url: 'x' })).toBe(
      'Provider "shop": "url" is not an option. Known are: redisUrl, redisOptions, client, cluster, credentials, namespace, minReplicas, waitLockingTimeout, defaultRetryInterval, maximumRetryInterval, backoffFactor, expire, drainTimeout, maxWaiters, failFast, warnAfter.',
    );
  });

  it('unknown options of Redis are found before anything connects', async () => {
    const client = new Redis({ lazyConnect: true });
    const error = await rejectionOf(
      applications.withLocks({
        providers: [
          { resolve: RedisLockingProvider, id: 'good', is_default: true, options: { client } },
          { resolve: RedisLockingProvider, id: 'bad' },
        ],
      }),
    );
    expect(error.message).toContain('Provider "bad": redisUrl is missing.');
    expect(client.status).toBe('wait');
    expect(client.eventNames()).toEqual([]);
  });
});
