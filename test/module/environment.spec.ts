import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import {
  InMemoryLockingProvider,
  LockingModule,
  lockingOptionsFromEnv,
  PostgresLockingProvider,
  RedisLockingProvider,
  RedisQuorumLockingProvider,
} from '../../lib/index.js';
import { COMMON_OPTION_NAMES } from '../../lib/engine/options/engine-settings.js';
import { VARIABLES } from '../../lib/module/environment/variables.js';
import { useApplications } from '../support/applications.js';
import { useRedisServer } from '../support/redis.js';

const redis = useRedisServer();
const applications = useApplications();

const folder = mkdtempSync(path.join(tmpdir(), 'nestjs-locking-env-'));
const pem = path.join(folder, 'ca.pem');
writeFileSync(pem, 'a certificate');

afterAll(() => {
  rmSync(folder, { recursive: true });
});

const only = (env: Record<string, string>) => lockingOptionsFromEnv(env).providers?.[0];

describe('lockingOptionsFromEnv', () => {
  it('without variables, and with those of others, locks are in memory', () => {
    expect(only({})).toEqual({ resolve: InMemoryLockingProvider, options: {} });
    expect(only({ PATH: '/bin', LOCKING_REDIS_URL: ' ', LOCKINGS: 'x' })).toEqual({
      resolve: InMemoryLockingProvider,
      options: {},
    });
  });

  it('leaves out what Kubernetes sets for Services, and only that', () => {
    const service = {
      LOCKING_REDIS_SERVICE_HOST: '10.0.0.1',
      LOCKING_REDIS_SERVICE_PORT: '6379',
      LOCKING_REDIS_SERVICE_PORT_TCP_REDIS: '6379',
      LOCKING_REDIS_PORT: 'tcp://10.0.0.1:6379',
      LOCKING_REDIS_PORT_6379_TCP: 'tcp://10.0.0.1:6379',
      LOCKING_REDIS_PORT_6379_TCP_PROTO: 'tcp',
      LOCKING_REDIS_PORT_6379_TCP_PORT: '6379',
      LOCKING_REDIS_PORT_6379_TCP_ADDR: '10.0.0.1',
    };
    expect(only({ ...service, LOCKING_REDIS_URL: 'redis://locking-redis' })?.options).toEqual({
      redisUrl: 'redis://locking-redis',
    });
    expect(
      only({ LOCKING_SERVICE_HOST: '10.0.0.2', LOCKING_SERVICE_PORT: '80', LOCKING_PORT: 'tcp://10.0.0.2:80' }),
    ).toEqual({
      resolve: InMemoryLockingProvider,
      options: {},
    });
    expect(() => only({ LOCKING_REDIS_PORT: '6379' })).toThrow('LOCKING_REDIS_PORT');
    expect(() => only({ ...service, LOCKING_REDIS_ULR: 'redis://a' })).toThrow('LOCKING_REDIS_ULR');
  });

  it('reads every option of Redis', () => {
    expect(
      only({
        LOCKING_PROVIDER: 'redis',
        LOCKING_REDIS_URL: 'redis://cache:6379',
        LOCKING_NAMESPACE: 'shop:',
        LOCKING_REDIS_MIN_REPLICAS: '1',
        LOCKING_EXPIRE: '45s',
        LOCKING_WAIT_TIMEOUT: '250ms',
        LOCKING_DRAIN_TIMEOUT: '1m',
        LOCKING_MAX_WAITERS: '100',
        LOCKING_FAIL_FAST: 'true',
        LOCKING_RETRY_INTERVAL: '10ms',
        LOCKING_MAX_RETRY_INTERVAL: '2s',
        LOCKING_BACKOFF_FACTOR: '1.5',
      }),
    ).toEqual({
      resolve: RedisLockingProvider,
      options: {
        redisUrl: 'redis://cache:6379',
        namespace: 'shop:',
        minReplicas: 1,
        expire: '45s',
        waitLockingTimeout: '250ms',
        drainTimeout: '1m',
        maxWaiters: 100,
        failFast: true,
        defaultRetryInterval: '10ms',
        maximumRetryInterval: '2s',
        backoffFactor: 1.5,
      },
    });
  });

  it('reads sentinels, cluster nodes, quorum servers and PostgreSQL', () => {
    expect(only({ LOCKING_REDIS_SENTINELS: 'a:1, [::1]:2', LOCKING_REDIS_SENTINEL_NAME: 'mymaster' })?.options).toEqual(
      {
        redisOptions: {
          sentinels: [
            { host: 'a', port: 1 },
            { host: '::1', port: 2 },
          ],
          name: 'mymaster',
        },
      },
    );
    expect(only({ LOCKING_REDIS_CLUSTER: 'a:7000' })?.options).toEqual({
      cluster: { nodes: [{ host: 'a', port: 7000 }] },
    });
    expect(only({ LOCKING_QUORUM_URLS: 'redis://a,redis://b, redis://c', LOCKING_QUORUM_NODE_TIMEOUT: '1s' })).toEqual({
      resolve: RedisQuorumLockingProvider,
      options: { nodes: ['redis://a', 'redis://b', 'redis://c'], nodeTimeout: '1s' },
    });
    expect(
      only({
        LOCKING_POSTGRES_URL: 'postgres://db/shop',
        LOCKING_POSTGRES_LISTEN_URL: 'postgres://direct/shop',
        LOCKING_POSTGRES_SCHEMA: 'locks',
        LOCKING_POSTGRES_MIGRATE: 'false',
        LOCKING_POSTGRES_UNLOGGED: 'true',
      }),
    ).toEqual({
      resolve: PostgresLockingProvider,
      options: {
        connectionString: 'postgres://db/shop',
        listenUrl: 'postgres://direct/shop',
        schema: 'locks',
        migrate: false,
        unlogged: true,
      },
    });
  });

  it('gives user, password and TLS to the server, to those that sentinels name, and to each node of a cluster', () => {
    const login = {
      LOCKING_REDIS_USERNAME: 'locks',
      LOCKING_REDIS_PASSWORD: 's3cret',
      LOCKING_REDIS_TLS_CA: pem,
      LOCKING_REDIS_TLS_SERVERNAME: 'redis.internal',
    };
    const tls = { ca: readFileSync(pem), servername: 'redis.internal' };
    const server = { username: 'locks', password: 's3cret', tls };
    expect(only({ ...login, LOCKING_REDIS_URL: 'rediss://a' })?.options).toEqual({
      redisUrl: 'rediss://a',
      redisOptions: server,
    });
    expect(only({ ...login, LOCKING_REDIS_TLS: 'true', LOCKING_REDIS_CLUSTER: 'a:1' })?.options).toEqual({
      cluster: { nodes: [{ host: 'a', port: 1 }], options: { redisOptions: server } },
    });
    expect(
      only({
        ...login,
        LOCKING_REDIS_SENTINELS: 'a:1',
        LOCKING_REDIS_SENTINEL_NAME: 'mymaster',
        LOCKING_REDIS_SENTINEL_USERNAME: 'watcher',
        LOCKING_REDIS_SENTINEL_PASSWORD: 'w4tch',
        LOCKING_REDIS_SENTINEL_TLS: 'true',
      })?.options,
    ).toEqual({
      redisOptions: {
        ...server,
        enableTLSForSentinelMode: true,
        sentinels: [{ host: 'a', port: 1 }],
        name: 'mymaster',
        sentinelUsername: 'watcher',
        sentinelPassword: 'w4tch',
        sentinelTLS: tls,
      },
    });
    expect(only({ LOCKING_REDIS_URL: 'redis://a', LOCKING_REDIS_TLS: 'true' })?.options).toEqual({
      redisUrl: 'redis://a',
      redisOptions: { tls: {} },
    });
    expect(only({ LOCKING_REDIS_URL: 'redis://a', LOCKING_REDIS_TLS: 'false' })?.options).toEqual({
      redisUrl: 'redis://a',
    });
  });

  it('names are in capitals: others are refused with the right one, if they have a value', () => {
    expect(() => only({ locking_redis_url: 'redis://a' })).toThrow(
      /^Environment variable "locking_redis_url": names are written in capitals\. Do you mean LOCKING_REDIS_URL\?/,
    );
    expect(() => only({ Locking_Expire: '5s' })).toThrow('Do you mean LOCKING_EXPIRE?');
    expect(only({ locking_redis_url: '', lockings: 'x' })?.resolve).toBe(InMemoryLockingProvider);
  });

  it.each([
    [{ LOCKING_REDIS_URL: 'http://u:secret@a' }, /^Environment variable LOCKING_REDIS_URL: .*redisUrl .* is not a URL/],
    [{ LOCKING_EXPIRE: '0ms' }, /^Environment variable LOCKING_EXPIRE: .*expire/],
    [{ LOCKING_BACKOFF_FACTOR: '0' }, /^Environment variable LOCKING_BACKOFF_FACTOR: .*backoffFactor/],
    [{ LOCKING_MAX_WAITERS: '1.5' }, /^Environment variable LOCKING_MAX_WAITERS: .*maxWaiters/],
    [
      { LOCKING_REDIS_URL: 'redis://:secret@a', LOCKING_REDIS_MIN_REPLICAS: '1.5' },
      /^Environment variable LOCKING_REDIS_MIN_REPLICAS: .*minReplicas/,
    ],
    [
      { LOCKING_REDIS_CLUSTER: 'a:1', LOCKING_NAMESPACE: 'x{' },
      /^Environment variable LOCKING_NAMESPACE: .*the namespace .* may hold no/,
    ],
    [{ LOCKING_QUORUM_URLS: 'redis://:secret@a' }, /^Environment variable LOCKING_QUORUM_URLS: .*nodes names 1 server/],
    [
      { LOCKING_QUORUM_URLS: 'redis://a,redis://b,redis://c', LOCKING_QUORUM_NODE_TIMEOUT: '1m' },
      /^Environment variables? .*LOCKING_QUORUM_NODE_TIMEOUT.*nodeTimeout/,
    ],
    [
      { LOCKING_POSTGRES_URL: 'mysql://u:secret@a/b' },
      /^Environment variable LOCKING_POSTGRES_URL: .*connectionString .* is not a URL/,
    ],
    [
      { LOCKING_POSTGRES_URL: 'postgres://u:secret@a/b', LOCKING_POSTGRES_SCHEMA: 'pg_locks' },
      /^Environment variable LOCKING_POSTGRES_SCHEMA: .*schema must be/,
    ],
    [
      { LOCKING_REDIS_URL: 'redis://:secret@a', LOCKING_REDIS_SENTINEL_PASSWORD: 'secret' },
      /^Environment variable LOCKING_REDIS_SENTINEL_PASSWORD: it has a meaning only with LOCKING_REDIS_SENTINELS/,
    ],
    [
      { LOCKING_REDIS_URL: 'redis://a', LOCKING_REDIS_TLS: 'false', LOCKING_REDIS_TLS_CA: pem },
      /^Environment variables LOCKING_REDIS_TLS and LOCKING_REDIS_TLS_CA contradict each other/,
    ],
    [
      { LOCKING_REDIS_URL: 'redis://a', LOCKING_REDIS_TLS_KEY: '/nowhere/key.pem' },
      /^Environment variable LOCKING_REDIS_TLS_KEY: the file "\/nowhere\/key\.pem" cannot be read \(ENOENT\)/,
    ],
    [
      { LOCKING_REDIS_PASSWORD: 'secret' },
      /^Environment variable LOCKING_REDIS_PASSWORD: it is one of the provider redis, and the provider is memory/,
    ],
    [
      { LOCKING_REDIS_ULR: 'x' },
      /^Environment variable "LOCKING_REDIS_ULR": there is none .* Do you mean LOCKING_REDIS_URL\?/,
    ],
    [{ LOCKING_EXPIRY: '5s' }, /Do you mean LOCKING_EXPIRE\?/],
    [{ LOCKING_: 'x' }, /there is none of this name/],
    [
      { LOCKING_EXPIRE: '30' },
      /^Environment variable LOCKING_EXPIRE: "30" is not a length of time\. Write it with its unit/,
    ],
    [{ LOCKING_WAIT_TIMEOUT: 'soon' }, /^Environment variable LOCKING_WAIT_TIMEOUT: "soon" is not/],
    [{ LOCKING_FAIL_FAST: 'yes' }, /^Environment variable LOCKING_FAIL_FAST: "yes" must be true or false/],
    [{ LOCKING_MAX_WAITERS: '1e3' }, /^Environment variable LOCKING_MAX_WAITERS: "1e3" is not a number/],
    [
      { LOCKING_PROVIDER: 'redsi' },
      /^Environment variable LOCKING_PROVIDER: "redsi" is no provider\. Known are: memory, redis,/,
    ],
    [{ LOCKING_PROVIDER: 'postgres' }, /^The provider postgres needs the environment variable LOCKING_POSTGRES_URL/],
    [{ LOCKING_REDIS_SENTINELS: 'a' }, /^Environment variable LOCKING_REDIS_SENTINELS: it must be a list of host:port/],
    [
      { LOCKING_REDIS_URL: 'redis://:secret@a', LOCKING_POSTGRES_URL: 'postgres://u:secret@b' },
      /^Environment variables LOCKING_REDIS_URL and LOCKING_POSTGRES_URL name different stores/,
    ],
    [
      { LOCKING_REDIS_URL: 'redis://:secret@a', LOCKING_POSTGRES_SCHEMA: 'x' },
      /^Environment variable LOCKING_POSTGRES_SCHEMA: it is one of the provider postgres, and the provider is redis/,
    ],
    [{ LOCKING_EXPIRE: 'redis://:secret@a' }, /^Environment variable LOCKING_EXPIRE: ".*@a" is not a length of time/],
    [{ LOCKING_FAIL_FAST: 'redis://u:secret@a' }, /^Environment variable LOCKING_FAIL_FAST: ".*@a" must be true or/],
    [
      { LOCKING_MAX_WAITERS: 'redis://u:secret@a' },
      /^Environment variable LOCKING_MAX_WAITERS: ".*@a" is not a number/,
    ],
    [
      { LOCKING_PROVIDER: 'postgres://u:secret@a/b' },
      /^Environment variable LOCKING_PROVIDER: ".*@a\/b" is no provider/,
    ],
    [{ LOCKING_NAMESPACE: 'x' }, /^Environment variable LOCKING_NAMESPACE: .* and the provider is memory/],
  ])('refuses %p and says what to do, without a secret', (env, message) => {
    let said = '';
    try {
      lockingOptionsFromEnv(env);
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toMatch(message);
    expect(said).not.toContain('secret');
  });

  it('the options that are read work in an application', async () => {
    const options = lockingOptionsFromEnv({
      LOCKING_REDIS_URL: redis.url,
      LOCKING_EXPIRE: '9s',
      LOCKING_FAIL_FAST: 'true',
    });
    const { locking } = await applications.withLocks(options);
    await locking.execute('k', async () => {
      const ttl = (await locking.inspect('k'))?.ttl ?? 0;
      expect(ttl).toBeGreaterThan(5000);
      expect(ttl).toBeLessThanOrEqual(9000);
    });
    expect(LockingModule.forRoot(lockingOptionsFromEnv({}))).toBeDefined();
  });

  it('user and password of variables log in to the server', async () => {
    const client = new Redis(redis.url);
    await client.acl('SETUSER', 'app', 'on', '>s3cret', '~*', '&*', '+@all');
    client.disconnect();
    const login = { LOCKING_REDIS_USERNAME: 'app', LOCKING_REDIS_PASSWORD: 's3cret' };
    const options = lockingOptionsFromEnv({ LOCKING_REDIS_URL: redis.url, LOCKING_FAIL_FAST: 'true', ...login });
    const { locking } = await applications.withLocks(options);
    await locking.execute('k', () => undefined);
    const wrong = { LOCKING_REDIS_URL: redis.url, LOCKING_FAIL_FAST: 'true', ...login, LOCKING_REDIS_PASSWORD: 'no' };
    await expect(applications.withLocks(lockingOptionsFromEnv(wrong))).rejects.toThrow('WRONGPASS');
  });

  it('every option that has a text form has a variable, and every variable is documented', () => {
    const page = readFileSync('docs/environment.md', 'utf8');
    for (const name of ['LOCKING_PROVIDER', ...Object.keys(VARIABLES)]) expect(page).toContain(`\`${name}\``);
    const read = Object.values(VARIABLES).map(({ option }) => option[0]);
    // Those that are objects, functions or clients.
    const inCode = ['client', 'credentials', 'pool', 'executor', 'store'];
    const all = [RedisLockingProvider, RedisQuorumLockingProvider, PostgresLockingProvider, InMemoryLockingProvider];
    const options = new Set([...COMMON_OPTION_NAMES, ...all.flatMap(({ optionNames }) => optionNames)]);
    expect([...options].filter((name) => !inCode.includes(name) && !read.includes(name))).toEqual([]);
    for (const name of inCode) expect(page).toContain(`\`${name}\``);
  });
});
