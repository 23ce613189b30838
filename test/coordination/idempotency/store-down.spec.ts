import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { Logger, Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  IdempotencyService,
  isIdempotencyError,
  isLockBackendError,
  LockingModule,
  RedisLockingProvider,
} from '../../../lib/index.js';
import { Deferred } from '../../requests/support.js';
import { eventually, rejectionOf } from '../../support/poll.js';
import { useRawRedis } from '../../support/raw-redis.js';

jest.setTimeout(120_000);

@Module({})
class RootModule {}

// Written data stays over a restart.
const redis = useRawRedis({ config: { appendonly: 'yes', appendfsync: 'always' } });
let app: INestApplicationContext;
let idempotency: IdempotencyService;

beforeEach(async () => {
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const provider = { resolve: RedisLockingProvider, options: { redisUrl: redis.url, expire: '30s' } } as const;
  app = await NestFactory.createApplicationContext(
    { module: RootModule, imports: [LockingModule.forRoot({ providers: [provider] })] },
    { logger: false },
  );
  idempotency = app.get(IdempotencyService);
});

afterEach(async () => {
  await app.close();
  jest.restoreAllMocks();
});

it('a job is not run while the store is down', async () => {
  redis.server.kill('SIGKILL');
  const job = jest.fn(() => 'done');
  expect(isLockBackendError(await rejectionOf(idempotency.run('k', 1, job)))).toBe(true);
  expect(job).not.toHaveBeenCalled();
  await redis.server.restart();
});

it('a result is stored after a short outage', async () => {
  const down = new Deferred();
  const run = idempotency.run('k', 1, async () => {
    redis.server.kill('SIGKILL');
    down.resolve();
    return Promise.resolve('done');
  });
  await down.promise;
  await redis.server.restart();
  expect(await run).toBe('done');
  expect(await idempotency.run('k', 1, () => 'again')).toBe('done');
});

it('a result that the store did not take is told, and its run counts as abandoned', async () => {
  const job = async (): Promise<string> => {
    redis.server.kill('SIGKILL');
    return Promise.resolve('done');
  };
  const error = await rejectionOf(idempotency.run('k', 1, job, { expire: '2s' }));
  expect(isIdempotencyError(error) && error.reason).toBe('not-stored');
  expect(error.message).toMatch(/was run, but its result could not be stored.*counts this one as abandoned/);
  await redis.server.restart();
  const again = async () => idempotency.run('k', 1, ({ attempt }) => attempt, { onAbandoned: 'reject' });
  await eventually(async () => {
    const refused = await rejectionOf(again());
    return isIdempotencyError(refused) && refused.reason === 'abandoned';
  }, 60_000);
  expect(await idempotency.run('k', 1, ({ attempt }) => attempt)).toBe(2);
});
