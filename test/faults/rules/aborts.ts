import { nameOf } from '../history/call.js';
import { hadJustWoken, stoodStill } from './excuses.js';
import { PRECISION, SLACK } from './promises.js';
import type { Finding, Rule } from './rule.js';

/** The signal of a lock aborts when its lease can no longer be trusted: in time, and before the job goes on. */
export const aborts: Rule = {
  name: 'signal not aborted',
  check(ledger) {
    const breaches: Finding[] = [];
    let aborted = 0;
    let inDoubt = 0;
    for (const { hold } of ledger.history.calls) {
      if (!hold) continue;
      if (hold.lost !== undefined) aborted += 1;
      const { call, deadline, ended, lost } = hold;
      if (ended === undefined || ended <= deadline + PRECISION) continue;
      if (lost === undefined && hold.leftAtEnd === 0 && hadJustWoken(ledger, call.by, ended)) {
        inDoubt += 1;
      } else if (lost === undefined) {
        breaches.push({
          at: deadline,
          text: `${nameOf(call)} was not told, though its job went on until ${ended.toFixed(0)}`,
        });
      } else if (lost > deadline + SLACK && !stoodStill(ledger, call.by, deadline, lost)) {
        breaches.push({ at: deadline, text: `${nameOf(call)} was told ${(lost - deadline).toFixed(0)} ms late` });
      }
    }
    const allowed = { 'in doubt after a suspend, and not held': inDoubt };
    return { breaches, allowed, figures: { 'signals aborted': aborted } };
  },
};
