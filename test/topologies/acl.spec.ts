import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { isLockBackendError, type RedisLockingProviderOptions } from '../../lib/index.js';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { listedKeys } from '../support/listed-keys.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { BY_IOREDIS, OPTIONAL, REQUIRED } from '../support/acl.js';
import { useEverything } from '../support/use-everything.js';

jest.setTimeout(60_000);

const redis = useRawRedis();
const applications = useApplications();

/** Creates a user that may use only the namespace and these commands. */
async function allow(commands: readonly string[], channels = ['&lock:*']): Promise<RedisLockingProviderOptions> {
  const rules = ['reset', 'on', '>pw', '~lock:*', ...channels, ...commands.map((command) => `+${command}`)];
  await redis.raw.acl('SETUSER', 'locks', ...rules);
  return { redisUrl: redis.url.replace('redis://', 'redis://locks:pw@') };
}

const without = (...missing: string[]): string[] =>
  [...REQUIRED, ...OPTIONAL].filter((command) => !missing.includes(command));

const startTwo = async (
  options: RedisLockingProviderOptions,
): Promise<readonly [StartedApplication, StartedApplication]> => [
  await applications.onRedis(options),
  await applications.onRedis(options),
];

/** The refused commands, without those that ioredis does not need. */
async function refused(): Promise<string[]> {
  const entries = (await redis.raw.acl('LOG')) as string[][];
  const objects = entries.map((entry) => entry[entry.indexOf('object') + 1] ?? '');
  return [...new Set(objects)].filter((object) => !(BY_IOREDIS as readonly string[]).includes(object)).sort();
}

beforeEach(async () => {
  await redis.raw.acl('LOG', 'RESET');
  await redis.raw.config('RESETSTAT');
});

describe('a user with the listed permissions', () => {
  it('everything works for a user with only the listed permissions', async () => {
    const options = await allow(without());
    const [one, two] = await startTwo(options);
    await useEverything(redis.raw, [one.locking, two.locking], options);
    await redis.raw.call('CLIENT', 'KILL', 'USER', 'locks');
    await eventually(async () => (await one.locking.execute('k', () => 1).catch(() => 0)) === 1);
    expect(await refused()).toEqual([]);
    for (const { log } of [one, two]) {
      expect(log.of('error')).toEqual([]);
      expect(log.of('warn').filter((line) => !line.includes('provider lost'))).toEqual([]);
    }
  });

  it('every required command is needed', async () => {
    const options = await allow(without());
    const [one, two] = await startTwo(options);
    await redis.raw.config('RESETSTAT');
    await redis.raw.script('FLUSH');
    await useEverything(redis.raw, [one.locking, two.locking], options);
    const used = [...(await redis.raw.info('commandstats')).matchAll(/^cmdstat_([^:]+):/gm)].map(([, name]) => name);
    expect(used).toEqual(expect.arrayContaining([...REQUIRED]));
  });

  it('a user with the listed permissions cannot use or list keys outside the namespace', async () => {
    const options = await allow(without());
    const outside = await applications.onRedis({ ...options, namespace: 'other:' });
    const job = jest.fn();
    const error = await rejectionOf(outside.locking.execute('k', job));
    expect(isLockBackendError(error)).toBe(true);
    expect(error.message).toMatch(/^Could not lock "k": NOPERM/);
    expect(job).not.toHaveBeenCalled();
  });
});

