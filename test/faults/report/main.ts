import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { renderTables } from './render-tables.js';
import { readResults } from './results.js';

/** Writes the last result of each topology into docs/safety.md. Seen from `dist-test/faults/report`. */
const PAGE = fileURLToPath(new URL('../../../docs/safety.md', import.meta.url));
const START = '<!-- faults:start -->';
const END = '<!-- faults:end -->';

const page = await readFile(PAGE, 'utf8');
const start = page.indexOf(START);
const end = page.indexOf(END);
if (start < 0 || end < start) throw new Error(`docs/safety.md needs the lines ${START} and ${END}, in this order`);
const results = await readResults();
if (results.length === 0) throw new Error('There are no results yet: npm run test:faults -- --minutes 30');
await writeFile(PAGE, `${page.slice(0, start + START.length)}\n\n${renderTables(results)}\n\n${page.slice(end)}`);
