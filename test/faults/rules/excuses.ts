import { basisOf, type Hold } from '../history/call.js';
import { SUSPENDED, SUSPENDED_IN_JOB } from '../history/kinds.js';
import type { FaultRecord } from '../history/records.js';
import type { Ledger } from './ledger.js';
import { SLACK } from './promises.js';

const SUSPENDS: readonly string[] = [SUSPENDED, SUSPENDED_IN_JOB];

/**
 * The fault by which the store may have lost the lease of `hold`, if there is one. It is an excuse only as long as the
 * holder's trust rests on a question that was sent before the loss had ended: whoever has been granted a lease, or
 * has had it renewed, after that is sure of it again.
 */
export function lossBehind(hold: Hold, { history }: Ledger): FaultRecord | undefined {
  const basis = basisOf(hold);
  return history.faults.find(({ loses }) => loses && loses.since <= basis && basis <= loses.until);
}

/**
 * Whether the machine of `by` had just woken at `moment`. Its lock is not held then, but neither is it lost before the
 * store has said so, since somebody may have set the time of day. In a moment that has not been heard yet.
 */
export function hadJustWoken({ history }: Ledger, by: string, moment: number): boolean {
  return history.faults.some(
    ({ kind, victims, from, to }) =>
      SUSPENDS.includes(kind) && victims?.includes(by) && from <= moment && moment <= to + SLACK,
  );
}

/** For how many milliseconds between the two moments `by` itself was the victim of a fault. */
export function strickenFor({ history }: Ledger, by: string, from: number, to: number): number {
  const own = history.faults.filter((fault) => fault.victims?.includes(by));
  return own.reduce((sum, fault) => sum + Math.max(0, Math.min(fault.to, to) - Math.max(fault.from, from)), 0);
}

/** Whether `by` stood still between the two moments, for whatever reason. */
export function stoodStill({ history }: Ledger, by: string, from: number, to: number): boolean {
  const still = (span: { from: number; to: number }): boolean => span.from <= to && span.to >= from;
  return (
    history.lags.some((lag) => lag.by === by && still(lag)) ||
    history.faults.some((fault) => fault.victims?.includes(by) && still(fault))
  );
}
