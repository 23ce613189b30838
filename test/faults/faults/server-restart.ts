import { now } from '../clock.js';
import { STORE, type Fault } from './fault.js';

/** A server that can crash and come back. */
interface Restartable {
  /** Resolves once it answers, after it was down for so many milliseconds. */
  restart(down: number, withData: boolean): Promise<void>;
}

type Target = () => Promise<Restartable>;

/** The server crashes and comes back, with its data or without. */
export function serverRestarts(target: Target): Fault[] {
  return [restartWithData(target), restart('server restarted empty', target, false)];
}

export function restartWithData(target: Target): Fault {
  return restart('server restarted with its data', target, true);
}

function restart(kind: string, target: Target, withData: boolean): Fault {
  return {
    kind,
    plan(random) {
      const down = Math.round(random.between(0, 1500));
      return {
        claims: [STORE],
        detail: `down for ${down} ms`,
        async inject() {
          const node = await target();
          await node.restart(down, withData);
          return withData ? {} : { loses: { since: 0, until: now() } };
        },
      };
    },
  };
}
