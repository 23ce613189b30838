import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { CheckpointService, InMemoryLockingProvider, LockingModule, LockingService } from '../../../lib/index.js';
import { rejectionOf } from '../../support/poll.js';

@Module({
  imports: [
    LockingModule.forRoot({
      providers: [
        { resolve: InMemoryLockingProvider, id: 'one', is_default: true },
        { resolve: InMemoryLockingProvider, id: 'two' },
      ],
    }),
  ],
})
class TwoStores {}

describe('checkpoints of an application with two stores', () => {
  let application: INestApplicationContext;
  let locking: LockingService;
  let checkpoints: CheckpointService;

  beforeEach(async () => {
    application = await NestFactory.createApplicationContext(TwoStores, { logger: ['error', 'warn'] });
    locking = application.get(LockingService);
    checkpoints = application.get(CheckpointService);
  });

  afterEach(async () => {
    await application.close();
  });

  it('a call that names a provider works with the lock of that provider', async () => {
    await locking.execute('import', async () => {
      const error = await rejectionOf(checkpoints.save('import', 1, { provider: 'two' }));
      expect(error.message).toMatch(/does not hold "import"/);
      await locking.provider('two').execute('import', async () => {
        await checkpoints.save('import', 'in one', { provider: 'one' });
        await checkpoints.save('import', 'in two', { provider: 'two' });
      });
    });
    expect((await checkpoints.loadLatest('import', { provider: 'one' }))?.data).toBe('in one');
    expect((await checkpoints.loadLatest('import', { provider: 'two' }))?.data).toBe('in two');
  });

  it('every call that names no provider works with the innermost lock of the key', async () => {
    await locking.provider('two').execute('import', async () => {
      await checkpoints.save('import', 1);
      expect(await checkpoints.list('import')).toHaveLength(1);
      expect((await checkpoints.load('import', 1))?.data).toBe(1);
      expect((await checkpoints.loadLatest('import'))?.data).toBe(1);
    });
    expect(await checkpoints.list('import')).toEqual([]);
  });

  it('the option lock must be a lock of the provider that is named', async () => {
    await using lock = await locking.acquire('import');
    const error = await rejectionOf(checkpoints.save('import', 1, { lock, provider: 'two' }));
    expect(error.message).toMatch(/^The option lock holds "import" by another provider than "two"/);
    await checkpoints.save('import', 1, { lock, provider: 'one' });
    expect((await checkpoints.loadLatest('import'))?.data).toBe(1);
  });
});
