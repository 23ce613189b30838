import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RESULTS_FOLDER } from '../report/results-folder.js';
import type { Results } from '../report/results.js';
import { withPerformance } from './with-performance.js';

/** Writes the results of the last full run into docs/performance.md. */
const PAGE = fileURLToPath(new URL('../../docs/performance.md', import.meta.url));
const RESULTS = path.join(RESULTS_FOLDER, 'latest.json');

const results = await readFile(RESULTS, 'utf8').catch(() => {
  throw new Error(`There is no ${path.relative(process.cwd(), RESULTS)} yet: npm run bench`);
});
await writeFile(PAGE, withPerformance(await readFile(PAGE, 'utf8'), JSON.parse(results) as Results));
