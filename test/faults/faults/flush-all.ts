import type { Redis } from 'ioredis';
import { now } from '../clock.js';
import { STORE, type Fault } from './fault.js';

/** Everything in the store is gone: locks, lines and the counter of tokens. */
export function flushAll(admin: Redis): Fault {
  return {
    kind: 'store flushed',
    plan: () => ({
      claims: [STORE],
      detail: '',
      async inject() {
        await admin.flushall();
        return { loses: { since: 0, until: now() } };
      },
    }),
  };
}
