import { nameOf, type Call, type Hold } from '../history/call.js';
import { strickenFor } from './excuses.js';
import { firstAfter, type KeyLedger, type Ledger } from './ledger.js';
import { FAIR_CHANCE, PRECISION } from './promises.js';
import type { Finding, Rule } from './rule.js';

/** A caller that waits for longer than this has been forgotten, whatever faults there were. */
const LONG_PATIENCE = 10_000;

/** Calls time out only if others held the key or the store could not be reached, and not too early. */
export const timeouts: Rule = {
  name: 'timed out without reason',
  check(ledger) {
    const breaches: Finding[] = [];
    let longest = 0;
    let timedOut = 0;
    let starved = 0;
    let stricken = 0;
    for (const call of ledger.history.calls) {
      if (call.hold && call.kind !== 'leader') longest = Math.max(longest, call.settled - call.join);
      const { failure, timeout, kind } = call;
      if (failure?.code !== 'LOCK_TIMEOUT' && failure?.code !== 'TimeoutError') continue;
      timedOut += 1;
      const waited = failure.at - call.join;
      const after = `${nameOf(call)} gave up ${call.keys.join(', ')} after ${waited.toFixed(0)} ms`;
      if (waited < timeout - PRECISION) breaches.push({ at: failure.at, text: `${after}, with ${timeout} ms to wait` });
      else if (
        waited - strickenFor(ledger, call.by, call.join, failure.at) <= LONG_PATIENCE &&
        timeout > LONG_PATIENCE
      ) {
        stricken += 1;
      } else if (timeout > LONG_PATIENCE && kind !== 'aborted') {
        // On a store without queues, a process that polls may have bad luck again and again.
        if (!ledger.history.rest.inTurn) starved += 1;
        else breaches.push({ at: failure.at, text: after });
      } else if (waited > FAIR_CHANCE && wasFree(call, ledger))
        breaches.push({ at: failure.at, text: `${after}, which were free` });
    }
    const allowed = {
      'the store has no queues, so a process that polls may have bad luck': starved,
      'the process could not reach the store, or stood still, for most of the wait': stricken,
    };
    return { breaches, allowed, figures: { 'longest wait': longest, 'waits given up as asked': timedOut } };
  },
};

function wasFree(call: Call, { keys, disturbances, history }: Ledger): boolean {
  const to = call.failure!.at;
  if (!disturbances.isQuiet(call.join - history.lease, to)) return false;
  return keys.filter(({ key }) => call.keys.includes(key)).every((ledger) => !anybodyHad(ledger, call.join, to));
}

function anybodyHad({ holds, calls }: KeyLedger, from: number, to: number): boolean {
  const had = ({ until }: Hold): boolean => until > from;
  const before = firstAfter(holds, to, (hold) => hold.from);
  // Holds are short, except those of long jobs: most that began a while ago are over.
  return holds.slice(Math.max(0, before - 50), before).some(had) || calls.some((call) => mayHave(call, from, to));
}

/** Whether the call may have had the key while it waited for another. */
function mayHave({ kind, join, settled }: Call, from: number, to: number): boolean {
  return kind === 'several' && join < to && settled > from;
}
