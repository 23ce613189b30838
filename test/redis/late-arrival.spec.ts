import { beforeEach, describe, expect, it } from '@jest/globals';
import type { RedisOptions } from 'ioredis';
import { RedisLockingProvider, type RedisLockingProviderOptions } from '../../lib/index.js';
import { useApplications, type StartedApplication } from '../module/support/applications.js';
import { eventually, rejectionOf } from '../module/support/poll.js';
import { useRawRedis } from '../module/support/raw-redis.js';
import { refusedLate, signsOfLife, untilInLine } from '../support/store-view.js';
import { useProxies, type TcpProxy } from '../support/tcp-proxy.js';

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

/** An application behind the proxy, which the server has told who it is. */
async function throughProxy(redisOptions: RedisOptions = {}): Promise<StartedApplication> {
  const application = await start({ redisUrl: proxy.url, redisOptions });
  await application.locking.execute('warm', () => undefined);
  return application;
}

describe.each([
  ['cut off by the next connection', {}, 'closed'],
  ['refused, where earlier connections cannot be cut off', { username: 'plain', password: 'pw' }, 'answered'],
] as const)('an acquire that reaches Redis after it was given up: %s', (_, user, fate) => {
  it('takes nothing', async () => {
    const { locking, log } = await throughProxy(user);
    const [first] = connections();
    first!.keep();
    const acquiring = rejectionOf(locking.acquire(['a', 'k'], { timeout: '20s' }));
    const alone = rejectionOf(locking.acquire('l', { timeout: '20s' }));
    await eventually(() => first!.keepsAnything);
    first!.cut();
    expect(await Promise.all([acquiring, alone])).toMatchObject([{ code: 'LOCK_BACKEND' }, { code: 'LOCK_BACKEND' }]);
    await eventually(() => log.of('log').length === 2);
    // The undoing has come by now, over the second connection.
    for (const key of ['a', 'k', 'l']) await eventually(async () => (await refusedLate(redis.raw, key)).count === 1);
    expect(await first!.deliver()).toBe(fate);
    expect(await redis.raw.exists('lock:a', 'lock:k', 'lock:l')).toBe(0);
    expect(await locking.execute(['a', 'k', 'l'], () => 'ran')).toBe('ran');
  });

  it('takes no place in line either, also where it was asked again meanwhile', async () => {
    const holder = await start();
    const { locking } = await throughProxy(user);
    const lock = await holder.locking.acquire('k');
    const abort = new AbortController();
    const waiting = rejectionOf(locking.acquire('k', { timeout: '20s', signal: abort.signal }));
    await untilInLine(redis.raw, 'k', 1);
    const [first] = connections();
    first!.keep();
    await eventually(() => first!.keepsAnything);
    first!.cut();
    const before = String(await signsOfLife(redis.raw, 'k'));
    await eventually(async () => String(await signsOfLife(redis.raw, 'k')) !== before);
    abort.abort(new Error('enough'));
    expect((await waiting).message).toBe('enough');
    await untilInLine(redis.raw, 'k', 0);
    await lock.release();
    expect(await first!.deliver()).toBe(fate);
    expect(await redis.raw.exists('lock:k')).toBe(0);
    await untilInLine(redis.raw, 'k', 0);
  });
});

describe('earlier connections', () => {
  it('are cut off also where the next one breaks before it has done so', async () => {
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

  it('that cannot be cut off, as the server never told their id, are waited for much longer', async () => {
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
    await eventually(async () => (await refusedLate(redis.raw, 'k')).count === 1);
    expect((await refusedLate(redis.raw, 'k')).left).toBeGreaterThan(60_000);
    expect(await first!.deliver()).toBe('answered');
    expect(await redis.raw.exists('lock:k')).toBe(0);
  });

  it('of one process are waited for as long as it takes, whatever others say', async () => {
    const users: RedisOptions[] = [{ username: 'plain', password: 'pw' }, {}];
    for (const redisOptions of users) {
      const context = { id: 'locking-redis', warn: () => undefined };
      const provider = new RedisLockingProvider({ redisUrl: redis.url, redisOptions }, context);
      await provider.connect(() => undefined);
      // What the server says to the first commands is known by the time of its answer.
      await provider.inspect(['k']);
      const attemptId = `address.${String(redisOptions.username)}`;
      const undo = { keys: ['k'], ownerId: 'me', attemptId, undo: true, pending: true };
      await Promise.all(provider.release([undo]));
      await provider.close();
    }
    const { count, left } = await refusedLate(redis.raw, 'k');
    expect(count).toBe(2);
    expect(left).toBeGreaterThan(60_000);
  });
});
