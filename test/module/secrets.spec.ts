import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { inspect } from 'node:util';
import { LockBackendError, LockingModule, LockingService, RedisLockingProvider } from '../../lib/index.js';
import { useRedisServer } from '../support/redis.js';
import { useApplications } from '../support/applications.js';
import { LogCapture } from '../support/log-capture.js';
import { eventually, rejectionOf } from '../support/poll.js';

const applications = useApplications();
const SECRET = 'Wr0ng-S3cret';
const redis = useRedisServer({ password: 'r1ght' });

/** All text in an error, its causes and its hidden properties. */
function everythingOf(error: unknown): string {
  let text = inspect(error, { depth: Infinity, showHidden: true });
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    text += `${cause.message}\n${cause.stack}\n${JSON.stringify(cause)}\n${inspect(cause, { depth: Infinity })}`;
  }
  return text;
}

const urlWith = (password: string, user = ''): string => `redis://${user}:${password}@127.0.0.1:${redis.port}`;

describe('a wrong password', () => {
  const printed = (['log', 'warn', 'error'] as const).map((method) =>
    jest.spyOn(console, method).mockImplementation(() => undefined),
  );

  afterEach(() => {
    for (const { mock } of printed) expect(inspect(mock.calls, { depth: Infinity })).not.toContain(SECRET);
  });

  it.each([
    ['in the URL', () => ({ redisUrl: urlWith(SECRET) })],
    ['in the URL, with a user', () => ({ redisUrl: urlWith(SECRET, 'someone') })],
    ['in redisOptions', () => ({ redisUrl: urlWith('').replace(':@', ''), redisOptions: { password: SECRET } })],
    ['in the query of the URL', () => ({ redisUrl: `redis://127.0.0.1:${redis.port}/?password=${SECRET}` })],
    [
      'in redisOptions, with a user',
      () => ({
        redisUrl: urlWith('').replace(':@', ''),
        redisOptions: { username: `${SECRET}-user`, password: SECRET },
      }),
    ],
    ['under RESP2', () => ({ redisUrl: urlWith(SECRET), redisOptions: { protocol: 2 as const } })],
  ])('%s is reported, and shown nowhere', async (_, options) => {
    const { app, log, locking } = await applications.onRedis(options());
    expect(log.of('error')).toHaveLength(1);
    expect(log.of('error')[0]).toMatch(
      /^Connection to Redis in "locking-redis" provider failed: WRONGPASS .*Locked calls fail with LockBackendError/,
    );
    const errors = [
      await rejectionOf(locking.execute('k', () => 'never')),
      await rejectionOf(locking.tryAcquire('k')),
      await rejectionOf(locking.inspect('k')),
    ];
    for (const error of errors) {
      expect(error).toBeInstanceOf(LockBackendError);
      expect(error.message).toContain('WRONGPASS');
      expect(everythingOf(error)).not.toContain(SECRET);
    }
    await app.close();
    expect(inspect(log.lines, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
  });

  it('a wrong password is not in the error of failFast', async () => {
    const log = new LogCapture();
    const providers = [{ resolve: RedisLockingProvider, options: { redisUrl: urlWith(SECRET), failFast: true } }];
    const error = await rejectionOf(applications.start({ imports: [LockingModule.forRoot({ providers })] }, log));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toContain('WRONGPASS');
    expect(everythingOf(error)).not.toContain(SECRET);
    expect(inspect(log.lines, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
  });

  it('the wrong password of an existing client is not shown either', async () => {
    const client = new Redis(urlWith(SECRET), { lazyConnect: true });
    const { log, locking } = await applications.onRedis({ client });
    const error = await rejectionOf(locking.acquire('k'));
    expect(error.message).toContain('WRONGPASS');
    expect(everythingOf(error)).not.toContain(SECRET);
    expect(inspect(log.lines, { depth: Infinity, showHidden: true })).not.toContain(SECRET);
    client.on('error', () => undefined).disconnect();
  });

  it('a wrong password is tried again, so that locks work once the server accepts it', async () => {
    const admin = new Redis(redis.url);
    const { log, locking } = await applications.onRedis({ redisUrl: urlWith(SECRET) });
    await admin.config('SET', 'requirepass', SECRET);
    await eventually(() => log.of('log').length > 0, 3000);
    expect(await locking.execute('k', () => 1)).toBe(1);
    await admin.config('SET', 'requirepass', 'r1ght');
    admin.disconnect();
  });
});

describe('no password', () => {
  it.each([2, 3] as const)('a missing password is reported (RESP%d)', async (protocol) => {
    const redisUrl = `redis://127.0.0.1:${redis.port}`;
    // ioredis 5 knows no such option, not even by type, and speaks RESP2.
    const redisOptions = { connectionName: 'without-password', protocol };
    const { app, log } = await applications.onRedis({ redisUrl, redisOptions });
    expect(log.of('log')).toEqual([]);
    expect(log.of('error')).toHaveLength(1);
    expect(log.of('error')[0]).toContain('NOAUTH');
    let ran = false;
    const error = await rejectionOf(app.get(LockingService).execute('k', () => (ran = true)));
    expect(error).toBeInstanceOf(LockBackendError);
    expect(error.message).toContain('NOAUTH');
    expect(ran).toBe(false);
  });
});

describe('the right password', () => {
  it('the right password is used, and not shown when the server goes away', async () => {
    const { log, locking } = await applications.onRedis({ redisUrl: redis.url });
    expect(await locking.execute('k', () => 1)).toBe(1);
    await redis.server.stop();
    await eventually(async () => {
      const error = await rejectionOf(locking.acquire('k'));
      expect(everythingOf(error)).not.toContain('r1ght');
      return error.message.includes('ECONNREFUSED');
    });
    expect(inspect(log.lines, { depth: Infinity, showHidden: true })).not.toContain('r1ght');
  });
});
