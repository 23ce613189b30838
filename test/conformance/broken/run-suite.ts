import { type InMemoryLockingProvider, MemoryLockStore } from '../../../lib/index.js';
import { describeLockingProvider, ManualClock, type ConformanceOptions } from '../../../lib/testing/index.js';

type Create = (store: MemoryLockStore) => InMemoryLockingProvider;

/** Runs the conformance suite without a test runner; returns the names of the cases that failed. */
export async function failuresOf(create: Create, options: ConformanceOptions = {}): Promise<string[]> {
  const cases: { name: string; run: () => Promise<void> }[] = [];
  describeLockingProvider(
    'a provider',
    async () => {
      const clock = new ManualClock();
      const store = new MemoryLockStore(clock);
      return {
        provider: create(store),
        other: create(store),
        connect: async () => Promise.resolve(create(store)),
        pass: async (milliseconds) => clock.advance(`${milliseconds}ms`),
        close: async () => undefined,
      };
    },
    {
      describe: (_, body) => {
        body();
      },
      it: (name, run) => cases.push({ name, run }),
    },
    options,
  );
  const failed = await Promise.all(
    cases.map(async ({ name, run }) =>
      run().then(
        () => undefined,
        () => name,
      ),
    ),
  );
  return failed.filter((name) => name !== undefined);
}
