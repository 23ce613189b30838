import { beforeEach, describe, expect, it } from '@jest/globals';
import { Redis, type RedisOptions } from 'ioredis';
import { RedisLockingProvider, type RedisLockingProviderOptions } from '../../lib/index.js';
import { useApplications, type StartedApplication } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { tombstones, scriptCalls, heartbeats, untilClean, untilQueued } from '../support/store-view.js';
import { useProxies, type ProxiedConnection, type TcpProxy } from '../support/tcp-proxy.js';

const redis = useRawRedis();
const applications = useApplications();
const startProxy = useProxies();
let proxy: TcpProxy;

const start = (options: RedisLockingProviderOptions = { redisUrl: redis.url }) => applications.onRedis(options);

beforeEach(async () => {
  proxy = await startProxy(redis.port);
  await redis.raw.acl('SETUSER', 'plain', 'on', '>pw', '~*', '&*', '+@all', '-client');
});

const connections = () => proxy.connections;

/** An application behind the proxy that has learnt the id of its connection from the server. */
async function throughProxy(redisOptions: RedisOptions = {}): Promise<StartedApplication> {
  const application = await start({ redisUrl: proxy.url, redisOptions });
  await application.locking.execute('warm', () => undefined);
  return application;
}

describe.each([
  ['cut off by the next connection', {}, 'closed'],
  ['refused, where earlier connections cannot be cut off', { username: 'plain', password: 'pw' }, 'answered'],
] as const)('an acquire that reaches Redis after it was cancelled: %s', (_, user, fate) => {
  it('a cancelled acquire that arrives late acquires nothing', async () => {
    const { locking, log } = await throughProxy(user);
    const [first] = connections();
    first!.keep();
    const acquiring = rejectionOf(locking.acquire(['a', 'k'], { timeout: '20s' }));
    const alone = rejectionOf(locking.acquire('l', { timeout: '20s' }));
    await eventually(() => first!.keepsAnything);
    first!.cut();
    expect(await Promise.all([acquiring, alone])).toMatchObject([{ code: 'LOCK_BACKEND' }, { code: 'LOCK_BACKEND' }]);
    await eventually(() => log.of('log').length === 2);
    // The cancel has arrived by now, over the second connection.
    for (const key of ['a', 'k', 'l']) await eventually(async () => (await tombstones(redis.raw, key)).count === 1);
    expect(await first!.deliver()).toBe(fate);
    expect(await redis.raw.exists('lock:a', 'lock:k', 'lock:l')).toBe(0);
    expect(await locking.execute(['a', 'k', 'l'], () => 'ran')).toBe('ran');
  });

  it('a cancelled acquire that arrives late does not join the queue, though it was sent again meanwhile', async () => {
    const holder = await start();
    const { locking } = await throughProxy(user);
    const lock = await holder.locking.acquire('k');
    const abort = new AbortController();
    const waiting = rejectionOf(locking.acquire('k', { timeout: '20s', signal: abort.signal }));
    await untilQueued(redis.raw, 'k', 1);
    const [first] = connections();
    first!.keep();
    await eventually(() => first!.keepsAnything);
    first!.cut();
    const before = String(await heartbeats(redis.raw, 'k'));
    await eventually(async () => String(await heartbeats(redis.raw, 'k')) !== before);
    abort.abort(new Error('enough'));
    expect((await waiting).message).toBe('enough');
    await untilQueued(redis.raw, 'k', 0);
    await lock.release();
    expect(await first!.deliver()).toBe(fate);
    expect(await redis.raw.exists('lock:k')).toBe(0);
    await untilQueued(redis.raw, 'k', 0);
  });
});

describe('an acquire that was cancelled on its way', () => {
  /** Sends an acquire of `k`, and one of `a` and `l`, which the proxy keeps from the server. */
  async function acquireSlowly(options: { readonly timeout: '300ms' | '20s'; readonly signal?: AbortSignal }) {
    const application = await throughProxy();
    const [first] = connections();
    first!.keep();
    const acquiring = ['k', ['a', 'l']].map((keys) => rejectionOf(application.locking.acquire(keys, options)));
    await eventually(() => first!.keepsAnything);
    return { ...application, first: first!, errors: Promise.all(acquiring) };
  }

  const nothingHeld = async (): Promise<boolean> => (await redis.raw.exists('lock:a', 'lock:k', 'lock:l')) === 0;

  /** Sends the kept requests to the server, the two acquires and their cancels, and expects that nothing is held. */
  async function expectUndone(first: ProxiedConnection): Promise<void> {
    const before = await scriptCalls(redis.raw);
    first.letGo();
    await eventually(async () => (await scriptCalls(redis.raw)) >= before + 4);
    expect(await nothingHeld()).toBe(true);
    await untilClean(redis.raw);
  }

  async function expectRefused(first: ProxiedConnection): Promise<void> {
    for (const key of ['a', 'k', 'l']) await eventually(async () => (await tombstones(redis.raw, key)).count === 1);
    expect(await first.deliver()).toBe('closed');
    expect(await nothingHeld()).toBe(true);
  }

  it.each(['arrives late', 'is cut off'])(
    'an acquire that timed out on its way acquires nothing if it %s',
    async (fate) => {
      const { first, errors } = await acquireSlowly({ timeout: '300ms' });
      expect(await errors).toMatchObject([{ code: 'LOCK_BACKEND' }, { code: 'LOCK_BACKEND' }]);
      if (fate === 'is cut off') first.cut();
      await (fate === 'is cut off' ? expectRefused(first) : expectUndone(first));
    },
  );

  it.each(['arrives late', 'is cut off'])(
    'an acquire that was aborted on its way acquires nothing if it %s',
    async (fate) => {
      const abort = new AbortController();
      const { first, errors } = await acquireSlowly({ timeout: '20s', signal: abort.signal });
      abort.abort(new Error('enough'));
      expect(await errors).toMatchObject([{ message: 'enough' }, { message: 'enough' }]);
      if (fate === 'is cut off') first.cut();
      await (fate === 'is cut off' ? expectRefused(first) : expectUndone(first));
    },
  );

  it('an acquire that arrives after its application has closed acquires nothing', async () => {
    const { app, first, errors } = await acquireSlowly({ timeout: '20s' });
    const closed = app.close();
    expect(await errors).toMatchObject([{ code: 'LOCK_BACKEND' }, { code: 'LOCK_BACKEND' }]);
    await expectUndone(first);
    await closed;
  });

  it('an acquire whose application closes before its cancel acquires nothing', async () => {
    const { app, log, first, errors } = await acquireSlowly({ timeout: '20s' });
    first.cut();
    await errors;
    await eventually(() => log.of('log').length === 2);
    await app.close();
    await expectRefused(first);
  });
});

