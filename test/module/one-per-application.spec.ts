import { describe, expect, it } from '@jest/globals';
import { Module, type DynamicModule } from '@nestjs/common';
import { LazyModuleLoader } from '@nestjs/core';
import { LockConfigurationError, LockingModule, LockingService, RedisLockingProvider } from '../../lib/index.js';
import { LockingTestingModule } from '../../lib/testing/index.js';
import { useApplications } from '../support/applications.js';
import { rejectionOf } from '../support/poll.js';
import { useRawRedis } from '../support/raw-redis.js';

const applications = useApplications();
const redis = useRawRedis();

const onRedis = (connectionName: string): DynamicModule =>
  LockingModule.forRoot({
    providers: [{ resolve: RedisLockingProvider, options: { redisUrl: redis.url, redisOptions: { connectionName } } }],
  });

describe('LockingModule.forRoot() in two modules of one application', () => {
  it('a second forRoot() is refused at the start, with the modules and the remedy', async () => {
    @Module({ imports: [LockingModule.forRoot()] })
    class OrdersModule {}

    @Module({ imports: [LockingModule.forRootAsync({ useFactory: () => ({}) })] })
    class StockModule {}

    const error = await rejectionOf(applications.start({ imports: [OrdersModule, StockModule] }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toBe(
      'LockingModule is configured 2 times in this application, so that a lock taken by one module would not exclude another: LockingModule.forRoot() or forRootAsync() is imported by OrdersModule, StockModule. Import it once, in the root module, with every store in its providers: it is global, and all other modules find the LockingService by themselves.',
    );
  });

  it.each([{ isGlobal: false }, { providers: [{ resolve: RedisLockingProvider, id: 'other' }] }])(
    'a second forRoot() with other options is refused: %j',
    async (options) => {
      @Module({ imports: [LockingModule.forRoot(options)] })
      class OrdersModule {}

      const error = await rejectionOf(applications.start({ imports: [LockingModule.forRoot(), OrdersModule] }));
      expect(error).toBeInstanceOf(LockConfigurationError);
      expect(error.message).toContain('configured 2 times');
    },
  );

  it('a refused second forRoot() opens no connection', async () => {
    const { total_connections_received: before } = await stats();
    const error = await rejectionOf(applications.start({ imports: [onRedis('one'), onRedis('two')] }));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect((await stats()).total_connections_received).toBe(before);
  });

  it('a lazily loaded second forRoot() is refused', async () => {
    const app = await applications.start({ imports: [LockingModule.forRoot()] });
    @Module({ imports: [LockingModule.forRoot()] })
    class LazyModule {}

    const error = await rejectionOf(app.get(LazyModuleLoader).load(() => LazyModule));
    expect(error).toBeInstanceOf(LockConfigurationError);
    expect(error.message).toContain('configured 2 times');
    expect(await app.get(LockingService).execute('k', () => 'still there')).toBe('still there');
  });

  it('forRoot() beside the testing module is refused', async () => {
    const error = await rejectionOf(
      applications.start({ imports: [LockingModule.forRoot(), LockingTestingModule.forRoot()] }),
    );
    expect(error).toBeInstanceOf(LockConfigurationError);
  });
});

describe('one LockingModule per application', () => {
  it('several modules may import one LockingModule, as one object', async () => {
    const locks = LockingModule.forRoot({ isGlobal: false });
    @Module({ imports: [locks], exports: [locks] })
    class OrdersModule {}

    const app = await applications.start({ imports: [locks, OrdersModule] });
    expect(await app.get(LockingService).execute('k', () => 'locked')).toBe('locked');
  });

  it('the LockingModule may come with a lazily loaded module', async () => {
    @Module({ imports: [LockingModule.forRoot()] })
    class LazyModule {}

    const app = await applications.start({});
    const lazy = await app.get(LazyModuleLoader).load(() => LazyModule);
    const locking = lazy.get(LockingService, { strict: false });
    expect(await locking.execute('k', () => 'locked')).toBe('locked');
  });

  it('several applications in one process may have a LockingModule each, also from one module class', async () => {
    @Module({ imports: [LockingModule.forRoot()] })
    class OrdersModule {}

    const apps = await Promise.all([1, 2, 3].map(() => applications.start({ imports: [OrdersModule] })));
    for (const app of apps) expect(await app.get(LockingService).execute('k', () => 'locked')).toBe('locked');
  });
});

async function stats(): Promise<Record<string, string>> {
  const lines = (await redis.raw.info('stats')).split('\r\n');
  return Object.fromEntries(lines.map((line) => line.split(':') as [string, string]));
}
