import type { Finding, Rule } from './rule.js';

/** In the end all calls and processes end, and the store is empty. */
export const atRest: Rule = {
  name: 'not at rest in the end',
  check({ history: { rest, calls } }) {
    const breaches: Finding[] = rest.problems.map((text) => ({ at: 0, text }));
    if (rest.leftKeys.length > 0) breaches.push({ at: 0, text: `left in the store: ${rest.leftKeys.join(', ')}` });
    if (!calls.some(({ hold }) => hold)) breaches.push({ at: 0, text: 'nobody was ever granted anything' });
    return { breaches };
  },
};
