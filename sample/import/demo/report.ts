import { FILES } from '../files.js';
import type { RunResult } from './run.js';

/** The report, one screen long. */
export function render({ audit, killedIn, pausedIn, tookMs }: RunResult, instances: number): string {
  const successor = (file: string): string => audit.takenOver.get(file)?.at(-1) ?? 'none';
  const rows: [string, string | number][] = [
    ['files', `${FILES.length}, all done after ${(tookMs / 1000).toFixed(1)} s`],
    ['instances', instances],
    ['killed before a checkpoint', `in ${killedIn}, which ${successor(killedIn)} took over`],
    ['paused for longer than its lease', `in ${pausedIn}, which ${successor(pausedIn)} took over`],
    ['writes of the paused one refused', audit.refused],
    ['rows written again', audit.writtenAgain],
    ['rows imported', audit.rows],
    ['left out', audit.leftOut.length],
    ['wrong', audit.wrong.length],
  ];
  return rows.map(([label, value]) => `  ${label.padEnd(34)}${value}`).join('\n');
}
