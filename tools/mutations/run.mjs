// Breaks each rule once, in a copy of the project, and runs the tests that must fail then: `node tools/mutations/run.mjs [PATTERN]`
// runs the mutations whose rule or file matches PATTERN. Exits with 1 where one survives.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MUTATIONS } from './mutations.mjs';

const pattern = new RegExp(process.argv[2] ?? '');
const root = path.resolve(import.meta.dirname, '../..');
const copy = mkdtempSync(path.join(tmpdir(), 'mutations-'));
process.once('exit', () => rmSync(copy, { recursive: true, force: true }));
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));

for (const file of execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' }).trim().split('\n')) {
  if (/^(lib|test|tools|tsconfig[^/]*|jest[^/]*|package\.json)/.test(file)) {
    cpSync(path.join(root, file), path.join(copy, file), { force: true });
  }
}
for (const folder of ['node_modules', 'dist', '.cache']) {
  symlinkSync(path.join(root, folder), path.join(copy, folder));
}

/** The generated files belong to the Lua and SQL that they embed. */
const embed = () => execFileSync('node', ['tools/embed-scripts.mjs'], { cwd: copy, stdio: 'ignore' });

const jest = ['--experimental-vm-modules', '--no-warnings', 'node_modules/jest/bin/jest.js', '-w', '1', '--bail'];

/** A broken rule may be a loop without an end, in a process that survives its parent. */
function endGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All have ended.
  }
}

function isCaught({ file, search, replace, tests }) {
  const place = path.join(copy, file);
  const source = readFileSync(place, 'utf8');
  if (source.split(search).length !== 2) throw new Error(`${file} must have this once: ${search}`);
  const isEmbedded = /\.(lua|sql)$/.test(file);
  try {
    writeFileSync(
      place,
      source.replace(search, () => replace),
    );
    if (isEmbedded) embed();
    const options = { cwd: copy, encoding: /** @type {const} */ ('utf8'), timeout: 900_000, detached: true };
    const { stdout, stderr, pid } = spawnSync('node', [...jest, ...tests], options);
    if (pid) endGroup(pid);
    const [, failed] = /^\d+ passed, (\d+) failed/m.exec(stdout) ?? [];
    // Tests that do not start, or do not end, have caught nothing.
    if (failed === undefined) throw new Error(`${tests.join(' ')} has no result: ${stderr}`);
    return failed !== '0';
  } finally {
    writeFileSync(place, source);
    if (isEmbedded) embed();
  }
}

const chosen = MUTATIONS.filter(({ rule, file }) => pattern.test(`${rule} ${file}`));
let survived = 0;
for (const mutation of chosen) {
  const since = Date.now();
  const caught = isCaught(mutation);
  if (!caught) survived += 1;
  const seconds = Math.round((Date.now() - since) / 1000);
  console.log(
    `${caught ? 'caught  ' : 'SURVIVED'} ${String(seconds).padStart(3)} s  ${mutation.rule} (${mutation.file})`,
  );
}
console.log(`${chosen.length - survived} of ${chosen.length} caught`);
process.exit(survived > 0 ? 1 : 0);
