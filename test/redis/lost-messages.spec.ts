import { beforeEach, describe, expect, it } from '@jest/globals';
import { RedisLockingProvider, type LeaseAnswer, type LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { FENCE, scriptCalls, untilClean, untilQueued } from '../support/store-view.js';
import { useProxies, type TcpProxy } from '../support/tcp-proxy.js';

const redis = useRawRedis();
const applications = useApplications();
const startProxy = useProxies();
let proxy: TcpProxy;

beforeEach(async () => {
  proxy = await startProxy(redis.port);
});

const start = async (redisUrl = redis.url): Promise<LockingService> =>
  (await applications.onRedis({ redisUrl })).locking;

const tokenInStore = async (key: string): Promise<number> =>
  Number((await redis.raw.get(`lock:${key}`))?.split(':')[1]);

/** An application behind the proxy that waits for `k`, and its connections. */
async function waitBehindProxy() {
  const holder = await start();
  const waiter = await start(proxy.url);
  const lock = await holder.acquire('k');
  const waiting = waiter.acquire('k', { timeout: '20s' });
  await untilQueued(redis.raw, 'k', 1);
  const [commands, messages] = proxy.connections;
  return { lock, waiting, commands: commands!, messages: messages! };
}

describe('a lost message', () => {
  it('a lost message delays its waiter by about a second', async () => {
    const { lock, waiting, messages } = await waitBehindProxy();
    messages.loseAnswers();
    const since = performance.now();
    await lock.release();
    // The server counts the message as received, so the key belongs to the waiter.
    const token = await tokenInStore('k');
    const next = await waiting;
    expect(performance.now() - since).toBeLessThan(3000);
    expect(messages.lost).toBeGreaterThan(0);
    expect(next.fencingToken).toBe(token);
    await next.release();
    await untilClean(redis.raw);
  });
});

describe('an answer that was lost after its script ran', () => {
  it('a repeated request gets the answer that was lost', async () => {
    const { lock, waiting, commands, messages } = await waitBehindProxy();
    messages.loseAnswers();
    commands.loseAnswers();
    await lock.release();
    const token = await tokenInStore('k');
    // The next poll finds the key granted, and its answer is lost with the connection.
    await eventually(() => commands.lost > 0);
    commands.cut();
    const next = await waiting;
    expect([next.fencingToken, await tokenInStore('k'), Number(await redis.raw.get(FENCE))]).toEqual([
      token,
      token,
      token,
    ]);
    expect(await next.release()).toBe(true);
    await untilClean(redis.raw);
  });

  it.each([[['a']], [['a', 'b', 'c']]])(
    'a repeated first request for %j gets the answer that was lost',
    async (keys) => {
      const provider = new RedisLockingProvider(
        { redisUrl: proxy.url },
        { id: 'locking-redis', warn: () => undefined },
      );
      try {
        let connected = 0;
        await provider.connect(() => (connected += 1));
        // Loads the script, so that the lost answer is not NOSCRIPT.
        const warm = {
          keys,
          ownerId: 'warm',
          attemptId: 'process.0',
          processId: 'process',
          ttl: 30_000,
          onlyIfOwned: false,
        };
        await provider.acquire(warm);
        await provider.release(warm);
        const request = {
          keys,
          ownerId: 'me',
          attemptId: 'process.1',
          processId: 'process',
          ttl: 30_000,
          onlyIfOwned: false,
          tokens: 5,
        };
        const ask = (): Promise<LeaseAnswer> => provider.acquire(request);
        proxy.connections[0]!.loseAnswers();
        const before = await scriptCalls(redis.raw);
        const lost = expect(ask()).rejects.toThrow();
        await eventually(async () => (await scriptCalls(redis.raw)) > before && proxy.connections[0]!.lost > 0);
        const tokens = await Promise.all(keys.map(tokenInStore));
        proxy.connections[0]!.cut();
        await lost;
        await eventually(() => connected === 2);
        const reentered = keys.map(() => false);
        expect(await ask()).toMatchObject({ granted: true, fencingTokens: tokens, reentered });
        await provider.release({ keys, ownerId: 'me', attemptId: 'process.1' });
        await untilClean(redis.raw);
      } finally {
        await provider.close();
      }
    },
  );
});

describe('a process whose subscription is not confirmed yet', () => {
  it('a process does not queue before its subscription is confirmed: it polls until then', async () => {
    const holder = await start();
    const lock = await holder.acquire('k');
    const waiter = await start(proxy.url);
    proxy.onConnection = (connection) => {
      connection.keep((bytes) => /\r\nsubscribe\r\n/i.test(bytes.toString()));
    };
    const waiting = waiter.acquire('k', { timeout: '20s' });
    await eventually(() => proxy.connections[1]?.keepsAnything === true);
    const before = await scriptCalls(redis.raw);
    await eventually(async () => (await scriptCalls(redis.raw)) >= before + 4);
    await untilQueued(redis.raw, 'k', 0);
    proxy.connections[1]!.letGo();
    await untilQueued(redis.raw, 'k', 1);
    await lock.release();
    await (await waiting).release();
    await untilClean(redis.raw);
  });
});
