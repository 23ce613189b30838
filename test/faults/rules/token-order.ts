import { nameOf, tokenOf, type Hold } from '../history/call.js';
import { lossBehind } from './excuses.js';
import type { Finding, Rule } from './rule.js';

/** Every grant of a key has a token that is greater than those of all grants before it. */
export const tokenOrder: Rule = {
  name: 'tokens out of order',
  check(ledger) {
    const breaches: Finding[] = [];
    const allowed: Record<string, number> = {};
    for (const { key, holds, calls } of ledger.keys) {
      let greatest: Hold | undefined;
      for (const hold of [...holds].sort((a, b) => a.asked - b.asked)) {
        if (!greatest || tokenOf(hold, key) > tokenOf(greatest, key)) {
          greatest = hold;
          continue;
        }
        // An old lease may still be handed off within its process after the store has lost it.
        const loss = tokenOf(hold, key) < tokenOf(greatest, key) ? lossBehind(hold, ledger) : undefined;
        if (loss) allowed[loss.kind] = (allowed[loss.kind] ?? 0) + 1;
        else
          breaches.push({
            at: hold.asked,
            text: `${key}: ${describe(hold, key)} came after ${describe(greatest, key)}`,
          });
      }
      breaches.push(
        ...repeated(
          key,
          calls.flatMap(({ hold }) => hold ?? []),
        ),
      );
    }
    return { breaches, allowed };
  },
};

/** Includes holds that were over before they began, as their holders may write with their tokens. */
function repeated(key: string, holds: readonly Hold[]): Finding[] {
  const byToken = new Map<number, Hold>();
  return holds.flatMap((hold) => {
    const token = tokenOf(hold, key);
    const other = byToken.get(token);
    byToken.set(token, hold);
    return other
      ? [{ at: hold.asked, text: `${key}: ${describe(other, key)} and ${describe(hold, key)} have the same` }]
      : [];
  });
}

function describe(hold: Hold, key: string): string {
  return `token ${tokenOf(hold, key)} of ${nameOf(hold.call)}`;
}
