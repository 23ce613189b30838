import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import {
  CircuitBreakerState,
  InMemoryLockingProvider,
  LockingService,
  MemoryLockStore,
  RecordService,
  type CircuitBreakerOptions,
} from '../../../lib/index.js';
import { onEveryStore, storeOf, type StoreUnderTest } from '../../support/stores.js';

jest.setTimeout(120_000);

afterEach(() => {
  jest.restoreAllMocks();
});

async function reportAtOnce(store: StoreUnderTest, count: number): Promise<void> {
  const options = {
    minimumCalls: 1,
    minInstances: count,
    openFor: '1h',
    window: '1h',
  } as const satisfies CircuitBreakerOptions;
  const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
  const application = await store.openApplication();
  const [locking, records] = [application.get(LockingService), application.get(RecordService)];
  const writes = jest.spyOn(records, 'write');
  // Each has an id of its own, and knows nothing of the others but what the store tells.
  const instances = Array.from(
    { length: count },
    () => new CircuitBreakerState(locking, records, (id = 'default') => id),
  );
  for (const circuits of instances) await circuits.getState('stripe', options);
  await Promise.all(instances.map(async (circuits) => circuits.recordFailure('stripe', options)));
  // None was lost, which would be said.
  expect(warn.mock.calls.flat().filter((line) => String(line).includes('not shared'))).toEqual([]);
  expect(await instances[0]!.getState('stripe', options)).toMatchObject({ state: 'open', scope: 'shared' });
  // Attempts that refuse one another without taking turns would be half the square of the count.
  expect(writes.mock.calls.length).toBeLessThan(count * 6);
  for (const circuits of instances) circuits.onApplicationShutdown();
}

describe('many instances', () => {
  onEveryStore((store) => {
    it('instances that report at once are all counted, and the store is not kept busy', async () => {
      await reportAtOnce(store, 25);
    });
  });

  describe('in one memory', () => {
    let memory = new MemoryLockStore();
    const store = storeOf(
      (options) => ({ resolve: InMemoryLockingProvider, options: { ...options, store: memory } }),
      () => {
        memory = new MemoryLockStore();
      },
    );

    it('a hundred instances that report at once are all counted, and the store is not kept busy', async () => {
      await reportAtOnce(store, 100);
    });
  });
});
