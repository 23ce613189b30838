import { basisOf, type Hold } from '../history/call.js';
import type { FaultRecord } from '../history/records.js';
import type { Ledger } from './ledger.js';

/**
 * The fault by which the store may have lost the lease of `hold`, if there is one. It is an excuse only as long as the
 * holder's trust rests on a question that was sent before the loss had ended: whoever has been granted a lease, or
 * has had it renewed, after that is sure of it again.
 */
export function lossBehind(hold: Hold, { history }: Ledger): FaultRecord | undefined {
  const basis = basisOf(hold);
  return history.faults.find(({ loses }) => loses && loses.since <= basis && basis <= loses.until);
}

/** Whether `by` stood still between the two moments, for whatever reason. */
export function stoodStill({ history }: Ledger, by: string, from: number, to: number): boolean {
  const still = (span: { from: number; to: number }): boolean => span.from <= to && span.to >= from;
  return (
    history.lags.some((lag) => lag.by === by && still(lag)) ||
    history.faults.some((fault) => fault.victims?.includes(by) && still(fault))
  );
}
