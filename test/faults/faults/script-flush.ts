import type { Redis } from 'ioredis';
import { STORE, type Fault } from './fault.js';

/** The server forgets all scripts. */
export function scriptFlush(admin: Redis): Fault {
  return {
    kind: 'scripts flushed',
    plan: () => ({
      claims: [STORE],
      detail: '',
      async inject() {
        await admin.script('FLUSH');
        return {};
      },
    }),
  };
}
