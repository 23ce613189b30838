// @ts-check
import { readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { runCommand } from './run-command.mjs';

const jest = [
  'node',
  '--experimental-vm-modules',
  '--no-warnings=ExperimentalWarning',
  'node_modules/jest/bin/jest.js',
];

/**
 * @typedef {{ paths: readonly string[], omitted: readonly import('./omissions.mjs').Omission[] }} Selection
 * @typedef {{ env: Record<string, string | undefined>, log: string }} Context
 *
 * @typedef {object} TestResult
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 * @property {readonly string[]} failures
 * @property {readonly string[]} unsteady tests that failed and then passed
 */

/**
 * Runs tests, and the files with a failure once more by themselves: an incompatibility fails every time, a test on a
 * busy machine does not. Tests that pass only the second time are named.
 *
 * @param {string} folder
 * @param {Selection} selection
 * @param {Context} context
 * @returns {Promise<TestResult>}
 */
export async function runTests(folder, selection, context) {
  const first = await runJest(folder, selection, [], context);
  const paths = [...new Set(first.failures.flatMap(({ file }) => file ?? []))];
  const all = first.failures.every(({ file }) => file);
  if (paths.length === 0 || !all) return result(first, first.failures.map(describe), []);

  const second = await runJest(folder, { ...selection, paths }, ['--runInBand'], context);
  const failures = second.failures.map(describe);
  return result(
    first,
    failures,
    first.failures.map(describe).filter((each) => !failures.includes(each)),
  );
}

/**
 * @param {Outcome} outcome
 * @param {string[]} failures
 * @param {string[]} unsteady
 * @returns {TestResult}
 */
function result({ passed, skipped }, failures, unsteady) {
  return { passed: passed + unsteady.length, failed: failures.length, skipped, failures, unsteady };
}

/**
 * @typedef {{ file?: string, test: string }} Failure
 * @typedef {{ passed: number, skipped: number, failures: Failure[] }} Outcome
 *
 * @param {string} folder
 * @param {Selection} selection
 * @param {readonly string[]} more
 * @param {Context} context
 * @returns {Promise<Outcome>}
 */
async function runJest(folder, { paths, omitted }, more, { env, log }) {
  const report = path.join(folder, '.cache/jest.json');
  await rm(report, { force: true });
  const argv = [...jest, ...more, '--json', `--outputFile=${report}`, ...withoutThose(omitted), '--', ...paths];
  const well = await runCommand({ argv, cwd: folder, env, log, timeoutMs: 30 * 60_000 });
  const text = await readFile(report, 'utf8').catch(() => undefined);
  if (text === undefined) return { passed: 0, skipped: 0, failures: [{ test: 'Jest gave no results' }] };
  return read(JSON.parse(text), folder, well);
}

/**
 * @param {Selection['omitted']} omitted
 * @returns {string[]} options for Jest
 */
function withoutThose(omitted) {
  const ignored = ['/node_modules/', ...omitted.flatMap(({ path: each }) => (each ? `<rootDir>/${each}` : []))];
  const names = omitted.flatMap(({ test }) => (test ? escapeRegExp(test) : []));
  return [
    ...ignored.flatMap((pattern) => ['--testPathIgnorePatterns', pattern]),
    ...(names.length > 0 ? ['--testNamePattern', `^(?!.*(${names.join('|')})$)`] : []),
  ];
}

/** @param {string} text */
function escapeRegExp(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}

/**
 * @param {any} report the output of `--json`
 * @param {string} folder
 * @param {boolean} well
 * @returns {Outcome}
 */
function read(report, folder, well) {
  const failures = report.testResults.flatMap((/** @type {any} */ file) => failuresIn(file, folder));
  if (!well && failures.length === 0) failures.push({ test: 'Jest did not end well' });
  return { passed: report.numPassedTests, skipped: report.numPendingTests + report.numTodoTests, failures };
}

/**
 * @param {any} result
 * @param {string} folder
 * @returns {Failure[]}
 */
function failuresIn(result, folder) {
  const file = path.relative(folder, result.name);
  const failed = result.assertionResults.filter((/** @type {any} */ test) => test.status === 'failed');
  if (failed.length > 0) return failed.map((/** @type {any} */ test) => ({ file, test: test.fullName }));
  return result.status === 'failed' ? [{ file, test: 'could not be run' }] : [];
}

/** @param {Failure} failure */
function describe({ file, test }) {
  return file ? `${file}: ${test}` : test;
}
