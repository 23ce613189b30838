import { setTimeout as delay } from 'node:timers/promises';
import { STORE, type Fault } from './fault.js';

/** A server that a signal can stop. */
interface Stoppable {
  readonly server: { kill(signal: NodeJS.Signals): void };
}

/** The server stands still, with all its connections open. */
export function serverHang(target: () => Promise<Stoppable>): Fault {
  return {
    kind: 'server frozen',
    plan(random) {
      const ms = Math.round(random.between(100, 2500));
      return {
        claims: [STORE],
        detail: `${ms} ms`,
        async inject() {
          const { server } = await target();
          server.kill('SIGSTOP');
          await delay(ms);
          server.kill('SIGCONT');
          return {};
        },
      };
    },
  };
}
