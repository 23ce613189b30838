import type { Results } from '../report/results.js';
import { renderPerformance } from './render-performance.js';

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** The README with the section between the markers made anew. */
export function withPerformance(readme: string, results: Results): string {
  const start = readme.indexOf(START);
  const end = readme.indexOf(END);
  if (start < 0 || end < start) throw new Error(`README.md needs the lines ${START} and ${END}, in this order`);
  return `${readme.slice(0, start + START.length)}\n\n${renderPerformance(results)}\n\n${readme.slice(end)}`;
}
