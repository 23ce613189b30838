import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { RESULTS_FILES, RESULTS_FOLDER } from '../report/results-folder.js';
import type { Results } from '../report/results.js';
import { renderHighlights, renderPerformance, renderPostgres, renderStores } from './render-performance.js';
import { withSection } from './with-section.js';

/** The sections of pages that have figures of the bench: those of the last full runs. */
const SECTIONS: readonly { name: string; section: string; render: (redis: Results, postgres: Results) => string }[] = [
  { name: 'docs/performance.md', section: 'bench', render: renderPerformance },
  { name: 'docs/performance.md', section: 'bench-postgres', render: (_, postgres) => renderPostgres(postgres) },
  { name: 'docs/choosing-a-store.md', section: 'bench-stores', render: renderStores },
  { name: 'README.md', section: 'bench', render: renderHighlights },
];

const [redis, postgres] = [await resultsOf('redis'), await resultsOf('postgres')];
for (const { name, section, render } of SECTIONS) {
  const page = fileURLToPath(new URL(`../../${name}`, import.meta.url));
  await writeFile(page, withSection(name, await readFile(page, 'utf8'), section, render(redis, postgres)));
}

async function resultsOf(store: keyof typeof RESULTS_FILES): Promise<Results> {
  const file = path.join(RESULTS_FOLDER, RESULTS_FILES[store]);
  const text = await readFile(file, 'utf8').catch(() => {
    throw new Error(`There is no ${path.relative(process.cwd(), file)} yet: npm run bench`);
  });
  return JSON.parse(text) as Results;
}
