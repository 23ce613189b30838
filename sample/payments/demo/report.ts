import { settings } from '../settings.js';
import type { RunResult } from './run.js';

/** The report, one screen long. */
export function render({ audit, figures, killed, tookMs }: RunResult, payments: number, workers: number): string {
  const { queue } = settings;
  const rows: [string, string | number][] = [
    ['payments', `${payments}, all done after ${seconds(tookMs)}`],
    ['workers', `${workers}, each with ${queue.concurrency} slots`],
    ['killed half-way through a charge', killed],
    ['stalled jobs given to others', figures.stalled],
    ['put back, as not their turn', figures.putBack],
    ['longest wait of a payment', seconds(figures.longestWait)],
    ['most charges in flight', `${audit.mostInFlight} of ${queue.globalConcurrency}`],
    ['writes refused by fencing token', audit.refused],
    ['settlements', `${audit.settlements}, by the leaders ${audit.leaders.join(', ')}`],
    ['settlements not by the leader', audit.strayed],
    ['out of the order of a customer', audit.outOfOrder.length],
    ['charged', audit.charged],
    ['charged twice', audit.twice.length],
    ['lost', audit.lost.length],
  ];
  return rows.map(([label, value]) => `  ${label.padEnd(34)}${value}`).join('\n');
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`;
}
