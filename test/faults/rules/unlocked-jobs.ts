import { nameOf } from '../history/call.js';
import { stoodStill } from './excuses.js';
import type { Finding, Rule } from './rule.js';

/** A job begins under a held lock, unless its process stood still just before its first line. */
export const unlockedJobs: Rule = {
  name: 'job without a lock',
  check(ledger) {
    const breaches: Finding[] = [];
    let late = 0;
    for (const call of ledger.history.calls) {
      const { hold } = call;
      if (!hold || hold.deadline > hold.asked) continue;
      if (stoodStill(ledger, call.by, hold.asked - call.lease, hold.from)) late += 1;
      else breaches.push({ at: hold.asked, text: `${nameOf(call)} began without ${call.keys.join(', ')}` });
    }
    return { breaches, allowed: { 'process stood still before the first line of a job': late } };
  },
};
