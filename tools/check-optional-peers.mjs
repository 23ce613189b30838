// @ts-check
/**
 * Checks the built package for imports that would fail where only the mandatory peers are installed. Run it after
 * `npm run build`; `tools/check-imports/find-problems.mjs` lists the rules.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { findProblems } from './check-imports/find-problems.mjs';

const root = new URL('../', import.meta.url);
const manifest = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
const { files, problems } = await findProblems(fileURLToPath(new URL('dist/esm', root)), manifest);

for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`Imports of ${files} files: nothing but Node and peers, optional peers only on demand`);
