import { BATCH } from '../import.service.js';
import type { Audit } from './audit.js';

/** Whether the run kept what the demo promises, and showed anything at all. */
export function judge({ leftOut, wrong, writtenAgain, refused, takenOver }: Audit): { ok: boolean; text: string } {
  const faults = [
    ...(leftOut.length > 0 ? [`${leftOut.length} rows are missing (${leftOut.slice(0, 3).join(', ')})`] : []),
    ...(wrong.length > 0 ? [`${wrong.length} rows are wrong (${wrong.slice(0, 3).join(', ')})`] : []),
    // One instance died between a write and its checkpoint.
    ...(writtenAgain !== BATCH ? [`${writtenAgain} rows were written again, not ${BATCH}`] : []),
    ...(refused !== 1 ? [`${refused} writes of the paused instance were refused, not 1`] : []),
    ...(takenOver.size !== 2 ? [`${takenOver.size} files were taken over, not 2`] : []),
  ];
  if (faults.length > 0) return { ok: false, text: `FAIL: ${faults.join('; ')}.` };
  return { ok: true, text: 'PASS: every row was imported once, and each file went on from its last checkpoint.' };
}
