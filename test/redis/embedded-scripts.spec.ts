import { afterEach, describe, expect, it } from '@jest/globals';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { RedisLockingProvider } from '../../lib/index.js';
import { SCRIPT_SOURCES } from '../../lib/providers/redis/scripts.generated.js';
import { useApplications } from '../support/applications.js';
import { useRawRedis } from '../support/raw-redis.js';
import { deferred } from '../support/deferred.js';

const lib = new URL('../../lib/providers/redis/', import.meta.url);

describe('the embedded scripts', () => {
  it('the embedded scripts are those of the .lua files: run `npm run build` when this fails', async () => {
    const tool = new URL('../../tools/embed-scripts.mjs', import.meta.url).pathname;
    const { renderScripts } = (await import(tool)) as { renderScripts: () => Promise<string> };
    expect(await readFile(new URL('scripts.generated.ts', lib), 'utf8')).toBe(await renderScripts());
  });

  it('each script file begins with a header that documents KEYS, ARGV and the answer', async () => {
    const names = (await readdir(new URL('scripts/', lib))).filter((name) => name.endsWith('.lua'));
    expect(names.map((name) => name.replace('.lua', '')).sort()).toEqual(Object.keys(SCRIPT_SOURCES).sort());
    for (const name of names) {
      const [header] = (await readFile(new URL(`scripts/${name}`, lib), 'utf8')).split(/^(?!--)/m);
      expect(header).toMatch(/^-- KEYS/m);
      expect(header).toMatch(/^-- Returns /m);
      if (SCRIPT_SOURCES[name.replace('.lua', '') as 'acquire'].includes('ARGV')) expect(header).toMatch(/^-- ARGV/m);
    }
  });
});

describe('a server that has forgotten the scripts', () => {
  const redis = useRawRedis();
  const applications = useApplications();

  it('every kind of call sends the scripts again if the server has lost them', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const forget = async (): Promise<unknown> => redis.raw.script('FLUSH');

    await forget();
    const lock = await locking.acquire('k', { ownerId: 'me', expire: '1m' });
    await forget();
    expect(await locking.inspect('k')).toMatchObject({ ownerId: 'me', fencingToken: lock.fencingToken });
    await forget();
    expect(await lock.extend('2m')).toBe(true);
    expect(await redis.raw.pttl('lock:k')).toBeGreaterThan(60_000);
    await forget();
    expect(await lock.release()).toBe(true);
    expect(await redis.raw.exists('lock:k')).toBe(0);
  });

  it('a job keeps its lock if the server loses the scripts while it runs', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    const result = await locking.execute('k', async ({ signal }) => {
      await redis.raw.script('FLUSH');
      await Promise.all(['a', 'b', 'c'].map((key) => locking.execute(key, () => undefined)));
      return signal.aborted;
    });
    expect(result).toBe(false);
    expect(await redis.raw.dbsize()).toBe(1);
  });

  it('calls send only the hash of a script that the server knows', async () => {
    const { locking } = await applications.onRedis({ redisUrl: redis.url });
    await locking.execute('warm', () => undefined);
    await redis.raw.config('RESETSTAT');
    for (let round = 0; round < 5; round += 1) await locking.execute('k', () => undefined);
    const stats = await redis.raw.info('commandstats');
    expect(stats).toContain('cmdstat_evalsha:calls=10,');
    expect(stats).not.toContain('cmdstat_eval:');
    const hash = createHash('sha1').update(SCRIPT_SOURCES.acquire).digest('hex');
    expect(await redis.raw.script('EXISTS', hash)).toEqual([1]);
  });
});

describe('the requests of a batch are served in their order', () => {
  const redis = useRawRedis();
  const providers: RedisLockingProvider[] = [];

  afterEach(async () => {
    for (const provider of providers.splice(0)) await provider.close();
  });

  async function connect(onReplaced?: () => void): Promise<RedisLockingProvider> {
    const context = { id: 'locking-redis', warn: () => undefined };
    const provider = new RedisLockingProvider({ redisUrl: redis.url }, context);
    providers.push(provider);
    await provider.connect(() => undefined, onReplaced);
    return provider;
  }

  const requestOf = (ownerId: string, ...keys: string[]) => ({
    keys,
    ownerId,
    attemptId: ownerId,
    processId: ownerId,
    ttl: 30_000,
    onlyIfOwned: false,
  });

  /** Makes the server know only the script for one key. */
  async function knowOne(provider: RedisLockingProvider): Promise<void> {
    await redis.raw.script('FLUSH');
    await provider.acquire(requestOf('first', 'warm'));
  }

  async function expectOrder(provider: RedisLockingProvider): Promise<void> {
    const answers = provider.acquireBatch([requestOf('several', 'a', 'b'), requestOf('single', 'a')]);
    expect((await Promise.all(answers)).map(({ granted }) => granted)).toEqual([true, false]);
  }

  it('a batch is served in order if the server has lost its scripts', async () => {
    const provider = await connect();
    await expectOrder(provider);
    await redis.raw.flushall();
    await redis.raw.script('FLUSH');
    await expectOrder(provider);
  });

  it('a batch is served in order if the server knows only the later script', async () => {
    const provider = await connect();
    await expectOrder(provider);
    await redis.raw.flushall();
    await knowOne(provider);
    await expectOrder(provider);
  });

  it('a batch is served in order over a first connection to a server that knows only the later script', async () => {
    await knowOne(await connect());
    await expectOrder(await connect());
  });

  it('a batch is served in order over a new connection to a server that knows only the later script', async () => {
    const replaced = deferred<undefined>();
    const provider = await connect(() => {
      replaced.resolve(undefined);
    });
    await expectOrder(provider);
    await redis.raw.flushall();
    await knowOne(await connect());
    await redis.raw.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes');
    await replaced.promise;
    await expectOrder(provider);
  });
});
