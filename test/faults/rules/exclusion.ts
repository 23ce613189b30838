import { nameOf, tokenOf, type Hold } from '../history/call.js';
import { lossBehind } from './excuses.js';
import type { KeyLedger } from './ledger.js';
import type { Finding, Rule } from './rule.js';

/** The time that a holder reads is a few microseconds old when it is recorded. */
const PRECISION = 0.01;

/** Two holders never both believe that they hold a key, each by its own clock and its own knowledge. */
export const exclusion: Rule = {
  name: 'two holders at once',
  check(ledger) {
    const breaches: Finding[] = [];
    const allowed: Record<string, number> = {};
    for (const key of ledger.keys) {
      for (const [earlier, later] of overlapsOf(key)) {
        // The smaller token belongs to the older lease, whichever job began first.
        const older = tokenOf(earlier, key.key) <= tokenOf(later, key.key) ? earlier : later;
        const loss = lossBehind(older, ledger);
        if (loss) allowed[loss.kind] = (allowed[loss.kind] ?? 0) + 1;
        else breaches.push(describe(key.key, earlier, later));
      }
    }
    return { breaches, allowed };
  },
};

function* overlapsOf({ holds }: KeyLedger): Generator<readonly [Hold, Hold]> {
  let open: Hold[] = [];
  for (const hold of holds) {
    open = open.filter(({ until }) => until > hold.from + PRECISION);
    for (const earlier of open) yield [earlier, hold];
    open.push(hold);
  }
}

function describe(key: string, earlier: Hold, later: Hold): Finding {
  const both = Math.min(earlier.until, later.until) - later.from;
  const text = `${key}: ${nameOf(earlier.call)} (token ${tokenOf(earlier, key)}) believed to hold it until ${earlier.until.toFixed(3)}; ${nameOf(later.call)} (token ${tokenOf(later, key)}) began at ${later.from.toFixed(3)}, ${both.toFixed(3)} ms together`;
  return { at: later.from, text };
}
