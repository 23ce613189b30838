import type { Call } from '../history/call.js';
import type { WriteRecord } from '../history/records.js';
import { lossBehind } from './excuses.js';
import type { Ledger } from './ledger.js';
import type { Finding, Rule } from './rule.js';

interface KeyState {
  highest: number;
  by: string;
  /** The last write of a holder whose lease was over, whether it knew or not. */
  lateWrite: number;
}

/**
 * With fencing, no stale write is accepted, no update is lost, and no holder is refused. Without fencing, updates are
 * lost only to writers whose lease was over when they wrote.
 */
export const staleWrites: Rule = {
  name: 'stale writes',
  check(ledger) {
    const breaches: Finding[] = [];
    const allowed: Record<string, number> = {};
    const figures = { 'writes accepted': 0, 'stale writes refused': 0, 'updates lost without fencing': 0 };
    const keys = new Map<string, KeyState>();
    for (const write of ledger.history.writes) {
      const { key, token, op, accepted, t } = write;
      let state = keys.get(key);
      if (!state) keys.set(key, (state = { highest: -1, by: '', lateWrite: -Infinity }));
      const call = ledger.callsByName.get(`${write.by}#${write.id}`);
      const breach = (what: string): void => {
        breaches.push({ at: t, text: `${key}: ${write.by}#${write.id} with token ${token} ${what}` });
      };
      const holds = call?.hold !== undefined && call.hold.until >= t;
      if (accepted) {
        if (token < state.highest) breach(`was accepted after token ${state.highest} of ${state.by}`);
        if (token === state.highest && state.by !== nameOf(write))
          breach(`was accepted, as was ${state.by} with the same`);
        if (op === 'write' && !write.fenced) breach('overwrote an update in spite of fencing');
        state.highest = Math.max(state.highest, token);
        state.by = nameOf(write);
      } else if (holds) {
        const loss = lossBehind(call.hold!, ledger);
        if (loss) allowed[loss.kind] = (allowed[loss.kind] ?? 0) + 1;
        else breach(`was refused while it held the lock: token ${state.highest} of ${state.by} was there before`);
      }
      if (op === 'read') continue;
      figures[accepted ? 'writes accepted' : 'stale writes refused'] += 1;
      if (!write.plain) {
        figures['updates lost without fencing'] += 1;
        if (holds && !explained(call, state, ledger)) breach('overwrote an update while it held the lock');
      }
      if (!holds || !accepted) state.lateWrite = t;
    }
    return { breaches, allowed, figures };
  },
};

function explained({ hold }: Call, { lateWrite }: KeyState, ledger: Ledger): boolean {
  return lateWrite >= hold!.asked || lossBehind(hold!, ledger) !== undefined;
}

function nameOf({ by, id }: WriteRecord): string {
  return `${by}#${id}`;
}
