import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RESULTS_FOLDER } from '../report/results-folder.js';
import type { Results } from '../report/results.js';
import { renderHighlights, renderPerformance } from './render-performance.js';
import { withSection } from './with-section.js';

/** The pages with figures of the bench, which get those of the last full run. */
const PAGES = { 'docs/performance.md': renderPerformance, 'README.md': renderHighlights };

const file = path.join(RESULTS_FOLDER, 'latest.json');
const text = await readFile(file, 'utf8').catch(() => {
  throw new Error(`There is no ${path.relative(process.cwd(), file)} yet: npm run bench`);
});
const results = JSON.parse(text) as Results;
for (const [name, render] of Object.entries(PAGES)) {
  const page = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  await writeFile(page, withSection(name, await readFile(page, 'utf8'), render(results)));
}
