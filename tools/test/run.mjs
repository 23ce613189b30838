// @ts-check
/**
 * Runs the tests.
 *
 *     npm test                      for every change: without the long tests, which long-tests.mjs lists
 *     npm test -- test/topologies   only some tests, long ones included; options are those of Jest
 *     npm run test:all              tests that depend on versions on both ends of the matrix, then all tests here
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { longTests } from './long-tests.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const JEST = ['--experimental-vm-modules', '--no-warnings=ExperimentalWarning', 'node_modules/jest/bin/jest.js'];
const MATRIX = ['tools/matrix/main.mjs', '--quick', '--only', 'lowest', '--only', 'highest'];

const [first, ...others] = process.argv.slice(2);
if (first === '--all') {
  process.exitCode = (await run(MATRIX)) || (await run([...JEST, ...others]));
} else {
  const args = process.argv.slice(2);
  process.exitCode = await run([...JEST, ...args, ...(namesFiles(args) ? [] : withoutLongTests())]);
}

function withoutLongTests() {
  const ignored = ['/node_modules/', ...longTests.map(({ path }) => `<rootDir>/${path}`)];
  return ignored.flatMap((pattern) => ['--testPathIgnorePatterns', pattern]);
}

/** @param {string[]} args */
function namesFiles(args) {
  const value = /** @type {const} */ ({ type: 'string' });
  const options = { testNamePattern: { ...value, short: 't' }, maxWorkers: { ...value, short: 'w' } };
  return parseArgs({ args, options, strict: false, allowPositionals: true }).positionals.length > 0;
}

/**
 * @param {readonly string[]} args of Node
 * @returns {Promise<number>} its exit code
 */
async function run(args) {
  const [code] = await once(spawn(process.execPath, args, { cwd: root, stdio: 'inherit' }), 'exit');
  return code ?? 1;
}