describe('earlier connections', () => {
  it('earlier connections are cut off although the next one breaks before it has done so', async () => {
    const { locking, log } = await throughProxy();
    const [first] = connections();
    first!.keep();
    const acquiring = rejectionOf(locking.acquire('k', { timeout: '20s' }));
    await eventually(() => first!.keepsAnything);
    proxy.onConnection = (second) => {
      proxy.onConnection = undefined;
      second.keep((bytes) => bytes.includes('KILL'));
      void eventually(() => second.keepsAnything).then(() => second.cut());
    };
    first!.cut();
    await acquiring;
    await eventually(() => connections().length >= 3 && log.of('log').length >= 3);
    await eventually(() => first!.closedByServer);
    expect(await locking.execute('k', () => 'ran')).toBe('ran');
  });

  it('tombstones last much longer if earlier connections cannot be cut off, as the server never told their id', async () => {
    proxy.onConnection = (connection) => {
      proxy.onConnection = undefined;
      connection.keep((bytes) => /\bclient\r\n\$\d+\r\n(id|info)\r\n/i.test(bytes.toString()));
    };
    const { locking } = await start({ redisUrl: proxy.url });
    const [first] = connections();
    const acquiring = rejectionOf(locking.acquire('k', { timeout: '20s' }));
    await eventually(() => first!.keepsAnything);
    first!.cut();
    await acquiring;
    await eventually(async () => (await tombstones(redis.raw, 'k')).count === 1);
    expect((await tombstones(redis.raw, 'k')).left).toBeGreaterThan(60_000);
    expect(await first!.deliver()).toBe('answered');
    expect(await redis.raw.exists('lock:k')).toBe(0);
  });

  it('earlier connections are told apart from others that a new server gives the same number', async () => {
    const { locking } = await throughProxy();
    const numbers = async (): Promise<number[]> =>
      [...String(await redis.raw.client('LIST')).matchAll(/^id=(\d+)/gm)].map(([, id]) => Number(id));
    const before = Math.max(...(await numbers()));
    // The application reconnects only after all of the others.
    proxy.onConnection = (connection) => connection.keep();
    await redis.server.restart();
    const others: Redis[] = [];
    try {
      for (let last = 0; last <= before;) {
        const client = new Redis(redis.url, { disconnectTimeout: 100 });
        others.push(client);
        last = await client.client('ID');
      }
      let closed = 0;
      for (const client of others) client.on('close', () => (closed += 1));
      proxy.onConnection = undefined;
      for (const connection of connections()) connection.letGo();
      await eventually(async () => (await locking.execute('k', () => 'ran').catch(() => '')) === 'ran');
      await Promise.all(others.map((client) => client.ping()));
      expect(closed).toBe(0);
    } finally {
      for (const client of others) client.disconnect();
    }
  });

  it('tombstones of one process last as long as its own connections need, whatever other processes send', async () => {
    const users: RedisOptions[] = [{ username: 'plain', password: 'pw' }, {}];
    for (const redisOptions of users) {
      const context = { id: 'locking-redis', warn: () => undefined };
      const provider = new RedisLockingProvider({ redisUrl: redis.url, redisOptions }, context);
      await provider.connect(() => undefined);
      // The answers to the first commands have arrived by the time of this one.
      await provider.inspect(['k']);
      const attemptId = `address.${String(redisOptions.username)}`;
      const request = { keys: ['k'], ownerId: 'me', attemptId, processId: 'address', pending: true };
      await provider.cancel(request);
      await provider.close();
    }
    const { count, left } = await tombstones(redis.raw, 'k');
    expect(count).toBe(2);
    expect(left).toBeGreaterThan(60_000);
  });
});

describe('tombstones', () => {
  it('tombstones that are over are removed, also if attempts at the key are cancelled again and again', async () => {
    const provider = new RedisLockingProvider({ redisUrl: redis.url }, { id: 'locking-redis', warn: () => undefined });
    await provider.connect(() => undefined);
    const queue = 'lock:nestjs-locking:queue:k';
    const past = Date.now() - 1000;
    await redis.raw.hset(queue, { '!address.old': past, '!address.newer': past + 3_600_000 });
    const request = { keys: ['k'], ownerId: 'me', attemptId: 'address.new', processId: 'address', pending: true };
    await provider.cancel(request);
    await provider.close();
    expect((await redis.raw.hkeys(queue)).sort()).toEqual(['!address.new', '!address.newer']);
  });
});
