import { nameOf, type Call } from '../history/call.js';
import { stoodStill } from './excuses.js';
import type { Ledger } from './ledger.js';
import { FAIR_CHANCE, isFault, PRECISION } from './promises.js';
import type { Finding, Rule } from './rule.js';

/**
 * The engine counts a store as down after so many milliseconds without an answer; a call may then still be under way.
 */
const SILENCE = 5000;

/** Faults that do not disturb requests to the store. */
const HARMLESS = /^(worker killed|scripts flushed|store flushed)$/;

/** Calls fail only with the documented errors, and only for a reason. */
export const errors: Rule = {
  name: 'error without reason',
  check(ledger) {
    const breaches: Finding[] = [];
    const figures = { 'calls refused as the store was down': 0, 'locks lost': 0 };
    for (const call of ledger.history.calls) {
      const { failure } = call;
      if (!failure) continue;
      if (failure.code === 'LOCK_BACKEND') figures['calls refused as the store was down'] += 1;
      if (failure.code === 'LOCK_LOST') figures['locks lost'] += 1;
      if (!hasReason(call, failure, ledger)) {
        breaches.push({ at: failure.at, text: `${nameOf(call)} (${call.kind}): ${failure.code}: ${failure.text}` });
      }
    }
    return { breaches, figures };
  },
};

function hasReason(call: Call, { code, at }: NonNullable<Call['failure']>, ledger: Ledger): boolean {
  const { faults, lease } = ledger.history;
  switch (code) {
    case 'LOCK_TIMEOUT':
      return true;
    case 'TimeoutError':
      return call.kind === 'aborted';
    case 'LOCK_BACKEND':
      if (at - call.join >= call.timeout - PRECISION && at - call.join < FAIR_CHANCE) return true;
      return faults.some((fault) => isFault(fault) && !HARMLESS.test(fault.kind) && near(fault, call.join, at));
    case 'LOCK_LOST': {
      // Without a hold, the lock was lost between its grant and the first line of the job, which did not run.
      const from = (call.hold?.asked ?? at) - lease;
      if (stoodStill(ledger, call.by, from, at)) return true;
      return call.hold !== undefined && faults.some((fault) => isFault(fault) && near(fault, from, at));
    }
    default:
      return false;
  }
}

function near(fault: { from: number; to: number }, from: number, to: number): boolean {
  return fault.from <= to && fault.to + SILENCE >= from;
}
