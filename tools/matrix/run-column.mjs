// @ts-check
import { mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { findRedisServer, serverNames } from '../redis-server/index.mjs';
import { omissionsIn } from './omissions.mjs';
import { prepareColumn } from './prepare-column.mjs';
import { runTests } from './run-tests.mjs';

/** Tests that speak with a server run on each of the servers. */
const serverTests = ['test/conformance', 'test/redis', 'test/service', 'test/processes'];

/**
 * @typedef {object} Row a row of the table: one run of tests, or why there was none
 * @property {string} column
 * @property {string} server
 * @property {import('./run-tests.mjs').TestResult} result
 * @property {number} seconds
 */

/**
 * @param {import('./columns.mjs').Column} column
 * @param {{ root: string, cacheDir: string, copies: string }} places
 * @param {{ quick: boolean }} options
 * @returns {Promise<Row[]>}
 */
export async function runColumn(column, { root, cacheDir, copies }, options) {
  const folder = path.join(copies, column.name);
  const log = path.join(cacheDir, `${column.name}.log`);
  await mkdir(cacheDir, { recursive: true });
  await rm(log, { force: true });

  console.log(`${column.name}: installing, building and checking types; everything is written to ${log}`);
  const before = performance.now();
  const prepared = await prepareColumn(column, { root, cacheDir, folder, log });
  if ('problem' in prepared) return [row(column, column.server, nothingRan(prepared.problem), before)];

  const rows = [];
  const omitted = omissionsIn(column, options);
  const others = options.quick ? [] : serverNames.filter((name) => name !== column.server);
  for (const server of [column.server, ...others]) {
    const paths = server === column.server ? [] : serverTests;
    console.log(`${column.name}: ${paths.join(' ') || 'all tests'} on ${server}`);
    const start = performance.now();
    const context = { env: { ...prepared.env, REDIS_SERVER: server }, log };
    rows.push(row(column, server, await testOn(server, folder, { paths, omitted }, context), start));
  }
  return rows;
}

/**
 * @param {string} server
 * @param {string} folder
 * @param {import('./run-tests.mjs').Selection} selection
 * @param {{ env: Record<string, string | undefined>, log: string }} context
 */
async function testOn(server, folder, selection, context) {
  try {
    // Fetches the server before the tests if need be, so that no test waits for a download.
    await findRedisServer({ version: server });
  } catch (error) {
    return nothingRan(error instanceof Error ? error.message : String(error));
  }
  return await runTests(folder, selection, context);
}

/**
 * @param {string} problem
 * @returns {import('./run-tests.mjs').TestResult}
 */
function nothingRan(problem) {
  return { passed: 0, failed: 1, skipped: 0, failures: [problem], unsteady: [] };
}

/**
 * @param {import('./columns.mjs').Column} column
 * @param {string} server
 * @param {import('./run-tests.mjs').TestResult} result
 * @param {number} start
 * @returns {Row}
 */
function row(column, server, result, start) {
  return { column: column.name, server, result, seconds: Math.round((performance.now() - start) / 1000) };
}
