import type { Results } from '../report/results.js';
import { renderPerformance } from './render-performance.js';

const START = '<!-- bench:start -->';
const END = '<!-- bench:end -->';

/** The page with the section between the markers made anew. */
export function withPerformance(page: string, results: Results): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start < 0 || end < start)
    throw new Error(`docs/performance.md needs the lines ${START} and ${END}, in this order`);
  return `${page.slice(0, start + START.length)}\n\n${renderPerformance(results)}\n\n${page.slice(end)}`;
}
