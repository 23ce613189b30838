import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RESULTS_FILES, RESULTS_FOLDER } from '../report/results-folder.js';
import type { Results } from '../report/results.js';
import { renderHighlights, renderPerformance, renderPostgres } from './render-performance.js';
import { withSection } from './with-section.js';

/** The sections of pages that have figures of the bench: those of the last full run. */
const SECTIONS = [
  { store: 'redis', name: 'docs/performance.md', section: 'bench', render: renderPerformance },
  { store: 'postgres', name: 'docs/performance.md', section: 'bench-postgres', render: renderPostgres },
  { store: 'redis', name: 'README.md', section: 'bench', render: renderHighlights },
] as const;

for (const { store, name, section, render } of SECTIONS) {
  const file = path.join(RESULTS_FOLDER, RESULTS_FILES[store]);
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(`There is no ${path.relative(process.cwd(), file)} yet: npm run bench`);
  });
  const page = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  await writeFile(page, withSection(name, await readFile(page, 'utf8'), section, render(JSON.parse(text) as Results)));
}
