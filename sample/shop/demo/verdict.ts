import { lostUpdates, oversold, type RunResult } from './run-result.js';

export interface Verdict {
  readonly ok: boolean;
  readonly text: string;
}

/** Only the locked run can fail the demo: a race that happens not to show without the lock is no fault. */
export function judge(unlocked: RunResult, locked: RunResult): Verdict {
  const faults = faultsOf(locked);
  if (faults.length > 0) return { ok: false, text: `FAIL: with the lock ${faults.join(', ')}.` };
  const sold = `with it, ${locked.accepted} of ${locked.inStock}`;
  const without = oversold(unlocked);
  return {
    ok: true,
    text:
      without > 0
        ? `PASS: without the lock ${without} units were oversold; ${sold}.`
        : `PASS, though nothing was oversold without the lock this time; ${sold}.`,
  };
}

function faultsOf(run: RunResult): string[] {
  const { inStock, sent, accepted, failed, recorded } = run;
  const lost = lostUpdates(run);
  const possible = Math.min(inStock, sent);
  return [
    ...(oversold(run) > 0 ? [`${oversold(run)} units were oversold`] : []),
    ...(lost === 0 ? [] : [`the stock is off by ${lost}`]),
    ...(failed > 0 ? [`${failed} requests failed`] : []),
    ...(accepted < possible ? [`only ${accepted} of ${possible} units were sold`] : []),
    // An order whose answer was lost may still be recorded; its request counts as failed as well.
    ...(recorded === accepted ? [] : [`${accepted} units were confirmed but ${recorded} recorded`]),
  ];
}
