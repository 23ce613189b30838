import { nameOf, type Call, type Hold } from '../history/call.js';
import { firstAfter, type Ledger } from './ledger.js';
import type { Finding, Rule } from './rule.js';

/** How many grants in a row a process may make of its lease while another one waits: ARCHITECTURE.md, "contended". */
const BUDGET = 32;

/** Milliseconds in which a call may not have reached the store. */
const ON_THE_WAY = 250;

/** No process has a key for more than its budget while another one waits. */
export const fairness: Rule = {
  name: 'passed over beyond the budget',
  check(ledger) {
    const breaches: Finding[] = [];
    let most = 0;
    const { inTurn, cohortGrants = BUDGET } = ledger.history.rest;
    // Processes are served in turn, so each other process has the key once more at most, with one grant beyond its budget.
    // Doubled, as a call joins the queue a little later than it is recorded.
    const mostPassed = 2 * (cohortGrants + 1);
    for (const { key, holds, calls } of inTurn ? ledger.keys : []) {
      for (const call of calls) {
        if (!isQuietWait(call, ledger)) continue;
        for (const [other, times] of grantsOfOthers(holds, call)) {
          most = Math.max(most, times);
          if (times <= mostPassed) continue;
          breaches.push({
            at: call.join,
            text: `${key}: worker ${other} had it ${times} times while ${nameOf(call)} waited for ${(call.settled - call.join).toFixed(0)} ms`,
          });
        }
      }
    }
    return { breaches, figures: { 'most grants to another process during a wait': most } };
  },
};

function isQuietWait({ kind, join, settled }: Call, { disturbances, history }: Ledger): boolean {
  const waits = kind === 'job' || kind === 'long';
  return (
    waits && settled !== Infinity && settled - join > ON_THE_WAY && disturbances.isQuiet(join - history.lease, settled)
  );
}

function grantsOfOthers(holds: readonly Hold[], { by, join, settled }: Call): Map<string, number> {
  const counts = new Map<string, number>();
  for (let i = firstAfter(holds, join + ON_THE_WAY, ({ from }) => from); i < holds.length; i += 1) {
    const hold = holds[i]!;
    if (hold.from >= settled) break;
    if (hold.call.by !== by) counts.set(hold.call.by, (counts.get(hold.call.by) ?? 0) + 1);
  }
  return counts;
}
