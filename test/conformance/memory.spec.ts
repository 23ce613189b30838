import { describe, it } from '@jest/globals';
import { InMemoryLockingProvider, MemoryLockStore } from '../../lib/index.js';
import { describeLockingProvider, ManualClock } from '../../lib/testing/index.js';

describeLockingProvider(
  'InMemoryLockingProvider',
  async () => {
    const clock = new ManualClock();
    const store = new MemoryLockStore(clock);
    return {
      provider: new InMemoryLockingProvider({ store }),
      other: new InMemoryLockingProvider({ store }),
      connect: async () => Promise.resolve(new InMemoryLockingProvider({ store })),
      pass: async (milliseconds) => clock.advance(`${milliseconds}ms`),
      close: async () => undefined,
    };
  },
  { describe, it },
);
