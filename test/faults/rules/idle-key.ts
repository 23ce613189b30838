import { firstOpen } from './ledger.js';
import { SLACK, SOON } from './promises.js';
import type { Finding, Rule } from './rule.js';

const WORTH_A_LOOK = 20;

/** Without a fault, no caller waits for a free key for longer than about a second. */
export const idleKey: Rule = {
  name: 'free key not granted',
  check({ history, keys, disturbances }) {
    const breaches: Finding[] = [];
    let longest = 0;
    for (const { key, holds, calls } of keys) {
      let end = -Infinity;
      for (const { from, until } of holds) {
        if (from - end > WORTH_A_LOOK && end !== -Infinity) {
          const start = waitedSince(calls, end, from);
          if (start !== undefined && disturbances.isQuiet(start - history.lease, from)) {
            const idle = from - start;
            longest = Math.max(longest, idle);
            if (idle > SOON + SLACK) breaches.push({ at: start, text: `${key} was free for ${idle.toFixed(0)} ms` });
          }
        }
        end = Math.max(end, until);
      }
    }
    return { breaches, figures: { 'longest idle of a free key': longest } };
  },
};

type Calls = Parameters<(typeof idleKey)['check']>[0]['keys'][number]['calls'];

/**
 * Since when a caller has waited, up to the next grant. `undefined` also if a call for several keys may have had it.
 */
function waitedSince(calls: Calls, free: number, granted: number): number | undefined {
  let since: number | undefined;
  for (let i = firstOpen(calls, granted); i < calls.length; i += 1) {
    const { join, settled, kind } = calls[i]!;
    if (join > granted) break;
    if (settled < free || kind === 'try') continue;
    if (kind === 'several') return undefined;
    if (settled >= granted) since = Math.min(since ?? Infinity, Math.max(join, free));
  }
  return since;
}
