import type { History } from '../history/call.js';
import { lossBetween } from './excuses.js';
import type { Finding, Rule } from './rule.js';

type Stored = History['records'][number];
type Saved = Extract<Stored, { e: 'saved' }>;
type Loaded = Extract<Stored, { e: 'loaded' }>;

/** A holder loads the latest save that was accepted, and no save of a former holder is accepted after that. */
export const checkpoints: Rule = {
  name: 'an older checkpoint won',
  check({ history }) {
    const breaches: Finding[] = [];
    const allowed: Record<string, number> = {};
    const byKey = new Map<string, (Saved | Loaded)[]>();
    for (const record of history.records) {
      if (record.e !== 'saved' && record.e !== 'loaded') continue;
      const events = byKey.get(record.key) ?? [];
      byKey.set(record.key, events);
      events.push(record);
    }
    let saves = 0;
    for (const events of byKey.values()) {
      // In the order of their ends; `latest` of each kind is compared with what began after it had ended.
      const ends = [...events].sort((a, b) => a.u - b.u);
      let place = 0;
      let latest: Saved | undefined;
      let newest: Loaded | undefined;
      for (const event of events) {
        for (; place < ends.length && ends[place]!.u <= event.t; place += 1) {
          const ended = ends[place]!;
          if (ended.e === 'loaded') {
            if (!newest || ended.token > newest.token) newest = ended;
          } else if (ended.accepted && (!latest || ended.next > latest.next)) latest = ended;
        }
        if (event.e === 'loaded') {
          if (latest && event.next < latest.next) {
            found(latest, event, `${event.by} loaded ${event.next} after ${latest.by} had saved ${latest.next}`);
            latest = undefined;
          }
          continue;
        }
        if (!event.accepted) continue;
        saves += 1;
        if (newest && event.token < newest.token) {
          found(newest, event, `${event.by} saved ${event.next} after ${newest.by} had loaded with a newer token`);
          newest = undefined;
        }
      }
    }
    return { breaches, allowed, figures: { 'checkpoints saved': saves } };

    function found(before: Saved | Loaded, after: Saved | Loaded, what: string): void {
      const loss = lossBetween(history, before.t, before.u, after.u);
      if (loss) allowed[loss.kind] = (allowed[loss.kind] ?? 0) + 1;
      else breaches.push({ at: after.t, text: `${before.key}: ${what}` });
    }
  },
};
