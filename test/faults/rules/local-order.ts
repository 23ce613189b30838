import { nameOf, type Hold } from '../history/call.js';
import type { Finding, Rule } from './rule.js';

/** Within a process, waiters for one key are served first come, first served. */
export const localOrder: Rule = {
  name: 'passed over within a process',
  check({ keys }) {
    const breaches: Finding[] = [];
    for (const { key, holds } of keys) {
      const latest = new Map<string, Hold>();
      for (const hold of holds) {
        const { call } = hold;
        // A call for several keys may have waited for another of them.
        if (call.keys.length > 1 || call.kind === 'try') continue;
        const before = latest.get(call.by);
        if (before && before.call.join > call.join) {
          breaches.push({
            at: hold.from,
            text: `${key}: ${nameOf(call)} had to wait for ${nameOf(before.call)}, which came later`,
          });
        } else latest.set(call.by, hold);
      }
    }
    return { breaches };
  },
};
