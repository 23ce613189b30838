import { LONGEST_DARK, SLACK } from './promises.js';
import type { Finding, Rule } from './rule.js';

/** A dark connection is replaced in time. */
export const darkConnections: Rule = {
  name: 'dark connection kept',
  check({ history }) {
    const breaches: Finding[] = [];
    let longest = 0;
    for (const { dark = 0, from, detail } of history.faults) {
      longest = Math.max(longest, dark);
      if (dark > LONGEST_DARK + SLACK) breaches.push({ at: from, text: `${detail ?? ''}: for ${dark.toFixed(0)} ms` });
    }
    return { breaches, figures: { 'longest dark connection': longest } };
  },
};
