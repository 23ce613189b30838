// @ts-check
/**
 * Runs the tests on the versions that the package promises to work with: see columns.mjs.
 *
 *     npm run test:matrix                                 every column, and its server tests on every server
 *     npm run test:matrix -- --only lowest --only highest
 *     npm run test:matrix -- --quick                      each column on its own server, without the long tests
 *     npm run test:matrix -- --list
 *
 * Each column is a copy of the project with packages of its own, in the user's cache folder; the packages and the lock
 * file of this project do not change. Needs the npm registry, and Debian's for servers that are not on the PATH.
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { columns } from './columns.mjs';
import { omissionsIn } from './omissions.mjs';
import { endOf } from './run-command.mjs';
import { runColumn } from './run-column.mjs';
import { columnTable, resultTable } from './table.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const cacheDir = path.join(root, '.cache/matrix');
const userCache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
const copies = path.join(
  userCache,
  'nestjs-locking-matrix',
  createHash('sha256').update(root).digest('hex').slice(0, 8),
);

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    list: { type: 'boolean', default: false },
  },
});
const { devDependencies: versions } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const unknown = values.only.filter((name) => !columns.some((column) => column.name === name));

if (unknown.length > 0) {
  console.error(`There is no column ${unknown.join(', ')}: choose from ${columns.map(({ name }) => name).join(', ')}`);
  process.exitCode = 2;
} else if (values.list) {
  console.log(columnTable(columns, versions));
} else {
  await runAll(columns.filter(({ name }) => values.only.length === 0 || values.only.includes(name)));
}

/** @param {readonly import('./columns.mjs').Column[]} chosen */
async function runAll(chosen) {
  const rows = [];
  for (const column of chosen) {
    const results = await runColumn(column, { root, cacheDir, copies }, values);
    if (results.some(({ result }) => result.failed > 0)) {
      console.log(await endOf(path.join(cacheDir, `${column.name}.log`), 100));
    }
    rows.push(...results);
  }
  console.log(`\n${resultTable(rows, columns, versions)}\n`);
  for (const column of chosen) {
    for (const { path: folder, test, reason } of omissionsIn(column, values)) {
      console.log(`left out: ${column.name}: ${folder ?? test} (${reason})`);
    }
  }
  for (const { column, server, result } of rows) {
    for (const test of result.unsteady) console.log(`passed only when run again: ${column}, ${server}: ${test}`);
    for (const test of result.failures) console.log(`FAILED: ${column}, ${server}: ${test}`);
  }
  if (rows.some(({ result }) => result.failed > 0)) process.exitCode = 1;
}
