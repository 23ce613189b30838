import { basisOf, type History, type Hold } from '../history/call.js';
import { SUSPENDED, SUSPENDED_IN_JOB } from '../history/kinds.js';
import type { FaultRecord } from '../history/records.js';
import type { Ledger } from './ledger.js';
import { SLACK } from './promises.js';

const SUSPENDS: readonly string[] = [SUSPENDED, SUSPENDED_IN_JOB];

/**
 * The fault by which the store may have lost the lease of `hold`, if there is one. It is an excuse only while the
 * holder's trust rests on a request that was sent before the loss had ended: a later grant or renewal is sure again.
 */
export function lossBehind(hold: Hold, { history }: Ledger): FaultRecord | undefined {
  const basis = basisOf(hold);
  return history.faults.find(({ loses }) => loses && loses.since <= basis && basis <= loses.until);
}

/**
 * Whether the machine of `by` had just woken at `moment`. Its lock is then not held, but not lost either before the
 * store has answered, as only the time of day may have been set. The answer takes a moment.
 */
export function hadJustWoken({ history }: Ledger, by: string, moment: number): boolean {
  return history.faults.some(
    ({ kind, victims, from, to }) =>
      SUSPENDS.includes(kind) && victims?.includes(by) && from <= moment && moment <= to + SLACK,
  );
}

/** Milliseconds between the two moments in which `by` itself was the victim of a fault. */
export function strickenFor({ history }: Ledger, by: string, from: number, to: number): number {
  const own = history.faults.filter((fault) => fault.victims?.includes(by));
  return own.reduce((sum, fault) => sum + Math.max(0, Math.min(fault.to, to) - Math.max(fault.from, from)), 0);
}

/** Whether `by` stood still between the two moments, for any reason. */
export function stoodStill({ history }: Ledger, by: string, from: number, to: number): boolean {
  const still = (span: { from: number; to: number }): boolean => span.from <= to && span.to >= from;
  return (
    history.lags.some((lag) => lag.by === by && still(lag)) ||
    history.faults.some((fault) => fault.victims?.includes(by) && still(fault))
  );
}

/** The fault by which the store may have lost what it wrote between `from` and `to`, before `seen`, if there is one. */
export function lossBetween({ faults }: History, from: number, to: number, seen: number): FaultRecord | undefined {
  return faults.find(({ loses, from: began }) => loses && loses.since <= to && from <= loses.until && began <= seen);
}
