import type { History } from '../history/call.js';
import { lossBetween } from './excuses.js';
import type { Finding, Rule } from './rule.js';

type Charged = Extract<History['records'][number], { e: 'charged' }>;

/** All calls for a payment get the result of one run, and no run begins once a call has got it. */
export const payments: Rule = {
  name: 'a payment with two results',
  check({ history }) {
    const breaches: Finding[] = [];
    const allowed: Record<string, number> = {};
    const [earliest, results] = [new Map<string, Charged>(), new Map<string, Charged>()];
    let runs = 0;
    const ended = history.records.filter((record) => record.e === 'charged').sort((a, b) => a.u - b.u);
    for (const record of ended) {
      const first = results.get(record.key);
      results.set(record.key, first ?? record);
      earliest.set(record.key, earliest.get(record.key) ?? record);
      if (!first || first.run === record.run) continue;
      found(first, record.u, `${record.by} got the result of another run than ${first.by}`);
      results.set(record.key, record);
    }
    for (const record of history.records) {
      if (record.e !== 'charging') continue;
      runs += 1;
      const first = earliest.get(record.key);
      if (first && first.u < record.t && first.run !== record.run)
        found(first, record.t, `${record.by} began to charge after ${first.by} had got a result`);
    }
    return { breaches, allowed, figures: { 'payments charged': results.size, 'runs of payments': runs } };

    function found(first: Charged, at: number, what: string): void {
      const loss = lossBetween(history, first.t, first.u, at);
      if (loss) allowed[loss.kind] = (allowed[loss.kind] ?? 0) + 1;
      else breaches.push({ at, text: `${first.key}: ${what}` });
    }
  },
};
