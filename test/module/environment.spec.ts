import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
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

  it.each([
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