describe('without an optional command', () => {
  /** Expects that jobs of both applications exclude each other, and that all of them run. */
  async function expectExclusion([one, two]: readonly [StartedApplication, StartedApplication]): Promise<void> {
    let running = 0;
    const jobs = Array.from({ length: 10 }, (_, index) =>
      (index % 2 ? one : two).locking.execute(
        index % 3 ? 'k' : ['k', 'l'],
        async () => {
          running += 1;
          expect(running).toBe(1);
          await redis.raw.ping();
          running -= 1;
        },
        { timeout: '30s' },
      ),
    );
    await Promise.all(jobs);
    await eventually(async () => (await redis.raw.keys('lock:[kl]')).length === 0);
  }

  it.each(OPTIONAL.map((command) => [command]))('without %s, locks exclude and are handed off', async (command) => {
    const both = await startTwo(await allow(without(command)));
    await expectExclusion(both);
    for (const { log } of both) expect(log.of('error')).toEqual([]);
    expect((await refused()).filter((object) => object !== command)).toEqual([]);
  });

  it.each([
    ['the command SUBSCRIBE', without('subscribe'), ['&lock:*']],
    ['the channels', without(), []],
  ])('without %s, one warning says so, with the remedy', async (_, commands, channels) => {
    const { locking } = await applications.onRedis(await allow(commands, channels));
    const lock = await (await applications.onRedis({ redisUrl: redis.url })).locking.acquire('k');
    const { log: last } = await applications.onRedis({ redisUrl: redis.url });
    const waiting = locking.execute('k', () => 'ran', { timeout: '30s' });
    // Nest has one Logger per process: the application that started last gets all messages.
    await eventually(() => last.of('warn').length > 0);
    expect(last.of('warn')).toEqual([
      expect.stringMatching(
        /^Redis behind "locking-redis" does not let this user subscribe \(NOPERM .*ACL SETUSER <user> \+subscribe "&lock:\*"$/,
      ),
    ]);
    const another = locking.execute('k', () => 'too', { timeout: '30s' });
    await lock.release();
    expect(await Promise.all([waiting, another])).toEqual(['ran', 'too']);
    expect(last.of('warn')).toHaveLength(1);
  });

  it('an application that may not use the channels for a while subscribes again when it may', async () => {
    const { locking } = await applications.onRedis(await allow(without()));
    const { locking: other, log } = await applications.onRedis({ redisUrl: redis.url });
    const listening = async (): Promise<number> => (await redis.raw.pubsub('CHANNELS', 'lock:*')).length;
    const lock = await other.acquire('k');
    const waiting = locking.execute('k', () => 'ran', { timeout: '50s' });
    await eventually(async () => (await listening()) === 1);
    // The server closes connections that subscribe to channels they may no longer use.
    await allow(without(), []);
    await eventually(() => log.of('warn').some((line) => line.includes('does not let this user subscribe')));
    expect(await listening()).toBe(0);
    await allow(without());
    await eventually(async () => (await listening()) === 1, 30_000);
    await lock.release();
    expect(await waiting).toBe('ran');
  });

  it('without SCAN, list fails and says why', async () => {
    const { locking } = await applications.onRedis(await allow(without('scan')));
    const error = await rejectionOf(listedKeys(locking));
    expect(isLockBackendError(error)).toBe(true);
    expect(error.message).toContain('NOPERM');
  });

  it('without WAIT, nothing is locked with minReplicas', async () => {
    const { locking } = await applications.onRedis({ ...(await allow(without())), minReplicas: 1 });
    const job = jest.fn();
    const error = await rejectionOf(locking.execute('k', job));
    expect(isLockBackendError(error)).toBe(true);
    expect(error.message).toMatch(/^Could not lock "k": NOPERM .*'wait' command/);
    expect(job).not.toHaveBeenCalled();
    await eventually(async () => (await redis.raw.exists('lock:k')) === 0);
  });

  it('without INFO, there is no warning about a server that may evict locks', async () => {
    await redis.raw.config('SET', 'maxmemory-policy', 'allkeys-lru');
    try {
      const { log, locking } = await applications.onRedis(await allow(without('info')));
      expect(await locking.execute('k', () => 'ran')).toBe('ran');
      expect(log.of('warn')).toEqual([]);
      const allowed = await applications.onRedis(await allow(without()));
      await eventually(() => allowed.log.of('warn').length === 1);
    } finally {
      await redis.raw.config('SET', 'maxmemory-policy', 'noeviction');
    }
  });

  it('without CLIENT KILL, a tombstone stays for 15 minutes instead of 5 s', async () => {
    const ttlAfterLoss = async (commands: string[], losses: number): Promise<number> => {
      const { app, locking } = await applications.onRedis(await allow(commands));
      await locking.execute('k', () => undefined);
      for (let loss = 1; loss < losses; loss += 1) {
        await redis.raw.call('CLIENT', 'KILL', 'USER', 'locks');
        await eventually(async () => (await locking.execute('k', () => 1).catch(() => 0)) === 1);
      }
      await redis.raw.call('CLIENT', 'PAUSE', '20000', 'WRITE');
      const call = rejectionOf(locking.execute('k', () => undefined, { timeout: '40s' }));
      await eventually(async () => (await redis.raw.info('clients')).includes('blocked_clients:1'));
      await redis.raw.call('CLIENT', 'KILL', 'USER', 'locks');
      await redis.raw.call('CLIENT', 'UNPAUSE');
      expect(isLockBackendError(await call)).toBe(true);
      await eventually(async () => (await redis.raw.exists('lock:nestjs-locking:queue:k')) === 1);
      const ttl = await redis.raw.pttl('lock:nestjs-locking:queue:k');
      // Otherwise it would repeat its releases and cancels when its connection is lost again.
      await app.close();
      await redis.raw.flushall();
      return ttl;
    };
    expect(await ttlAfterLoss(without(), 1)).toBeLessThanOrEqual(8000);
    expect(await ttlAfterLoss(without(), 2)).toBeLessThanOrEqual(8000);
    expect(await ttlAfterLoss(without('client|kill'), 1)).toBeGreaterThan(60_000);
    expect(await ttlAfterLoss(without('client|kill'), 2)).toBeGreaterThan(60_000);
  });
});
