import { afterEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { LockConfigurationError, type LockingService } from '../../lib/index.js';
import { useApplications } from '../support/applications.js';
import { eventually, rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';
import { expectDirectHandOff } from '../support/expect-hand-off.js';
import { subscribers, untilQueued } from '../support/store-view.js';

const redis = useRawRedis();
const applications = useApplications();
const clients: Redis[] = [];

afterEach(() => {
  for (const client of clients.splice(0)) client.disconnect();
});

/** Gives the user `locks` this password and no other; existing connections stay open. */
async function rotate(password: string): Promise<void> {
  await redis.raw.acl('SETUSER', 'locks', 'on', 'resetpass', `>${password}`, 'allkeys', 'allchannels', '+@all');
}

function clientOf(password: string): Redis {
  const client = new Redis(redis.port, { username: 'locks', password, disconnectTimeout: 100 });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

/** Makes `waiter` wait once, so that it has a connection for wake-ups. */
async function waitOnce(holder: LockingService, waiter: LockingService): Promise<void> {
  const lock = await holder.acquire('k');
  const waiting = waiter.acquire('k', { timeout: '20s' });
  await untilQueued(redis.raw, 'k', 1);
  await lock.release();
  await (await waiting).release();
}

/** The number of refused logins. */
async function logins(): Promise<number> {
  const stats = await redis.raw.info('commandstats');
  const failed = [...stats.matchAll(/cmdstat_(?:hello|auth):.*failed_calls=(\d+)/g)];
  return failed.reduce((sum, [, count]) => sum + Number(count), 0);
}

const cut = (type: 'NORMAL' | 'PUBSUB'): Promise<unknown> =>
  redis.raw.call('CLIENT', 'KILL', 'TYPE', type, 'USER', 'locks');

const refusals = (lines: readonly string[]): string[] => lines.filter((line) => line.includes('refuses'));

describe('a password that changes', () => {
  it('the connection for wake-ups takes the present password of the existing client at each reconnect', async () => {
    await rotate('former-secret');
    const client = clientOf('former-secret');
    const holder = await applications.onRedis({ redisUrl: redis.url });
    const waiter = await applications.onRedis({ client });
    await waitOnce(holder.locking, waiter.locking);

    await rotate('present-secret');
    await cut('PUBSUB');
    await eventually(() => refusals(waiter.log.of('warn')).length === 1);
    expect(refusals(waiter.log.of('warn'))[0]).toMatch(
      /"locking-redis" refuses the connection for wake-ups, .*: WRONGPASS .*client\.options\.password/,
    );
    // One line in the log, however many logins are refused.
    const tried = await logins();
    await eventually(async () => (await logins()) >= tried + 2);
    expect(refusals(waiter.log.of('warn'))).toHaveLength(1);

    client.options.password = 'present-secret';
    await eventually(async () => (await subscribers(redis.raw)) === 1);
    await expectDirectHandOff(redis.raw, holder.locking, waiter.locking);
  });

  it('credentials as a function is called before each connection', async () => {
    await rotate('former-secret');
    let password = 'former-secret';
    const holder = await applications.onRedis({ redisUrl: redis.url });
    const { locking, log } = await applications.onRedis({
      redisUrl: redis.url,
      credentials: async () => Promise.resolve({ username: 'locks', password }),
    });
    await waitOnce(holder.locking, locking);
    expect(String(await redis.raw.client('LIST')).match(/user=locks/g)).toHaveLength(2);

    await rotate('present-secret');
    await cut('NORMAL');
    await cut('PUBSUB');
    await eventually(() => refusals(log.of('warn')).length === 2);
    expect(refusals(log.of('warn')).join()).toMatch(/the connection for commands, .*WRONGPASS/);
    expect(refusals(log.of('warn')).join()).not.toMatch(/secret/);
    expect((await rejectionOf(locking.acquire('k'))).message).toContain('WRONGPASS');

    password = 'present-secret';
    await eventually(async () => (await locking.execute('k', () => 1).catch(() => 0)) === 1);
    await eventually(async () => (await subscribers(redis.raw)) === 1);
    await expectDirectHandOff(redis.raw, holder.locking, locking);
    expect(refusals(log.of('warn'))).toHaveLength(2);
  });

  it('while the credentials function fails, the former password is used, or the connection waits for the first one', async () => {
    await rotate('secret');
    let failure: Error | undefined = new Error('the vault is sealed');
    const { locking, log } = await applications.onRedis({
      redisUrl: redis.url,
      credentials: () => {
        if (failure) throw failure;
        return { username: 'locks', password: 'secret' };
      },
    });
    expect(log.of('error').join()).toContain('credentials failed: the vault is sealed');
    failure = undefined;
    await eventually(async () => (await locking.execute('k', () => 1).catch(() => 0)) === 1);
    failure = new Error('sealed again');
    await cut('NORMAL');
    await eventually(() => log.of('log').length === 2);
    expect(await locking.execute('k', () => 1)).toBe(1);
  });

  it('credentials is refused beside a client, and if it is no function', async () => {
    const client = clientOf('any');
    const credentials = () => ({ password: 'x' });
    for (const options of [
      { client, credentials },
      { redisUrl: redis.url, credentials: { password: 'x' } as never },
    ]) {
      const error = await rejectionOf(applications.onRedis(options));
      expect(error).toBeInstanceOf(LockConfigurationError);
      expect(error.message).toContain('credentials');
    }
  });
});
