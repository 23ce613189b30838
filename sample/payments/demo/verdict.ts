import type { Audit } from './audit.js';
import type { QueueFigures } from './queue-figures.js';

export interface Verdict {
  readonly ok: boolean;
  readonly text: string;
}

/** What the demo promises: nothing lost, nothing twice, although a worker was killed in the middle of a charge. */
export function judge(audit: Audit, figures: QueueFigures, limit: number): Verdict {
  const faults = [
    ...named(audit.twice, 'charged twice'),
    ...named(audit.lost, 'lost'),
    ...named(audit.unknown, 'charged that nobody asked for'),
    ...named(audit.outOfOrder, 'charged before a predecessor'),
    ...(figures.failed > 0 ? [`${figures.failed} jobs failed`] : []),
    ...(audit.mostInFlight > limit ? [`${audit.mostInFlight} charges were in flight, of ${limit} at most`] : []),
    ...(audit.strayed > 0 ? [`${audit.strayed} settlements were not by the leader alone`] : []),
    ...(audit.leaders.length < 2 ? ['nobody took the killed leader over'] : []),
    ...(figures.stalled < 1 ? ['the killed worker left no job that stalled'] : []),
    ...(figures.putBack < 1 ? ['no job was put back: nothing was tried here'] : []),
  ];
  if (faults.length > 0) return { ok: false, text: `FAIL: ${faults.join('; ')}.` };
  return { ok: true, text: 'PASS: every payment was charged once, and in its turn.' };
}

function named(ids: readonly string[], what: string): string[] {
  if (ids.length === 0) return [];
  return [`${ids.length} ${what} (${ids.slice(0, 3).join(', ')}${ids.length > 3 ? ', …' : ''})`];
}
